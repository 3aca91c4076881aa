"""What a host may write, in every machine-readable format: it stays text, on its own line, and bounded."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from prometheus_client.parser import text_string_to_metric_families

from hardening.model import Evidence, Finding, Status
from hardening.reports import FORMATS
from hardening.reports.safe_text import UNSHOWABLE
from hardening.tally import tally
from tests.evidence_examples import apply_evidence, hostile_evidence

TEXTS = ("csv", "jsonl", "markdown", "prometheus", "sarif", "hdf", "oscal", "poam", "xccdf")
EXACT = ("jsonl",)
NASTY = (
    "<script>alert(1)</script> [x](javascript:alert(1)) ![i](http://evil.example) http://evil.example @all #1 `code` "
    "**b** {0} a|b \\| \\ \"q\" 'q' =cmd|' /C calc'!A0 \x1b[2J \u202eabc\u2066 \x00\x07\x7f\x9b \ud800 ]]>]]&#0; \ufffe"
    "\r\n\t\u2028\u0085end\n</td></code></script>\n# TYPE x gauge\nx 1\n/close\n"
)
# What is seen on a host, and the cell it becomes.
FORMULAS = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1+1": "'-1+1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1+1": "' =1+1",
    "\r=1+1": "\\x0d=1+1",
    " =1+1": "' =1+1",
    '"=1+1': "'\"=1+1",
    "＝1+1": "'＝1+1",
    "＋1": "'＋1",
    "－1": "'－1",
    "＠SUM(1)": "'＠SUM(1)",
    "x;=1+1": "x;'=1+1",
}


def written(name: str, evidence: Evidence) -> str:
    stream = io.StringIO()
    FORMATS[name].write(evidence, stream)
    return stream.getvalue()


def strings(held: object) -> Iterator[str]:
    """Return every text of a JSON document, names too."""
    if isinstance(held, str):
        yield held
    elif isinstance(held, list):
        for item in held:
            yield from strings(item)
    elif isinstance(held, dict):
        for name, item in held.items():
            yield name
            yield from strings(item)


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_in_a_report_moves_a_cursor_or_hides(name: str) -> None:
    """Not in the file as a terminal shows it, nor in what a reader decodes; JSON Lines alone keeps the exact text."""
    text = written(name, hostile_evidence(NASTY))
    decoded = list(strings(json.loads(text))) if text.startswith("{") and name not in EXACT else []

    assert not UNSHOWABLE.search(text.replace("\r\n", "\n"))
    text.encode("utf-8")
    for held in decoded:
        assert not UNSHOWABLE.search(held), held


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in EXACT])
def test_a_megabyte_from_a_host_stays_out_of_a_report(name: str) -> None:
    """What is cut says how much was left out; a name that was cut still names one control on one target."""
    text = written(name, hostile_evidence("x" * 1_000_000))

    assert len(text) < 1_000_000
    assert max(map(len, re.findall(r"x+", text))) <= 3000


def test_json_lines_keep_the_exact_text_on_one_line() -> None:
    """A megabyte, control characters and a lone surrogate come back as they were."""
    for nasty in (NASTY, "x" * 1_000_000):
        evidence = hostile_evidence(nasty)
        lines = [json.loads(line) for line in written("jsonl", evidence).split("\n")[:-1]]

        findings, foreign = lines[1:-1], lines[-1]
        assert len(findings) == len(evidence.findings)
        assert {line["reason"] for line in findings} == {nasty}
        assert {foreign[name] for name in ("id", "host", "title", "severity", "result", "said")} == {nasty}


@pytest.mark.parametrize(("formula", "cell"), FORMULAS.items())
def test_no_cell_of_a_csv_is_a_formula(formula: str, cell: str) -> None:
    """However it is hidden: behind spaces, quotes, a tab, in full width, after a list separator."""
    heading, *lines = csv.reader(io.StringIO(written("csv", hostile_evidence(formula)), newline=""))

    for line in lines:
        of_row = dict(zip(heading, line, strict=True))
        assert of_row["status"] == "INCOMPLETE" or of_row["reason"] == of_row["instance"] == cell
        assert not [held for held in line if re.match(r"[\s\"]*[=+\-@＝＋－＠]", held)]


def test_a_csv_has_one_line_per_row() -> None:
    """Line ends, quotes and commas from a host open neither a row nor a cell."""
    evidence = hostile_evidence(NASTY)
    text = written("csv", evidence)

    assert text.count("\n") == text.count("\r\n") == 2 + len(evidence.findings)


def rendered(markdown: str) -> str:
    """Return what the reference renderer of GitHub's Markdown makes of it, raw HTML let through."""
    html: str = cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    return html


