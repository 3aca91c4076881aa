"""The HTML report in a real browser: it filters, searches, switches language, and asks the network for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from hardening.model import Evidence, Status
from hardening.reports import write_html
from tests.evidence_examples import apply_evidence, hostile_evidence, large_evidence, scan_evidence
from tests.validators import needed

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium with a fresh profile."""
    chromium = needed("chromium", package="chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


class Opened:
    """A page that was opened from a file, with everything it asked for and complained about."""

    def __init__(self, browser: Any, file: Path, fragment: str = "", **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri() + fragment)

    def shown(self) -> str:
        return str(self.page.text_content("#shown"))

    def column(self, number: int) -> list[str]:
        return [
            str(text).strip()
            for text in self.page.locator(f"#rows tr.finding td:nth-child({number})").all_inner_texts()
        ]


MAP_PIXEL = """([host, control, hosts, controls]) => {
  const canvas = document.getElementById('map');
  const [wide, high] = [canvas.width / controls, canvas.height / hosts];
  const at = [Math.floor((control + 0.5) * wide), Math.floor((host + 0.5) * high)];
  const copy = Object.assign(document.createElement('canvas'), { width: canvas.width, height: canvas.height });
  const pen = copy.getContext('2d', { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  return [...pen.getImageData(...at, 1, 1).data];
}"""


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Return a function that writes evidence and opens it; afterwards nothing was complained of or asked for."""
    pages: list[Opened] = []

    def open_it(evidence: Evidence, fragment: str = "", lang: str = "en", **context: Any) -> Opened:
        file = tmp_path / "report.html"
        write_html(evidence, file, lang=lang)
        pages.append(Opened(browser, file, fragment, **context))
        return pages[-1]

    yield open_it
    for page in pages:
        asked = [url for url in page.requests if not url.startswith(("file:", "data:"))]
        complaints = page.complaints
        page.context.close()
        assert complaints == []
        assert asked == []


def test_all_findings_are_listed_gaps_first(opened: Any) -> None:
    """The list opens with everything in it, the gravest gap on top."""
    report = opened(apply_evidence())

    assert report.shown() == "54 of 54 shown"
    assert report.column(4)[0].startswith("Nobody logs in without proof")


def test_a_status_is_chosen_and_cleared(opened: Any) -> None:
    """A click on a status leaves as many rows as its count says; another click brings all back."""
    report = opened(apply_evidence())
    chip = report.page.locator("#by-status [data-kind=FAIL]")
    assert chip.inner_text().split() == ["fail", "9"]

    chip.click()

    assert report.shown() == "9 of 54 shown"
    assert set(report.column(1)) == {"fail"}
    assert "status=FAIL" in report.page.url
    report.page.locator("#clear").click()
    assert report.shown() == "54 of 54 shown"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("host:web* status:fail sev:high", 3),
        ("status:fail,error", 10),
        ("status:unreachable -component:linux", 11),
        ("before:fail status:pass", 8),
        ('clause:"8.1.4.1 b"', 6),
        ("chacha20 aes128-ctr", 1),
        ("target:db01/postgresql:15-main", 4),
        ("不可达", 19),
        ("禁止 root", 3),
        ("nothing-has-this-name", 0),
        ("host:", 54),
        ("host:(", 0),
    ],
)
def test_search_narrows_by_field_wildcard_and_text(opened: Any, query: str, count: int) -> None:
    """Fields, wildcards, commas, a minus, quotes and plain words in either language each do what the help says."""
    report = opened(apply_evidence())

    report.page.fill("#q", query)

    assert report.shown() == f"{count} of 54 shown"
    assert report.page.locator("#none").is_visible() == (count == 0)


def test_component_host_and_order_are_chosen(opened: Any) -> None:
    """The two lists narrow, and a heading sorts up and then down."""
    report = opened(apply_evidence())

    report.page.select_option("#by-host", "db01")
    report.page.select_option("#by-component", "sshd")
    report.page.locator("[data-sort=control]").click()
    upwards = report.column(4)
    report.page.locator("[data-sort=control]").click()

    assert report.shown() == "4 of 54 shown"
    assert report.column(4) == upwards[::-1]
    assert report.page.locator("th[aria-sort=descending]").count() == 1


def test_the_address_brings_the_filter_back(opened: Any) -> None:
    """A link that somebody copied shows what they saw, in their language."""
    report = opened(apply_evidence(), "#q=host%3Adb*&status=FAIL&sev=high,critical&lang=zh")

    assert report.shown() == "显示 3 / 54 项"
    assert report.page.input_value("#q") == "host:db*"
    assert report.page.locator("#by-severity [aria-pressed=true]").count() == 2
    assert report.page.evaluate("document.documentElement.lang") == "zh-Hans"


def test_a_tile_and_a_matrix_cell_lead_to_their_findings(opened: Any) -> None:
    """Whoever clicks a number sees the findings it counts."""
    report = opened(apply_evidence())

    report.page.locator(".tile.c-ERROR").click()
    assert report.shown() == "20 of 54 shown"
    report.page.locator(".matrix .better a").click()
    assert report.shown() == "8 of 54 shown"


def test_a_fleet_page_is_laid_out_where_a_reader_comes(opened: Any) -> None:
    """Map and list are there at once; what a link leads to opens and is seen, though it lay far below."""
    report = opened(large_evidence(hosts=101, controls=2))
    last = report.page.locator("#controls details").last

    assert report.page.evaluate("performance.getEntriesByName('usable').length") == 1
    assert report.shown() == "202 of 202 shown"
    assert report.page.evaluate("getComputedStyle(document.getElementById('controls')).contentVisibility") == "auto"
    report.page.evaluate("id => { location.hash = id; }", last.get_attribute("id"))
    report.page.wait_for_function("id => document.getElementById(id).open", arg=last.get_attribute("id"))
    last.scroll_into_view_if_needed()
    assert "Wanted" in last.inner_text()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_language_is_switched_with_and_without_script(opened: Any, script: bool) -> None:
    """One click on the other language changes the page; without JavaScript, too."""
    report = opened(scan_evidence(), java_script_enabled=script)
    headline = report.page.locator("h1")
    assert headline.inner_text() == "17 gaps and 20 unknown on 11 targets."

    report.page.locator("label[for=lang-zh]").click()

    assert headline.inner_text() == "11 个对象中 17 项不符合，20 项未知。"
    assert report.page.locator("#hosts h2").inner_text() == "主机"
    if script:
        assert report.shown() == "显示 54 / 54 项"
        assert report.column(1)[0] == "不符合"


def test_a_finding_opens_by_keyboard_and_tells_how_it_was_asked(opened: Any) -> None:
    """With the keyboard alone a reader searches, opens a finding, and sees its command, digest and clause."""
    report = opened(apply_evidence())

    report.page.keyboard.press("/")
    report.page.keyboard.type("control:sshd_idle_timeout host:db01")
    report.page.locator(".open-it").focus()
    report.page.keyboard.press("Enter")

    detail = report.page.locator("tr.detail").inner_text()
    assert "sshd -T" in detail
    assert "exit 0, 1,834 bytes, SHA-256 " in detail
    assert "8.1.4.1 b Failed logins are limited and idle sessions end." in detail
    assert report.page.locator(".open-it").get_attribute("aria-expanded") == "true"
    report.page.keyboard.press("Enter")
    assert report.page.locator("tr.detail").count() == 0


def test_a_link_to_a_host_opens_it(opened: Any) -> None:
    """A click on a host in the table opens its section."""
    report = opened(apply_evidence())

    report.page.locator("#hosts table a", has_text="db01").click()

    assert report.page.locator("details[open] > summary", has_text="db01").count() == 1


def test_without_script_every_finding_is_still_there(opened: Any) -> None:
    """The sections by host and control hold it all, and the list that needs a script does not pretend."""
    report = opened(apply_evidence(), java_script_enabled=False)

    assert not report.page.locator("#filter").is_visible()
    assert not report.page.locator("#list").is_visible()
    assert (
        report.page.locator("#hosts .by-control td:first-child").count()
        == 54 - apply_evidence().tally.by_status[Status.PASS]
    )


def test_hostile_text_runs_nothing(opened: Any) -> None:
    """Script, markup and formulas of a host are shown as text, also where the script draws them."""
    nasty = (
        "<script>window.hurt=1</script><img src=x onerror=window.hurt=1> =cmd|'/C calc'!A0 \x1b[2J \u202e \x00 \ud800"
    )
    report = opened(hostile_evidence(nasty))

    report.page.locator(".open-it").first.click()

    assert report.page.evaluate("window.hurt") is None
    assert "<script>window.hurt=1</script>" in report.page.locator("tr.detail").inner_text()
    assert report.page.locator("#rows img, #rows script").count() == 0


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("make", [apply_evidence, lambda: hostile_evidence("A" * 100_000)], ids=["apply", "hostile"])
def test_nothing_sticks_out_sideways(opened: Any, width: int, make: Any) -> None:
    """The page is as wide as the window, on a desk and on a telephone, whatever a host said."""
    report = opened(make(), viewport={"width": width, "height": 900})

    assert report.page.evaluate("document.documentElement.scrollWidth") == width


def test_thirty_thousand_findings_are_filtered_in_no_time(opened: Any) -> None:
    """A hundred hosts with three hundred controls each: a keystroke costs the processor well under half a second."""
    report = opened(large_evidence(hosts=100, controls=300))
    session = report.context.new_cdp_session(report.page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "ScriptDuration"))

    before = spent()
    report.page.fill("#q", "host:node01* status:fail -sev:low")

    assert report.shown().endswith(" of 30,000 shown")
    assert spent() - before < 0.5


def test_a_cell_of_the_map_leads_to_its_finding(opened: Any) -> None:
    """Pointing tells host, control and status; a click filters the list to the cell; the filter dims the others."""
    report = opened(large_evidence(hosts=12, controls=30))
    box = report.page.locator("#map").bounding_box()
    at = {"x": box["width"] / 60, "y": box["height"] / 24}

    report.page.locator("#map").hover(position=at)
    told = report.page.text_content("#map-says")
    bright = report.page.evaluate(MAP_PIXEL, [5, 5, 12, 30])
    report.page.locator("#map").click(position=at)

    host, _, status = told.split(" · ")
    assert report.shown() == "1 of 360 shown"
    assert report.column(3)[0].startswith(f"{host}/")
    assert report.column(1) == [status]
    assert f"host%3A%22{host}%22" in report.page.url
    assert report.page.evaluate(MAP_PIXEL, [5, 5, 12, 30])[3] < bright[3]


def test_the_map_is_walked_with_the_keyboard(opened: Any) -> None:
    """Arrow keys move over the cells, each is told aloud, and Enter shows it."""
    report = opened(apply_evidence())

    report.page.locator("#map").focus()
    first = report.page.text_content("#map-says")
    report.page.keyboard.press("ArrowRight")
    second = report.page.text_content("#map-says")
    report.page.keyboard.press("ArrowLeft")
    report.page.keyboard.press("Enter")

    assert first != second
    assert first.startswith("app-02 · ")
    assert report.shown() == "1 of 54 shown"


def test_an_index_filters_the_whole_fleet_and_leads_to_the_page(browser: Any, tmp_path: Path) -> None:
    """The list of an index knows every check; a finding opens on the page that holds it, with what was seen."""
    write_html(large_evidence(hosts=40, controls=100), tmp_path / "report.html", most=2_000)
    report = Opened(browser, tmp_path / "report.html", "#q=status:fail+control:sshd*+host:node01*")

    shown = report.shown()
    target, control = report.column(3)[0], report.page.locator("#rows .id").first.inner_text()
    report.page.locator("#rows a").first.click()
    report.page.wait_for_url("**/report.files/part-*.html*")

    assert shown.endswith(" of 4,000 shown")
    assert not shown.startswith("0 ")
    assert report.shown().startswith("1 of ")
    assert report.column(3) == [target]
    assert report.page.locator("#rows .id").first.inner_text() == control
    assert report.page.locator("#rows td code").last.inner_text().startswith("unwanted ")
    assert report.complaints == []
    report.context.close()
