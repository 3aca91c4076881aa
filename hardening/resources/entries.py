"""What a register says of hosts, lines, services and data: one pydantic model for each, and the whole. Pure."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=500)]
Note: TypeAlias = Annotated[str, Field(max_length=2000)]
Mlps: TypeAlias = Annotated[int, Field(ge=1, le=5)]
Count: TypeAlias = Annotated[int, Field(ge=1, le=100_000)]
Gib: TypeAlias = Annotated[float, Field(gt=0, le=1e9)]
Mbps: TypeAlias = Annotated[float, Field(gt=0, le=1e7)]
Port: TypeAlias = Annotated[int, Field(ge=1, le=65_535)]


class Level(StrEnum):
    """How much depends on it; `core` weighs most."""

    CORE = "core"
    IMPORTANT = "important"
    GENERAL = "general"

    @property
    def rank(self) -> int:
        """3 for core, 2 for important, 1 for general."""
        return 3 - list(Level).index(self)


class State(StrEnum):
    """Where in its life a thing stands."""

    PLANNED = "planned"
    IN_USE = "in_use"
    SPARE = "spare"
    RETIRED = "retired"


class LineType(StrEnum):
    """What a line is part of."""

    INTERNET = "internet"
    GOVERNMENT_EXTRANET = "government_extranet"
    LEASED = "leased"


class Form(StrEnum):
    """What a host is made of."""

    PHYSICAL = "physical"
    VIRTUAL = "virtual"
    CONTAINER = "container"


class DataKind(StrEnum):
    """How data is kept."""

    DATABASE = "database"
    FILES = "files"


class _Entry(BaseModel):
    """What is registered of everything: whose it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    department: Text
    owner: Text
    note: Note = ""


class HostEntry(_Entry):
    """Business facts of a host. Its name and address are the inventory's; hardware stated here is held against it."""

    system: Text
    purpose: Note = ""
    level: Level
    mlps: Mlps | None = None
    location: Text
    rack: Note = ""
    zone: Note = ""
    platform: Note = ""
    form: Form | None = None
    external_address: Note = ""
    cpus: Count | None = None
    memory_gib: Gib | None = None
    disk_gib: Gib | None = None
    in_service_on: date | None = None
    warranty_ends: date | None = None
    state: State = State.IN_USE


class LineEntry(_Entry):
    """A network line. `host` and `interface` say where its traffic can be seen; without them it is not measured."""

    provider: Text
    type: LineType
    bandwidth_mbps: Mbps
    end_a: Text
    end_b: Text
    purpose: Note = ""
    level: Level = Level.GENERAL
    host: str | None = None
    interface: str | None = None
    backup_line: str | None = None
    contact: Note = ""
    expires_on: date | None = None
    state: State = State.IN_USE

    @model_validator(mode="after")
    def _seen_on_an_interface(self) -> LineEntry:
        if (self.host is None) != (self.interface is None):
            raise ValueError("`host` and `interface` belong together: they say where the traffic is measured")
        return self


class ServiceEntry(_Entry):
    """Something that people use, and the hosts that it runs on."""

    system: Text
    level: Level
    mlps: Mlps | None = None
    hosts: tuple[Text, ...] = Field(min_length=1)
    ports: tuple[Port, ...] = ()


class DataEntry(_Entry):
    """A database or a directory of data: where it lies, how it is kept safe, who gets it.

    `database` is `postgresql:INSTANCE/NAME` as `resources show` writes it, or the name alone where it is unique.
    """

    kind: DataKind
    category: Text
    classification: Note = ""
    host: Text
    database: str | None = None
    directory: str | None = None
    capacity_gib: Gib | None = None
    growth_gib_per_month: Annotated[float, Field(ge=0)] | None = None
    backup_to: Note = ""
    backup_every: Note = ""
    shared_with: Note = ""

    @model_validator(mode="after")
    def _lies_somewhere(self) -> DataEntry:
        wanted = "database" if self.kind is DataKind.DATABASE else "directory"
        if not getattr(self, wanted):
            raise ValueError(f"data of kind {self.kind.value} names its `{wanted}`")
        return self


Entry: TypeAlias = HostEntry | LineEntry | ServiceEntry | DataEntry
ENTRIES: dict[str, type[HostEntry] | type[LineEntry] | type[ServiceEntry] | type[DataEntry]] = {
    "hosts": HostEntry,
    "lines": LineEntry,
    "services": ServiceEntry,
    "data": DataEntry,
}


class Register(BaseModel):
    """The whole register: entries by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hosts: dict[str, HostEntry] = Field(default_factory=dict)
    lines: dict[str, LineEntry] = Field(default_factory=dict)
    services: dict[str, ServiceEntry] = Field(default_factory=dict)
    data: dict[str, DataEntry] = Field(default_factory=dict)

    def entries(self, kind: str) -> dict[str, Entry]:
        """Return the entries of `hosts`, `lines`, `services` or `data`."""
        return dict(getattr(self, kind))

    def level_of(self, host: str) -> Level | None:
        """Return the highest level of a host and of the services on it; None where neither is registered."""
        levels = [entry.level for entry in self.services.values() if host in entry.hosts]
        if host in self.hosts:
            levels.append(self.hosts[host].level)
        return max(levels, key=lambda level: level.rank, default=None)
