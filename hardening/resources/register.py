"""`resources.yml`: read with every problem at its line, written back, and described for editors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hardening.errors import BadFiles
from hardening.resources.entries import ENTRIES, Entry, LineEntry, Register
from hardening.yaml_lines import YamlFile, complaints, did_you_mean, read_yaml

HEADER = """\
# The register of resources: business facts of hosts, lines, services and data (docs/resources.md).
# Hosts come from the Ansible inventory; here stands only what no host can say of itself.
"""


def load_register(path: Path, *, hosts: Iterable[str] | None = None) -> Register:
    """Read a register. Raises BadFiles with every problem at its line.

    `hosts` are those of the inventory: an entry for any other is a problem. None leaves that unchecked.
    """
    file = read_yaml(path)
    if file.problems:
        raise BadFiles(file.problems)
    value = {} if file.value is None else file.value
    if not isinstance(value, dict):
        file.complain(f"must be a mapping with {', '.join(ENTRIES)}")
        raise BadFiles(file.problems)
    found: dict[str, dict[str, Any]] = {kind: {} for kind in ENTRIES}
    for kind, entries in value.items():
        if kind not in ENTRIES:
            file.complain(f"{kind} is not a part of a register{did_you_mean(str(kind), ENTRIES)}", (str(kind),))
        elif not isinstance(entries, dict):
            if entries is not None:
                file.complain(f"{kind} must map names to entries", (kind,))
        else:
            found[kind] = dict(_entries(file, kind, entries))
    _refer(file, found, None if hosts is None else set(hosts))
    if file.problems:
        raise BadFiles(file.problems)
    return Register(**found)


def _entries(file: YamlFile, kind: str, entries: Mapping[Any, Any]) -> Iterable[tuple[str, Entry]]:
    for name, body in entries.items():
        place = (kind, str(name))
        if not isinstance(name, str):
            file.complain(f"{name} must be a text: quote it", place)
            continue
        try:
            yield name, ENTRIES[kind].model_validate(body)
        except ValidationError as problem:
            for where, sentence in complaints(problem, ENTRIES[kind]):
                file.complain(f"{name}: {sentence}", (*place, *where))


def _refer(file: YamlFile, found: Mapping[str, Mapping[str, Entry]], hosts: set[str] | None) -> None:
    """Complain of every name that leads nowhere."""
    # As written, and not as read: an entry that is wrong otherwise may be misnamed, too.
    written = {kind: _mapping(file.value.get(kind)) for kind in ENTRIES}
    for name in map(str, written["hosts"]):
        _known(file, name, hosts, ("hosts", name), "a host of the inventory")
    for name, body in written["services"].items():
        named = _mapping(body).get("hosts")
        for index, host in enumerate(named if isinstance(named, list) else ()):
            _known(file, str(host), hosts, ("services", str(name), "hosts", index), "a host of the inventory")
    for kind in ("lines", "data"):
        for name, body in written[kind].items():
            host = _mapping(body).get("host")
            if host is not None:
                _known(file, str(host), hosts, (kind, str(name), "host"), "a host of the inventory")
    for name, entry in found["lines"].items():
        if isinstance(entry, LineEntry) and entry.backup_line is not None:
            others = set(found["lines"]) - {name}
            _known(file, entry.backup_line, others, ("lines", name, "backup_line"), "another line of this register")


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def _known(file: YamlFile, name: str, known: set[str] | None, place: tuple[str | int, ...], what: str) -> None:
    if known is not None and name not in known:
        file.complain(f"{name} is not {what}{did_you_mean(name, sorted(known))}", place)


def register_text(register: Register) -> str:
    """Return the register as YAML, entries sorted by name, fields in the order of the model, defaults left out."""
    document = {
        kind: {
            name: entry.model_dump(mode="json", exclude_defaults=True)
            for name, entry in sorted(register.entries(kind).items())
        }
        for kind in ENTRIES
    }
    filled = {kind: entries for kind, entries in document.items() if entries}
    # Dates are written as text and read back as dates: both are one to the model.
    written = yaml.safe_dump(filled, sort_keys=False, allow_unicode=True, width=120) if filled else "hosts: {}\n"
    return f"---\n{HEADER}{written}"


def register_schema() -> dict[str, Any]:
    """Return the JSON Schema of a register, for editors."""
    schema = Register.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Register of resources"}
