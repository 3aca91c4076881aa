"""The JSON report: one document, complete, lossless, and the same each time."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from hardening.reports import write_json
from tests.evidence_examples import apply_evidence, clean_evidence, empty_evidence, hostile_evidence, scan_evidence
from tests.golden_files import assert_golden


def written(evidence: Any, lang: str = "en") -> str:
    stream = io.StringIO()
    write_json(evidence, stream, lang=lang)
    return stream.getvalue()


def test_golden_json() -> None:
    """The document of the example campaign is the one that was last read by a person."""
    assert_golden("apply.json", written(apply_evidence()))


def test_document_names_its_schema_and_says_incomplete() -> None:
    """A program sees from two fields what it reads and whether it is the whole truth."""
    document = json.loads(written(apply_evidence()))

    assert document["schema"] == "hardening/evidence/1"
    assert document["complete"] is False
    assert len(document["alarms"]) == 2
    assert json.loads(written(clean_evidence()))["complete"] is True
    assert json.loads(written(empty_evidence()))["complete"] is False


def test_transitions_add_up_to_the_total() -> None:
    """Every pair of the two looks is in exactly one row of before and after."""
    document = json.loads(written(apply_evidence()))

    assert sum(row["count"] for row in document["transitions"]) == document["tally"]["total"]
    assert json.loads(written(scan_evidence()))["transitions"] == []


def test_hostile_text_is_kept_exactly_and_written_as_ascii() -> None:
    """A program gets back the very text a host sent, and a terminal that shows the document meets only ASCII."""
    nasty = "<script>alert(1)</script> =cmd|' /C calc'!A0 \x1b[2J \u202eabc \x00 \ud800 " + "A" * 1_000_000

    text = written(hostile_evidence(nasty))

    assert text.isascii()
    document = json.loads(text)
    assert document["findings"][0]["reason"] == nasty
    assert document["changes"][0]["touches"][0]["name"] == nasty


def test_equal_evidence_gives_equal_bytes_to_stream_and_file(tmp_path: Path) -> None:
    """A file and a stream receive the same bytes, every time."""
    path = tmp_path / "deep" / "report.json"

    write_json(apply_evidence(), path)

    assert path.read_bytes() == written(apply_evidence()).encode()
    assert [entry.name for entry in path.parent.iterdir()] == ["report.json"]


def test_infinite_numbers_are_written_as_text() -> None:
    """A number that JSON has no word for does not make the document unreadable."""
    evidence = hostile_evidence("x")
    evidence.hosts[0].facts["load"] = float("inf")  # type: ignore[index]

    assert json.loads(written(evidence))["hosts"][0]["facts"]["load"] == "inf"
