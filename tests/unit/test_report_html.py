"""The HTML report as a file: self-contained, escaped, readable, the same each time, with enough contrast."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from hardening.model import Evidence, Status
from hardening.reports import write_html
from tests.evidence_examples import (
    apply_evidence,
    clean_evidence,
    empty_evidence,
    hostile_evidence,
    large_evidence,
    scan_evidence,
)
from tests.golden_files import assert_golden

NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&{{7*7}} =cmd \x1b[2J \u202e \x00 \ud800 </script><!--"


class Page(HTMLParser):
    """Every element and attribute of a page, and the text outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self.words: list[str] = []
        self._inside: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside.append(tag)
            if tag == "script":
                self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.words.append(data)
        elif self._inside[-1] == "script":
            attributes, before = self.scripts[-1]
            self.scripts[-1] = (attributes, before + data)
        else:
            self.styles.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def written(evidence: Evidence, lang: str = "en") -> str:
    stream = io.StringIO()
    write_html(evidence, stream, lang=lang)
    return stream.getvalue()


def test_golden_html() -> None:
    """The page of the example campaign, without its style and script, is the one that was last looked at."""
    for name, text in (("apply.html", written(apply_evidence())), ("scan.zh.html", written(scan_evidence(), "zh"))):
        text = re.sub(r"<style>.*?</style>", "<style></style>", text, flags=re.DOTALL)
        text = re.sub(r"<script>.*?</script>", "<script></script>", text, flags=re.DOTALL)
        assert_golden(name, re.sub(r"'sha256-[^']+'", "'sha256-...'", text))


@pytest.mark.parametrize("make", [apply_evidence, scan_evidence, clean_evidence, empty_evidence])
def test_nothing_is_loaded_from_anywhere(make: type) -> None:
    """No element names anything outside the file: no link, no image, no font, no frame, no form that sends."""
    page = Page(written(make()))

    for tag, attributes in page.elements:
        assert tag not in ("img", "iframe", "object", "embed", "base", "audio", "video", "source")
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        assert not any(name in attributes for name in ("src", "srcset", "action", "formaction", "data", "poster"))
        if "href" in attributes:
            assert str(attributes["href"]).startswith("#") or attributes["href"] == "data:,"
    assert not re.search(r"url\(|@import|expression\(", "".join(page.styles))


