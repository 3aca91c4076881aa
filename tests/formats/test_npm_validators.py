"""Formats with a standard, judged by tools that npm installs (`make test-formats`): Heimdall's, SAF's, Microsoft's.

`saf` answers 0 for wrong options and missing files, so what it wrote counts, never its exit code.
"""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from hardening.model import Evidence, Status
from hardening.reports import FORMATS, wording
from tests.evidence_examples import apply_evidence, attested_evidence, clean_evidence, empty_evidence, hostile_evidence
from tests.validators import needed

TOOLS = Path(sys.prefix) / "formats"
PROGRAMS = TOOLS / "node_modules" / ".bin"
NODE = Path(sys.executable).with_name("node")
EVIDENCE: Mapping[str, Callable[[], Evidence]] = {
    "apply": apply_evidence,
    "clean": clean_evidence,
    "attested": attested_evidence,
    "empty": empty_evidence,
    "hostile": lambda: hostile_evidence("<script>alert(1)</script> =cmd|' \x1b[2J \u202eabc \x00 \ud800 ]]>]]&#0; end"),
}


def run(program: Path, *arguments: str | Path, room: Path) -> str:
    """Return what a program wrote that Node runs. `room` is where it runs: saf leaves a log wherever that is."""
    for needed_here in (NODE, program):
        assert needed_here.exists(), f"{needed_here} is missing: `make test-formats` installs it"
    command = [NODE, program, *arguments]
    done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=300, cwd=room)
    return done.stdout + done.stderr


def counts(evidence: Evidence) -> Mapping[Status, int]:
    return evidence.tally.by_status


@pytest.fixture(scope="module")
def hdf(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """HDF files of every example."""
    place = tmp_path_factory.mktemp("hdf")
    files = {name: place / f"{name}.hdf.json" for name in EVIDENCE}
    for name, path in files.items():
        FORMATS["hdf"].write(EVIDENCE[name](), path)
    return files


@pytest.mark.parametrize("name", EVIDENCE)
def test_heimdall_reads_our_hdf_and_counts_as_we_do(name: str, hdf: Mapping[str, Path], tmp_path: Path) -> None:
    """Its own library takes the file as an execution and gives each control the status that docs/formats.md says."""
    found, evidence = json.loads(run(TOOLS / "heimdall.mjs", hdf[name], room=tmp_path)), EVIDENCE[name]()
    ours = counts(evidence)

    coverage = 1 if wording.alarms(evidence, "en") else 0
    assert found["schema"] == "1_0_ExecJson"
    assert {status: number for status, number in found["counts"].items() if number} == {
        status: number
        for status, number in {
            "Passed": ours[Status.PASS],
            "Failed": ours[Status.FAIL],
            "Not Reviewed": ours[Status.MANUAL],
            "Not Applicable": ours[Status.NOT_APPLICABLE] + ours[Status.WAIVED],
            "Profile Error": ours[Status.ERROR] + ours[Status.UNREACHABLE] + coverage,
        }.items()
        if number
    }


def test_saf_sums_up_our_hdf(hdf: Mapping[str, Path], tmp_path: Path) -> None:
    """`saf view summary` has our totals."""
    said = run(PROGRAMS / "saf", "view", "summary", "-i", hdf["apply"], "-f", "yaml", room=tmp_path)
    (summary,) = yaml.safe_load(said)
    ours = counts(apply_evidence())

    assert summary["passed"]["total"] == ours[Status.PASS]
    assert summary["failed"]["total"] == ours[Status.FAIL]
    assert summary["skipped"]["total"] == ours[Status.MANUAL]
    assert summary["error"]["total"] == ours[Status.ERROR] + ours[Status.UNREACHABLE] + 1
    assert summary["no_impact"]["total"] == ours[Status.NOT_APPLICABLE] + ours[Status.WAIVED]


def test_saf_makes_a_checklist_of_our_hdf(hdf: Mapping[str, Path], tmp_path: Path) -> None:
    """A CKL with one entry per finding and one for the coverage."""
    run(PROGRAMS / "saf", "convert", "hdf2ckl", "-i", hdf["apply"], "-o", tmp_path / "out.ckl", room=tmp_path)
    entries = ET.parse(tmp_path / "out.ckl").findall(".//VULN")  # noqa: S314 - made from our own file
    states = [entry.findtext("STATUS") for entry in entries]

    assert len(entries) == apply_evidence().tally.total + 1
    assert states.count("NotAFinding") == counts(apply_evidence())[Status.PASS]


def test_saf_makes_xccdf_of_our_hdf_that_openscap_takes(hdf: Mapping[str, Path], tmp_path: Path) -> None:
    """Valid by schema and schematron, and no other."""
    oscap = needed("oscap", package="openscap-scanner")
    path = tmp_path / "out.xml"
    run(PROGRAMS / "saf", "convert", "hdf2xccdf", "-i", hdf["apply"], "-o", path, room=tmp_path)
    validate = [oscap, "xccdf", "validate", str(path)]

    assert path.read_text().count("<rule-result") == apply_evidence().tally.total + 1
    assert subprocess.run(validate, capture_output=True, check=False).returncode == 0
    path.write_text(path.read_text().replace("<result>pass</result>", "<result>passed</result>", 1))
    assert subprocess.run(validate, capture_output=True, check=False).returncode != 0


def test_sarif_multitool_takes_our_sarif_and_no_other(tmp_path: Path) -> None:
    """Without an error, and without a warning but that the tool names no page about itself."""
    path = tmp_path / "results.sarif"

    def said() -> str:
        options = ("--output", tmp_path / "said", "--log", "ForceOverwrite")
        return run(PROGRAMS / "sarif-multitool", "validate", path, *options, room=tmp_path)

    for make in EVIDENCE.values():
        FORMATS["sarif"].write(make(), path)
        judged = said()
        assert " error " not in judged, judged
        assert judged.count(" warning ") == judged.count("SARIF2005") == 1, judged
        assert "Analysis completed successfully" in judged

    path.write_text(path.read_text().replace('"startLine":', '"startLine":-', 1))

    assert " error " in said()
