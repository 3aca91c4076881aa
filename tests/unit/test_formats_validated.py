"""Formats with a standard, judged by other people's tools; those that npm installs are in tests/formats."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hardening.model import Evidence, Status
from hardening.reports import FORMATS
from hardening.reports.words import LANGUAGES, STATUS
from tests.evidence_examples import apply_evidence, attested_evidence, clean_evidence, empty_evidence, hostile_evidence
from tests.validators import needed

NASTY = "<script>alert(1)</script> =cmd|' /C calc'!A0 \x1b[2J \u202eabc \x00 \ud800 ]]>]]&#0; \ufffe `@all` \n\t end"
EVIDENCE: Mapping[str, Callable[[], Evidence]] = {
    "apply": apply_evidence,
    "clean": clean_evidence,
    "attested": attested_evidence,
    "empty": empty_evidence,
    "hostile": lambda: hostile_evidence(NASTY),
    "huge": lambda: hostile_evidence("x" * 1_000_000),
}
OSCAL = {"oscal": "assessment-results", "poam": "plan-of-action-and-milestones"}


def trestle(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("trestle")
    return subprocess.run([program, *arguments], cwd=place, text=True, capture_output=True, check=False)


def test_openscap_takes_our_xccdf_and_no_other(tmp_path: Path) -> None:
    """By schema and schematron, without one warning but that no platform is named: a profile spans several."""
    path = tmp_path / "results.xml"
    validate = [needed("oscap", package="openscap-scanner"), "xccdf", "validate", str(path)]
    for make in EVIDENCE.values():
        FORMATS["xccdf"].write(make(), path)
        taken = subprocess.run(validate, text=True, capture_output=True, check=False)
        said = [line for line in (taken.stdout + taken.stderr).splitlines() if line and not line.startswith("<?xml")]
        assert taken.returncode == 0, said
        assert all("no platform specified" in line for line in said), said

    path.write_text(path.read_text().replace("<result>pass</result>", "<result>passed</result>", 1))

    assert subprocess.run(validate, capture_output=True, check=False).returncode != 0


def test_trestle_takes_our_oscal_and_no_other(tmp_path: Path) -> None:
    """Assessment results and plan of action, also of nothing, of hostile text and of a megabyte of it."""
    assert trestle(tmp_path, "init", "--local").returncode == 0
    for format_name, kind in OSCAL.items():
        for name, make in EVIDENCE.items():
            FORMATS[format_name].write(make(), tmp_path / kind / name / f"{kind}.json")

    taken = trestle(tmp_path, "validate", "--all")
    results = tmp_path / "assessment-results/apply/assessment-results.json"
    results.write_text(results.read_text().replace('"not-satisfied"', '"unseen"', 1))
    refused = trestle(tmp_path, "validate", "-t", "assessment-results", "-n", "apply")

    assert taken.returncode == 0, taken.stdout + taken.stderr
    assert taken.stdout.count("VALID: Model") == len(OSCAL) * len(EVIDENCE)
    assert refused.returncode != 0
    assert "invalid value" in refused.stdout + refused.stderr


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_libreoffice_opens_our_workbook_and_prints_it(lang: str, tmp_path: Path) -> None:
    """Every sheet becomes pages with our numbers and words on them; no cell is an error or a formula's result."""
    office = needed("soffice", package="libreoffice-calc-nogui")
    to_text = needed("pdftotext", package="poppler-utils")
    FORMATS["xlsx"].write(apply_evidence(), tmp_path / "book.xlsx", lang=lang)
    FORMATS["xlsx"].write(hostile_evidence("=1+1"), tmp_path / "hostile.xlsx", lang=lang)
    room = f"-env:UserInstallation=file://{tmp_path}/profile"
    books = [str(tmp_path / "book.xlsx"), str(tmp_path / "hostile.xlsx")]
    convert = [office, room, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), *books]
    subprocess.run(convert, capture_output=True, check=True, timeout=300)

    text, hostile = (
        subprocess.run([to_text, "-layout", str(tmp_path / name), "-"], capture_output=True, check=True).stdout.decode()
        for name in ("book.pdf", "hostile.pdf")
    )
    evidence = apply_evidence()
    assert evidence.tally_before is not None
    lines = [line.split()[:3] for line in text.splitlines()]
    for status in (Status.PASS, Status.FAIL, Status.UNREACHABLE):
        looks = (evidence.tally_before, evidence.tally)
        assert [STATUS[status][LANGUAGES.index(lang)], *(str(look.by_status[status]) for look in looks)] in lines
    for word in ("SEC-1042", "postgresql:16-reporting", "20260821T101502Z-apply-7f3a"):
        assert word in text
    assert "=1+1" in hostile
    for error in ("#NAME?", "#REF!", "#VALUE!", "Err:5"):
        assert error not in text + hostile