@pytest.mark.parametrize(
    "text",
    [
        NASTY,
        "`<script>x</script>`",
        "``` <img src=x> ```",
        "a`|`b|c",
        "a\\|b|",
        "\\` <b>",
        "`@all` [x](y)",
        "</code><i>",
        "``",
    ],
)
def test_markdown_from_a_host_is_never_rendered(text: str) -> None:
    """No link, image, script, mention or emphasis of a host's, and no further column or row in a table."""
    plain, nasty = (rendered(written("markdown", hostile_evidence(held))) for held in ("plain", text))

    tags = [re.findall(r"<(\w+)", html) for html in (plain, nasty)]
    assert tags[0] == tags[1]
    assert set(tags[1]).isdisjoint({"a", "img", "script", "em"})
    for html in re.findall(r"<code>(.*?)</code>", nasty):
        assert "<" not in html
    assert "@all" not in re.sub(r"<code>.*?</code>", "", nasty)


@pytest.mark.parametrize("name", ["oscal", "poam"])
def test_markup_of_oscal_holds_a_hosts_words_as_code(name: str) -> None:
    """Titles, descriptions and remarks are Markdown there."""

    def markup(held: object) -> Iterator[str]:
        if isinstance(held, dict):
            yield from (held[key] for key in ("title", "description", "remarks", "statement") if key in held)
            for item in held.values():
                yield from markup(item)
        elif isinstance(held, list):
            for item in held:
                yield from markup(item)

    found = list(markup(json.loads(written(name, hostile_evidence(NASTY)))))

    assert any("alert" in text for text in found)
    for text in found:
        assert set(re.findall(r"<(\w+)", rendered(text))) <= {"p", "code"}, text


def test_metrics_from_a_host_are_labels_only() -> None:
    """A line end in a name adds no metric."""
    for nasty in (NASTY, "x" * 1_000_000):
        families = list(text_string_to_metric_families(written("prometheus", hostile_evidence(nasty))))

        assert all(sample.name.startswith("hardening_") for family in families for sample in family.samples)


def test_names_that_are_equal_once_cut_share_a_metric() -> None:
    """A file that has the same metric twice is refused whole."""
    evidence = apply_evidence()
    findings = [_long_instance(finding) for finding in evidence.findings]
    counted = tally(findings, asked=len(findings), hosts=evidence.hosts)
    text = written("prometheus", dataclasses.replace(evidence, findings=tuple(findings), tally=counted))

    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    of_targets = families["hardening_target_gaps"]
    assert len(of_targets) < len(counted.by_target)
    assert len({tuple(sorted(sample.labels.items())) for sample in of_targets}) == len(of_targets)
    assert sum(sample.value for sample in of_targets) == counted.by_status[Status.FAIL]


def _long_instance(finding: Finding) -> Finding:
    observation = finding.observation
    target = dataclasses.replace(observation.target, instance=f"{'x' * 500}{observation.target.instance[:2]}")
    return dataclasses.replace(finding, observation=dataclasses.replace(observation, target=target))


def test_a_message_of_sarif_has_no_placeholder_and_no_link() -> None:
    """Braces are doubled and brackets escaped, as the standard wants them in plain messages."""
    (run,) = json.loads(written("sarif", hostile_evidence("{0} [x](http://evil.example)")))["runs"]

    assert all("{{0}} \\[x\\](http" in result["message"]["text"] for result in run["results"])


def test_xml_from_a_host_is_text() -> None:
    """The elements of a hostile report are those of a plain one."""
    plain, nasty = (ET.fromstring(written("xccdf", hostile_evidence(text))) for text in ("plain", NASTY))  # noqa: S314

    assert [element.tag for element in plain.iter()] == [element.tag for element in nasty.iter()]
