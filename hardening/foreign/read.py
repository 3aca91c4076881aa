"""Read a result file of another tool: an OpenSCAP ARF or XCCDF result, an HDF file, a CSV. It may come from anybody."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from hardening.errors import AskedWrongly
from hardening.foreign.mapping import ClauseMapping
from hardening.model import ForeignFinding, Import, Status
from hardening.redact import redact

FORMATS = ("arf", "hdf", "csv")
MAX_BYTES = 256 * 1024**2
MAX_FINDINGS = 500_000
TEXT_LIMIT = 2_000
# XCCDF 1.2, section 6.6.4.2; what was not selected was not asked.
XCCDF: Mapping[str, Status] = {
    "pass": Status.PASS,
    "fixed": Status.PASS,
    "fail": Status.FAIL,
    "error": Status.ERROR,
    "unknown": Status.ERROR,
    "notapplicable": Status.NOT_APPLICABLE,
    "notchecked": Status.MANUAL,
    "informational": Status.MANUAL,
}
HDF: Mapping[str, Status] = {
    "failed": Status.FAIL,
    "error": Status.ERROR,
    "skipped": Status.MANUAL,
    "passed": Status.PASS,
}


def read_foreign(path: Path, file_format: str, mapping: ClauseMapping, *, imported_by: str) -> Import:
    """Return what a file says. Raises AskedWrongly, with the line where there is one, for a file that says nothing."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise AskedWrongly(f"{path}: is larger than {MAX_BYTES // 1024**2} MB; import it in parts")
        content = path.read_bytes()
    except OSError as problem:
        raise AskedWrongly(f"{path}: cannot be read: {problem.strerror}") from problem
    readers: Mapping[str, Callable[[Path, bytes, ClauseMapping], tuple[str, list[ForeignFinding]]]]
    readers = {"arf": _read_xccdf, "hdf": _read_hdf, "csv": _read_csv}
    tool, found = readers[file_format](path, content, mapping)
    if not found:
        raise AskedWrongly(f"{path}: holds no result; nothing was imported")
    if len(found) > MAX_FINDINGS:
        raise AskedWrongly(f"{path}: holds more than {MAX_FINDINGS} results; import it in parts")
    return Import(
        file=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        format=file_format,
        tool=mapping.tool or tool,
        imported_by=imported_by,
        findings=tuple(_clean(replace(finding, clauses=mapping.clauses_of(finding.id))) for finding in found),
    )


def _clean(finding: ForeignFinding) -> ForeignFinding:
    """Return a finding whose texts are redacted and bounded; redacted first, as half a key has no shape."""
    return replace(
        finding,
        title=redact(finding.title)[:TEXT_LIMIT],
        said=redact(finding.said)[:TEXT_LIMIT],
        severity=finding.severity[:100],
        result=finding.result[:100],
    )


def _read_xccdf(path: Path, content: bytes, _mapping: ClauseMapping) -> tuple[str, list[ForeignFinding]]:
    """Read the TestResults of an ARF, or of an XCCDF file alone; the two hold the same elements."""
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    try:
        root: Element = ElementTree.fromstring(content)
    except ParseError as problem:
        raise AskedWrongly(f"{path}:{problem.position[0]}: is no XML: {problem}") from problem
    except DefusedXmlException as problem:
        raise AskedWrongly(f"{path}: declares entities, which a result file does not need: {problem}") from problem
    titles = {rule.get("id", ""): _child_text(rule, "title") for rule in _named(root, "Rule")}
    found, tools = [], []
    for result in _named(root, "TestResult"):
        tools.append(result.get("test-system", ""))
        host = _child_text(result, "target")
        for rule in _named(result, "rule-result"):
            said = _child_text(rule, "result")
            name = rule.get("idref", "")
            if said == "notselected":
                continue
            if said not in XCCDF or not name or not host:
                raise AskedWrongly(f"{path}: {name or 'a rule without idref'} of {host or 'no target'} says {said!r}")
            severity = rule.get("severity", "unknown")
            finding = ForeignFinding(
                id=name, host=host, title=titles.get(name, ""), severity=severity, result=said, status=XCCDF[said]
            )
            found.append(finding)
    return next(filter(None, tools), "XCCDF"), found


def _read_hdf(path: Path, content: bytes, _mapping: ClauseMapping) -> tuple[str, list[ForeignFinding]]:
    try:
        document = json.loads(content)
        platform = document["platform"]
        host = str(platform.get("target_id") or platform["name"])
        found = [_hdf_finding(control, host) for profile in document["profiles"] for control in profile["controls"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        line = f":{problem.lineno}" if isinstance(problem, json.JSONDecodeError) else ""
        raise AskedWrongly(f"{path}{line}: is no HDF file: {type(problem).__name__} {problem}") from problem
    return f"{platform['name']} {document.get('version', '')}".strip(), found


def _hdf_finding(control: Mapping[str, Any], host: str) -> ForeignFinding:
    """Return a control with its worst result; one without results was not looked at."""
    results = [str(result["status"]) for result in control["results"]]
    worst = next((word for word in HDF if word in results), "skipped")
    unknown = set(results) - set(HDF)
    if unknown:
        raise ValueError(f"{control['id']} says {sorted(unknown)}")
    messages = [str(result.get("message") or result.get("code_desc") or "") for result in control["results"]]
    said = next((text for text, word in zip(messages, results, strict=True) if word == worst), "")
    status = Status.NOT_APPLICABLE if control.get("impact") == 0 else HDF[worst]
    return ForeignFinding(
        id=str(control["id"]),
        host=host,
        title=str(control.get("title") or ""),
        severity=str(control.get("impact", "")),
        result=worst,
        status=status,
        said=said,
    )


def _read_csv(path: Path, content: bytes, mapping: ClauseMapping) -> tuple[str, list[ForeignFinding]]:
    columns = mapping.columns
    if columns is None:
        raise AskedWrongly(f"{path}: every scanner names its columns otherwise: say how, under `columns` of --mapping")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise AskedWrongly(f"{path}: is not UTF-8: {problem.reason} at byte {problem.start}") from problem
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    wanted = {field: name for field, name in columns.model_dump().items() if name is not None}
    missing = sorted(set(wanted.values()) - set(reader.fieldnames or ()))
    if missing:
        raise AskedWrongly(f"{path}:1: has no column {', '.join(missing)}")
    found = []
    try:
        for row in reader:
            held = {field: (row[name] or "").strip() for field, name in wanted.items()}
            found.append(_csv_finding(f"{path}:{reader.line_num}", held, mapping))
    except csv.Error as problem:
        raise AskedWrongly(f"{path}:{reader.line_num}: {problem}") from problem
    return "CSV", found


def _csv_finding(where: str, held: Mapping[str, str], mapping: ClauseMapping) -> ForeignFinding:
    if not held["id"] or not held["host"]:
        raise AskedWrongly(f"{where}: names no {'finding' if held['host'] else 'host'}")
    status, result = Status.FAIL, "listed"
    if "result" in held:
        result = held["result"]
        if result not in mapping.results:
            raise AskedWrongly(f"{where}: {result!r} is not under `results` of the mapping")
        status = mapping.results[result]
    return ForeignFinding(
        id=held["id"],
        host=held["host"],
        title=held.get("title", ""),
        severity=held.get("severity", ""),
        result=result,
        status=status,
        said=held.get("said", ""),
    )


def _named(root: Element, name: str) -> Iterator[Element]:
    """Yield elements of a local name: XCCDF 1.1 and 1.2 differ in their namespace alone."""
    return (element for element in root.iter() if element.tag.rpartition("}")[2] == name)


def _child_text(element: Element, name: str) -> str:
    """Return the text of the first child of a local name, with that of the markup inside."""
    for child in element:
        if child.tag.rpartition("}")[2] == name:
            return " ".join("".join(child.itertext()).split())
    return ""
