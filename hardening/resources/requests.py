"""A request for room: `REQUEST.yml`, read with every problem at its line, and as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hardening.errors import BadFiles
from hardening.model import Json
from hardening.resources.entries import Gib, Level, Mlps, Note, Text
from hardening.yaml_lines import complaints, did_you_mean, read_yaml

EXAMPLE = """\
---
# What a service needs (docs/resources.md): hardening resources plan request.yml
id: REQ-2026-001
system: Case service
reason: A second instance before the audit
services:
  case-web:
    instances: 2
    vcpus: 2
    memory_gib: 4
    disk_gib: 20
    level: important
    zone: business
    apart: host
"""


class Apart(StrEnum):
    """What the instances of a service must not share."""

    NOTHING = "nothing"
    HOST = "host"
    RACK = "rack"
    LOCATION = "location"


class ServiceNeed(BaseModel):
    """What one service needs, each instance of it. `apart_from` are services that must not be on the same host."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    instances: Annotated[int, Field(ge=1, le=1000)] = 1
    vcpus: Annotated[float, Field(gt=0, le=1024)]
    memory_gib: Gib
    disk_gib: Annotated[float, Field(ge=0, le=1e6)] = 0
    level: Level
    mlps: Mlps | None = None
    zone: Note = ""
    apart: Apart = Apart.HOST
    apart_from: tuple[Text, ...] = ()
    only_hosts: tuple[Text, ...] = ()


class Request(BaseModel):
    """A request as its file writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    system: Text
    reason: Note = ""
    services: dict[str, ServiceNeed] = Field(min_length=1)

    def as_json(self) -> dict[str, Json]:
        """Return the request as the ledger keeps it."""
        dumped: dict[str, Json] = self.model_dump(mode="json")
        return dumped


def load_request(path: Path) -> Request:
    """Read a request. Raises BadFiles with every problem at its line."""
    file = read_yaml(path)
    if file.problems:
        raise BadFiles(file.problems)
    if not isinstance(file.value, dict):
        file.complain(f"must be a mapping with {', '.join(Request.model_fields)}")
        raise BadFiles(file.problems)
    made: Request | None = None
    try:
        made = Request.model_validate(file.value)
    except ValidationError as problem:
        for where, sentence in complaints(problem, Request):
            inner = ServiceNeed if where[:1] == ("services",) and len(where) > 2 else Request
            if inner is ServiceNeed and "is not known here" in sentence:
                word = str(where[-1])
                sentence = f"services.{where[1]}.{word} is not known here{did_you_mean(word, inner.model_fields)}"
            file.complain(sentence, where)
    if made is None:
        raise BadFiles(file.problems)
    return made


def request_of(stored: Mapping[str, Json]) -> Request:
    """Return the request that the ledger kept."""
    return Request.model_validate(stored)
