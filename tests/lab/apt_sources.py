"""Which Debian archive this machine uses: the lab's images come from the same one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError


@dataclass(frozen=True, kw_only=True)
class Archive:
    """The archive's addresses, as this machine's own apt names them."""

    main: str
    security: str | None

    def sources(self, suite: str) -> str:
        """Return one-line apt sources for a Debian suite of this archive."""
        lines = [f"deb {self.main} {suite} main", f"deb {self.main} {suite}-updates main"]
        if self.security:
            lines.append(f"deb {self.security} {suite}-security main")
        return "\n".join(lines) + "\n"


def machine_archive(etc: Path = Path("/etc")) -> Archive:
    """Return the archive that the apt configuration under `etc` names for the installed Debian release."""
    release = re.search(r"^VERSION_CODENAME=(\S+)$", (etc / "os-release").read_text(), re.MULTILINE)
    if release is None:
        raise LabError(f"{etc}/os-release names no VERSION_CODENAME; the lab is built on Debian 12 or 13")
    suite = release.group(1)
    by_suite: dict[str, str] = {}
    for uri, found in _entries(etc / "apt"):
        by_suite.setdefault(found, uri)
    if suite not in by_suite:
        raise LabError(
            f"{etc}/apt names no archive for {suite}, and the lab's packages come from the machine's own one"
        )
    return Archive(main=by_suite[suite], security=by_suite.get(f"{suite}-security"))


def _entries(apt: Path) -> list[tuple[str, str]]:
    """Return (address, suite) of every binary source, in the order apt reads them."""
    found: list[tuple[str, str]] = []
    parts = apt / "sources.list.d"
    for path in [apt / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]:
        if not path.exists():
            continue
        text = path.read_text()
        found += _deb822(text) if path.suffix == ".sources" else _one_line(text)
    return found


def _one_line(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)", text, re.MULTILINE)


def _deb822(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", lines):
        pairs = re.findall(r"^(\S+):((?:.|\n[ \t])*)", stanza, re.MULTILINE)
        fields = {key.lower(): value.split() for key, value in pairs}
        if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"]) != ["no"]:
            found += [(uri, suite) for uri in fields.get("uris", []) for suite in fields.get("suites", [])]
    return found
