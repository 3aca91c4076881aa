"""The settings of ansible.cfg and ANSIBLE_* variables that decide how a host is reached, as Ansible resolves them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hardening.errors import AskedWrongly
from hardening.inventory.tools import Answer, Asked, config_file


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One changed setting and where it was changed: a file, or `env: NAME`."""

    value: Any
    origin: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What differs from Ansible's own defaults: by setting name, and for plugins by plugin and option."""

    base: Mapping[str, Setting] = field(default_factory=dict)
    connection: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    become: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)


def ask_settings(environment: Mapping[str, str], cwd: Path) -> Asked | None:
    """Ask Ansible for its changed settings, or return None where nothing can have changed any."""
    if config_file(environment, cwd) is None and not any(name.startswith("ANSIBLE_") for name in environment):
        return None
    return Asked(["ansible-config", "dump", "--only-changed", "-t", "all", "--format", "json"], environment, cwd=cwd)


def read_settings(answer: Answer | None) -> Settings:
    """Return what `ansible-config dump --only-changed -t all --format json` said."""
    if answer is None:
        return Settings()
    if answer.exit_code != 0:
        said = [line for line in answer.stderr.splitlines() if line.strip()]
        raise AskedWrongly(f"Ansible refuses its configuration: {said[-1] if said else 'no reason given'}")
    dump = json.loads(answer.stdout)
    return Settings(
        base=_by_name(entry for entry in dump if "name" in entry),
        connection=_plugins(dump, "CONNECTION_PLUGINS"),
        become=_plugins(dump, "BECOME_PLUGINS"),
    )


def _by_name(entries: Any) -> dict[str, Setting]:
    return {entry["name"]: Setting(value=entry["value"], origin=str(entry["origin"])) for entry in entries}


def _plugins(dump: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Setting]]:
    return {
        name: _by_name(options) for entry in dump for plugin in entry.get(kind, ()) for name, options in plugin.items()
    }
