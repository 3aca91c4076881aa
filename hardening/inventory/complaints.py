"""What Ansible says when an inventory cannot be read, told in one sentence with file and line.

The shapes are those of ansible-core 2.19; an unknown one is passed on by its last `[ERROR]` line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hardening.errors import AskedWrongly, BadFiles, Problem
from hardening.inventory.tools import Answer
from hardening.yaml_lines import read_yaml

_ERROR = re.compile(r"^\[ERROR\]: (?P<said>.*)$", re.M)
_ORIGIN = re.compile(r"^Origin: (?P<file>/[^\n]*?):(?P<line>\d+)(?::\d+)?$", re.M)
_UNPARSED = re.compile(r"Completely failed to parse inventory source (?P<source>.+)$", re.M)
_ATTEMPT = re.compile(r"^\[WARNING\]: Failed to parse inventory with '(?P<plugin>[^']+)' plugin: (?P<said>.*)$", re.M)
_SCRIPT_STDERR = re.compile(
    r"^Standard error from inventory script:\n(?P<said>.*?)(?=^\[(?:WARNING|ERROR)\]|\Z)", re.M | re.S
)
_NO_MATCH = re.compile(r"Could not match supplied host pattern, ignoring: (?P<pattern>.+)$", re.M)


def unmatched_pattern(answer: Answer) -> str | None:
    """Return the part of `--limit` that named nothing, if that was the complaint."""
    found = _NO_MATCH.search(answer.stderr) if answer.exit_code != 0 else None
    return found["pattern"] if found else None


def complaint(answer: Answer, sources: Sequence[str]) -> AskedWrongly:
    """Return why Ansible could not read the sources, as the error to raise."""
    errors = [match["said"] for match in _ERROR.finditer(answer.stderr)]
    last = errors[-1] if errors else _last_line(answer.stderr)
    vault = _vault(answer.stderr, errors)
    if vault is not None:
        return AskedWrongly(vault)
    unparsed = _UNPARSED.search(answer.stderr)
    if unparsed:
        return _source_complaint(unparsed["source"], answer.stderr)
    if "YAML parsing failed" in last:
        return _yaml_complaint(last, answer.stderr, sources)
    return AskedWrongly(f"Ansible cannot read the inventory {', '.join(sources)}: {last}")


def _vault(stderr: str, errors: Sequence[str]) -> str | None:
    for said in errors:
        if "no vault secrets found" in said:
            return "the inventory holds vault-encrypted values; say how to open them with --vault-password-file FILE"
        if said.startswith("Decryption failed"):
            return "the vault password does not open the inventory's vault-encrypted values"
        if "vault password" in said.casefold():
            return said
    return None


def _source_complaint(source: str, stderr: str) -> AskedWrongly:
    attempts = {match["plugin"]: match["said"] for match in _ATTEMPT.finditer(stderr)}
    path = Path(source)
    if "script" in attempts:
        said = _SCRIPT_STDERR.search(stderr)
        what = attempts["script"].rstrip(".").replace("Inventory script returned", "the inventory script ended with")
        what = re.sub(r"^Unable to get JSON decoder .*?parsed as JSON", "the inventory script printed no JSON", what)
        why = f": {_last_line(said['said'])}" if said else ""
        return AskedWrongly(f"{source}: {what}{why}")
    if _starts_as_script(path):
        return AskedWrongly(f"{source}: is a script that may not be executed; run `chmod +x {source}`")
    where = _ORIGIN.search(stderr)
    # Every plugin had a try; the one that belongs to the file's ending knows best what is wrong with it.
    mine = "yaml" if path.suffix in (".yml", ".yaml", ".json") or (where and "yaml" in attempts) else "ini"
    said_by_mine = attempts.get(mine) or next(reversed(attempts.values()), "no inventory plugin understands it")
    sentence = said_by_mine.removeprefix("Failed to parse inventory: ").rstrip(".")
    if where and mine == "yaml":
        return BadFiles([Problem(file=where["file"], line=int(where["line"]), message=sentence)])
    return BadFiles([Problem(file=source, line=None, message=sentence)])


def _yaml_complaint(said: str, stderr: str, sources: Sequence[str]) -> AskedWrongly:
    where = _ORIGIN.search(stderr)
    if where:
        return BadFiles([Problem(file=where["file"], line=int(where["line"]), message=said.rstrip("."))])
    # For files of group_vars and host_vars Ansible does not say which one; they stand beside the sources.
    problems = [problem for path in _variable_files(sources) for problem in read_yaml(path).problems]
    broken = [problem for problem in problems if problem.message.startswith("broken YAML")]
    if broken:
        return BadFiles(broken)
    return AskedWrongly(f"a variables file of the inventory {', '.join(sources)} is broken: {said}")


def _variable_files(sources: Sequence[str]) -> Iterator[Path]:
    for source in sources:
        base = Path(source) if Path(source).is_dir() else Path(source).parent
        for directory in ("group_vars", "host_vars"):
            yield from (path for path in sorted((base / directory).rglob("*")) if path.is_file())


def _starts_as_script(path: Path) -> bool:
    if not path.is_file() or os.access(path, os.X_OK):
        return False
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"
