"""All formats together: they say the same numbers, and the registry knows each of them."""

from __future__ import annotations

import ast
import io
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import hardening.reports
from hardening.model import Evidence, Severity, Status
from hardening.reports import FORMATS
from hardening.reports.safe_text import UNSHOWABLE, visible
from tests.evidence_examples import (
    apply_evidence,
    clean_evidence,
    empty_evidence,
    hostile_evidence,
    large_evidence,
    scan_evidence,
)

Counts = Mapping[str, int]
# Office files are read back in tests of their own.
TEXTS = sorted(name for name, held in FORMATS.items() if not held.binary)
WORD = {
    "pass": Status.PASS,
    "fail": Status.FAIL,
    "error": Status.ERROR,
    "unreachable": Status.UNREACHABLE,
    "n/a": Status.NOT_APPLICABLE,
    "waived": Status.WAIVED,
    "manual": Status.MANUAL,
}


def written(name: str, evidence: Evidence) -> str:
    stream = io.StringIO()
    FORMATS[name].write(evidence, stream)
    return stream.getvalue()


def counts_of_json(text: str) -> Counts:
    document = json.loads(text)
    assert Counter(finding["status"] for finding in document["findings"]) == _some(document["tally"]["by_status"])
    return dict(_some(document["tally"]["by_status"]))


def counts_of_junit(text: str) -> Counts:
    root = ET.fromstring(text)  # noqa: S314 - our own text
    return Counter(re.findall(r"\[\[PROPERTY\|status=([A-Z_]+)\]\]", "".join(root.itertext())))


def counts_of_terminal(text: str) -> Counts:
    lines = text.splitlines()
    heading = next(line for line in lines if line.startswith("target ")).split()[1:]
    rows = [line.split() for line in lines if re.match(r"all +\d", line)]
    if not rows:
        rows = [line.split() for line in lines if re.match(r"\S+/\S+ +\d", line)]
    numbers = rows[0][1 : 1 + len(heading)]
    return _some({WORD[word].value: int(n.replace(",", "")) for word, n in zip(heading, numbers, strict=True)})


def counts_of_html_data(text: str) -> Counts:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, flags=re.DOTALL)
    assert found
    data = json.loads(found[1])
    width, at = len(data["row"]), data["row"].index("status")
    return Counter(data["statuses"][data["rows"][row + at]][0] for row in range(0, len(data["rows"]), width))


def counts_of_html_tiles(text: str) -> Counts:
    tiles = dict(re.findall(r'href="#status=([A-Z_,]+)"><b>([\d,]+)</b>', text))
    return _some({name: int(number.replace(",", "")) for name, number in tiles.items()})


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in counts.items() if number}


def _unseen_together(counts: Counts) -> dict[str, int]:
    together = dict(counts)
    unseen = together.pop("ERROR", 0) + together.pop("UNREACHABLE", 0)
    return _some({**together, "UNREACHABLE,ERROR": unseen})


@pytest.mark.parametrize(
    "make",
    [
        apply_evidence,
        scan_evidence,
        clean_evidence,
        lambda: hostile_evidence("\x1b[2J<script>"),
        lambda: large_evidence(hosts=7, controls=40),
    ],
    ids=["apply", "scan", "clean", "hostile", "large"],
)
def test_all_formats_give_the_same_numbers(make: Callable[[], Evidence]) -> None:
    """Terminal, JSON, JUnit, and the page's data, tiles and severities agree with the tally, status by status."""
    evidence = make()
    expected = _some({status.value: number for status, number in evidence.tally.by_status.items()})
    page, document = written("html", evidence), written("json", evidence)

    assert counts_of_terminal(written("terminal", evidence)) == expected
    assert counts_of_json(document) == expected
    assert counts_of_junit(written("junit", evidence)) == expected
    assert counts_of_html_data(page) == expected
    assert counts_of_html_tiles(page) == _unseen_together(expected)
    severities = re.findall(r'<span class="sev v-(\w+)">.{0,90}?</th><td class="n[^"]*">([\d,]+)<', page)
    assert {name: int(number.replace(",", "")) for name, number in severities} == {
        severity.value: evidence.tally.by_severity_failed[severity] for severity in Severity
    }
    assert json.loads(document)["tally"]["failed_by_severity"] == {
        severity.value: number for severity, number in evidence.tally.by_severity_failed.items()
    }


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("make", [apply_evidence, empty_evidence])
def test_every_format_says_that_it_is_incomplete(name: str, make: Callable[[], Evidence]) -> None:
    """No format lets an incomplete or empty run pass for a good one."""
    text = written(name, make())

    assert ("Incomplete: 20 of 54" if make is apply_evidence else "Nothing was asked") in text


@pytest.mark.parametrize("name", TEXTS)
def test_every_format_writes_files_and_streams_alike(name: str, tmp_path: Path) -> None:
    """A file holds the same bytes as a stream, is replaced in one step, and leaves nothing beside it."""
    path = tmp_path / f"report{FORMATS[name].suffix}"
    path.write_text("old")

    FORMATS[name].write(apply_evidence(), path, lang="zh")
    stream = io.StringIO()
    FORMATS[name].write(apply_evidence(), stream, lang="zh")

    assert path.read_bytes() == stream.getvalue().encode()
    assert list(tmp_path.iterdir()) == [path]


def test_writers_know_neither_each_other_nor_the_engine() -> None:
    """A writer imports the model, the judge's words, the tally, and shared helpers: never another writer, no ledger."""
    writers = {held.write.__module__.rpartition(".")[2] for held in FORMATS.values()}
    known = ("model", "codec", "judge", "tally", "outcome", "plan", "prediction", "clauses", "errors")
    allowed = {f"hardening.{name}" for name in known}
    package = Path(hardening.reports.__file__).parent
    # What is written about resources is made of their own plain values, not of what looks at hosts or reads the ledger.
    engine = {f"hardening.resources.{name}" for name in ("collecting", "knowing", "probes")}
    of_resources = {f"hardening.resources.{file.stem}" for file in (package.parent / "resources").glob("*.py")} - engine

    for file in package.glob("*.py"):
        if file.name == "__init__.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in (name for name in names if name.startswith("hardening")):
                own = {"hardening.resource_model", *of_resources} if file.name.startswith("resource_") else set()
                assert name in allowed | own or name.startswith("hardening.reports"), f"{file.name} imports {name}"
                assert name.rpartition(".")[2] not in writers, f"{file.name} imports {name}"


def test_text_without_unshowable_characters_is_left_alone() -> None:
    """Every character that the pattern replaces is one that Python, too, calls not printable: the short cut is safe."""
    for code in range(0x110000):
        if UNSHOWABLE.match(chr(code)):
            assert not chr(code).isprintable()
    assert visible("口令 – naïve\n\tok") == "口令 – naïve\n\tok"
    assert visible("a\x1b\u202e\U000e0001") == "a\\x1b\\u202e\\U000e0001"