def test_only_our_own_script_and_style_may_run() -> None:
    """The policy names the exact digests of the style and the script in the page, and allows nothing else."""
    page = Page(written(apply_evidence()))
    policy = next(str(a["content"]) for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert policy.startswith("default-src 'none'; ")
    assert f"style-src {digest(''.join(page.styles))};" in policy
    assert f"script-src {digest(page.scripts[-1][1])};" in policy
    assert "unsafe" not in policy
    assert [attributes.get("type") for attributes, _ in page.scripts] == ["application/json", None]


def test_hostile_text_is_text() -> None:
    """What a host says adds no element, ends no script, and carries no control character, in page and data alike."""
    text = written(hostile_evidence(NASTY))
    page, calm = Page(text), Page(written(hostile_evidence("calm")))

    assert [tag for tag, _ in page.elements if tag in ("script", "img")] == ["script", "script"]
    assert {tag for tag, _ in page.elements} == {tag for tag, _ in calm.elements}
    assert "<script>alert(1)</script>" in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "alert(1)" in json.dumps(json.loads(page.scripts[0][1]))


def test_huge_text_is_cut_and_says_so() -> None:
    """A megabyte from a host does not make a page of megabytes, and the reader sees that something was left out."""
    text = written(hostile_evidence("A" * 1_000_000))

    assert len(text) < 300_000
    assert "more characters)" in text


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_both_languages_are_in_the_file_and_one_is_chosen(lang: str) -> None:
    """Either report holds both languages; `lang` says which one shows when it is opened."""
    page = Page(written(scan_evidence(), lang))

    checked = [a["id"] for tag, a in page.elements if tag == "input" and "checked" in a]
    assert checked == [f"lang-{lang}"]
    assert "Root cannot log in over SSH" in page.text
    assert "禁止 root 直接通过 SSH 登录" in page.text
    assert "自查结果，不替代等级测评。" in page.text


def test_everything_can_be_read_without_the_script() -> None:
    """Every finding stands in the page itself: its control, its target, and the reason where it is no pass."""
    evidence = apply_evidence()
    page = Page(written(evidence))

    for finding in evidence.findings:
        assert finding.observation.control_id in page.text
        assert finding.observation.target.name in page.text
        if finding.status not in (Status.PASS, Status.FAIL, Status.WAIVED):
            assert finding.reason in page.text
    assert "SEC-1042" in page.text


@pytest.mark.parametrize(
    ("make", "banner"),
    [(apply_evidence, "banner red"), (empty_evidence, "banner red"), (clean_evidence, "banner green")],
)
def test_an_incomplete_or_empty_run_has_a_red_banner(make: type, banner: str) -> None:
    """Below 100 % coverage, or with nothing asked, the first thing under the headline is red."""
    page = Page(written(make()))

    assert [a["class"] for _, a in page.elements if str(a.get("class", "")).startswith("banner")] == [banner]


def test_the_matrix_adds_up_to_the_total() -> None:
    """The corner of the before and after table is the number of checks."""
    text = written(apply_evidence())

    assert re.findall(r'id="matrix-total">([\d,]+)<', text) == re.findall(r'id="total">([\d,]+)<', text) == ["54"]


def test_equal_evidence_gives_equal_bytes(tmp_path: Path) -> None:
    """No clock and no chance is in the page."""
    write_html(apply_evidence(), tmp_path / "one.html")
    write_html(apply_evidence(), tmp_path / "two.html")

    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_thirty_thousand_findings_stay_a_small_file() -> None:
    """A hundred hosts with three hundred controls each fit into ten megabytes."""
    assert len(written(large_evidence(hosts=100, controls=300)).encode()) < 10_000_000


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_meets_wcag_aa(scheme: str) -> None:
    """Every text colour has at least 4.5 : 1 on every ground it stands on, edges of controls 3 : 1, light and dark."""
    css = files("hardening.reports").joinpath("templates/page.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\n *\}", css, flags=re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[0 if scheme == "light" else 1]))

    def ratio(one: str, other: str) -> float:
        light, dark = sorted((_luminance(colours[one]), _luminance(colours[other])), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    pairs = [(text, ground) for text in ("ink", "soft", "link") for ground in ("ground", "paper", "hover")]
    for status in ("fail", "unknown", "manual", "waived", "pass", "na"):
        pairs += [(status, ground) for ground in ("ground", "paper", "hover", f"{status}-tint")]
    pairs += [("ink", "fail-tint"), ("ink", "waived-tint"), ("soft", "fail-tint"), ("paper", "ink"), ("ink", "na-tint")]
    poor = {pair: round(ratio(*pair), 2) for pair in pairs if ratio(*pair) < 4.5}
    assert poor == {}
    assert ratio("edge", "paper") >= 3
    assert ratio("edge", "ground") >= 3


def many_pages(tmp_path: Path, evidence: Evidence) -> tuple[Path, list[Path]]:
    write_html(evidence, tmp_path / "report.html", most=2_000)
    return tmp_path / "report.html", sorted((tmp_path / "report.files").iterdir())


def test_a_fleet_is_an_index_with_pages_that_hold_every_finding_once(tmp_path: Path) -> None:
    """Above the limit no page grows with the fleet; the pages' totals add up to the index's."""
    evidence = large_evidence(hosts=40, controls=100)

    index, parts = many_pages(tmp_path, evidence)

    totals = [
        int(re.findall(r'id="total">([\d,]+)<', path.read_text())[0].replace(",", "")) for path in (index, *parts)
    ]
    assert totals[0] == sum(totals[1:]) == len(evidence.findings)
    assert len(parts) == 4
    assert all(total <= 1_000 for total in totals[1:])
    rows = sum(len(json.loads(Page(path.read_text()).scripts[0][1])["rows"]) for path in parts)
    assert rows == 8 * len(evidence.findings)


def test_the_links_of_an_index_lead_to_its_hosts(tmp_path: Path) -> None:
    """Every host's link names a page that exists and, on it, the section of that very host; pages link back."""
    index, parts = many_pages(tmp_path, large_evidence(hosts=40, controls=100))
    links = re.findall(r'<th scope="row"><a href="([^"#]+)#(host-\d+)">([^<]+)</a>', index.read_text())

    assert len({host for _, _, host in links}) == len(links) == 40
    for page, section, host in links:
        text = (tmp_path / page).read_text()
        assert re.search(rf'id="{section}">\s*<summary><span class="name">{re.escape(host)}<', text)
    assert all('href="../report.html"' in path.read_text() for path in parts)


def test_pages_that_a_larger_fleet_left_behind_are_gone(tmp_path: Path) -> None:
    """A report that is written again with fewer pages leaves none of another campaign beside it."""
    many_pages(tmp_path, large_evidence(hosts=40, controls=100))
    (tmp_path / "report.files" / "notes.txt").write_text("a person's own file stays")

    many_pages(tmp_path, large_evidence(hosts=25, controls=100))

    assert sorted(path.name for path in (tmp_path / "report.files").iterdir()) == [
        "notes.txt",
        "part-001.html",
        "part-002.html",
        "part-003.html",
    ]


def test_the_score_says_what_it_is_made_of() -> None:
    """Passed over passed, failed and not seen; what does not count is named with its number."""
    text = Page(written(apply_evidence())).text

    assert "= 21 passed / (21 passed + 9 failed + 20 not seen = 50)." in text
    assert "42.00 %" in text
    assert "Not counted: 2 for a person, 1 waived, 1 not applicable." in text


def test_the_waiver_register_names_who_until_when_and_what_instead() -> None:
    """Every waiver that covers a finding stands there once, with the days it had left."""
    text = written(apply_evidence())
    register = re.findall(r'<section id="waivers">.*?</section>', text, flags=re.DOTALL)[0]

    for word in ("2026-12-31", "days left: 132", "Zhang Wei", "SEC-1042", "no interactive users", "web01/linux"):
        assert word in register
    assert '<section id="waivers">' not in written(clean_evidence())


def test_a_reader_can_verify_and_sign() -> None:
    """The page says how to check it without trusting it, and has room for three signatures."""
    text = written(apply_evidence(), "zh")

    assert "hardening report 20260821T101502Z-apply-7f3a --html again.html --lang zh" in text
    assert text.count("<tr>", text.index('<section id="sign-off">')) == 4
