"""Records and reports say what the ledger says, in two languages; hostile text is text; equal facts, equal bytes."""

from __future__ import annotations

import ast
import io
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import docx
import openpyxl
import pytest

from hardening.errors import AskedWrongly
from hardening.inspected import Act, Incident, IncidentEvent, ItemSeen, Level, Reading, Run, Verdict, Written
from hardening.inspection import chinese
from hardening.inspection.bounds import Thresholds
from hardening.inspection.document import Document
from hardening.inspection.document_docx import docx_of
from hardening.inspection.document_text import html_of, markdown_of
from hardening.inspection.figures import Figures, incident_figures
from hardening.inspection.incident_report import incident_document
from hardening.inspection.incidents import Registrar, by_person, incidents_of
from hardening.inspection.items import Item, load_items
from hardening.inspection.kinds import kinds
from hardening.inspection.periods import period_of, reports_due
from hardening.inspection.record_sheet import record_workbook
from hardening.inspection.report import period_report, run_report
from hardening.inspection.response import load_response
from hardening.inspection.upgrades import upgrade_advice
from hardening.inspection.writing import check_template, write_document
from hardening.resource_model import HostSampled
from hardening.resource_model import Reading as Number
from hardening.resource_model import Series as Numbers
from hardening.resources.entries import Register
from hardening.resources.overview import Overview
from hardening.resources.using import GIB
from tests.command_line import ROOT

ZONE = ZoneInfo("Asia/Shanghai")
TABLE = load_response([ROOT / "baselines"])
HOSTILE = "=cmd|'/c calc'!A1 <script>alert(1)</script> | **x** {{ 7*7 }} \x07"
ITEM = ItemSeen(
    id="capacity_disk_space",
    title="File systems have room left",
    title_zh="文件系统剩余空间充足",
    category="capacity",
    method="disk_use",
    unit="%",
    advice="Find what grows.",
    advice_zh="查找增长来源。",
)
MONDAY = datetime(2026, 8, 17, 0, 5, tzinfo=UTC)


def run_at(at: datetime, name: str = "") -> Run:
    """Return a run of that moment."""
    return Run(
        id=name or f"{at:%Y%m%dT%H%M%SZ}-inspect-0000",
        plan="daily",
        started_at=at,
        actor="me",
        tool_version="1",
        hosts=("db01",),
        addresses={"db01": "192.0.2.1"},
        items=(ITEM,),
        finished_at=at + timedelta(minutes=1),
        exit_code=1,
    )


def reading(at: datetime, value: float, subject: str = "/") -> Reading:
    """Return a reading of a disk, judged as the item does."""
    verdict = Verdict.CRITICAL if value >= 90 else Verdict.WARN if value >= 80 else Verdict.OK
    return Reading(
        host="db01",
        item=ITEM.id,
        subject=subject,
        level=Level.CORE,
        verdict=verdict,
        taken_at=at,
        value=value,
        threshold="warn: at least 80 %; critical: at least 90 %",
    )


def incident(at: datetime, subject: str = "/", *, closed: bool = False) -> Incident:
    """Return an incident of a full disk, closed by a person where asked."""
    events: list[IncidentEvent] = Registrar(table=TABLE, categories={}, now=at).decide([], [reading(at, 95.0, subject)])
    if closed:
        told = {"cause": "日志未轮转", "handling": "清理并扩容", "prevention": "每日轮转"}
        (open_one,) = incidents_of(events).values()
        events.append(by_person(open_one, Act.CLOSED, by="me", now=at + timedelta(minutes=90), told=told))
    (found,) = incidents_of(events).values()
    return found


def words(content: bytes) -> str:
    """Return all text of a Word document."""
    document = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([paragraph.text for paragraph in document.paragraphs] + cells)


def test_the_record_has_a_row_for_every_item_and_object() -> None:
    """With method, threshold, what was measured, the result, and room to sign; nothing in it is a formula."""
    readings = [reading(MONDAY, 95.0), reading(MONDAY, 10.0, HOSTILE)]
    content = record_workbook(
        run_at(MONDAY), readings, [incident(MONDAY)], zone=ZONE, lang="zh", systems={"db01": "Case service"}
    )

    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0] == [
        *("日期", "系统", "主机", "主机 IP", "业务等级", "巡检项", "对象", "方法", "阈值", "实测值", "结果"),
        *("异常描述", "异常编号", "处理", "处理人", "复核", "巡检人签字"),
    ]
    assert rows[1][:7] == [
        *("2026-08-17 08:05", "Case service", "db01", "192.0.2.1", "核心", "文件系统剩余空间充足", "/"),
    ]
    assert rows[1][9:13] == ["95 %", "异常", "未达到“文件系统剩余空间充足”：95 %", "INC-2026-0001"]
    assert rows[2][10:12] == ["正常", ""]
    assert len(rows) == 3
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}


@pytest.mark.parametrize(("lang", "title"), [("zh", "巡检报告"), ("en", "Inspection report")])
def test_the_report_says_the_same_in_every_format(lang: str, title: str) -> None:
    """What is wrong stands in all three, with its incident and its advice."""
    readings = [reading(MONDAY, 95.0), reading(MONDAY, 10.0, "/var")]
    document = run_report(run_at(MONDAY), readings, [incident(MONDAY)], zone=ZONE, lang=lang)

    advice = ITEM.advice_zh if lang == "zh" else ITEM.advice
    for text in (words(docx_of(document)), html_of(document), markdown_of(document).replace("\\", "")):
        assert title in text
        assert "95 %" in text
        assert "INC-2026-0001" in text
        assert advice in text


def test_hostile_text_stays_text() -> None:
    """In the page no tag, in Markdown no table cell, in Word no control character."""
    document = run_report(run_at(MONDAY), [reading(MONDAY, 95.0, HOSTILE)], [], zone=ZONE, lang="en")

    assert "<script>" not in html_of(document)
    assert "&lt;script&gt;" in html_of(document)
    assert "\\| \\*\\*x\\*\\*" in markdown_of(document)
    assert "<script>alert(1)</script>" in words(docx_of(document))


def test_equal_facts_give_equal_bytes() -> None:
    """No moment of writing is in the files."""
    document = run_report(run_at(MONDAY), [reading(MONDAY, 95.0)], [], zone=ZONE, lang="zh")

    assert docx_of(document) == docx_of(document)
    made = [record_workbook(run_at(MONDAY), [reading(MONDAY, 95.0)], [], zone=ZONE, lang="zh") for _ in range(2)]
    assert made[0] == made[1]
    with zipfile.ZipFile(io.BytesIO(docx_of(document))) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize("is_brief", [True, False])
def test_the_papers_of_an_incident(is_brief: bool) -> None:
    """Who, what, when, in time or late, cause, handling and prevention; the brief is one page of the same facts."""
    closed = incident(MONDAY, closed=True)
    document = incident_document(closed, ITEM, TABLE, now=MONDAY, lang="zh", is_brief=is_brief)
    text = words(docx_of(document))

    assert ("故障处理简报" if is_brief else "故障处理报告") in text
    for said in ("INC-2026-0001", "2026-08-17 08:05", "1 小时 30 分", "按时", "日志未轮转", "清理并扩容", "每日轮转"):
        assert said in text
    assert ("处理经过" in text) is not is_brief


def test_an_incident_that_nobody_handled_yet_leaves_room() -> None:
    """And says that its time is over, where it is."""
    document = incident_document(
        incident(MONDAY), None, TABLE, now=MONDAY + timedelta(days=2), lang="en", is_brief=False
    )

    text = markdown_of(document)
    assert "late" in text
    assert "(to be written)" in text


def test_a_week_is_compared_with_the_week_before() -> None:
    """Counts, shares and incidents of both, and their difference."""
    week = period_of("week", date(2026, 8, 19), ZONE)
    now, before = Figures(), Figures()
    for day in range(5):
        now.add(run_at(MONDAY + timedelta(days=day)), [reading(MONDAY + timedelta(days=day), 70.0 + 5 * day)])
    earlier = MONDAY - timedelta(days=7)
    before.add(run_at(earlier), [reading(earlier, 60.0)])
    incidents = [incident(MONDAY + timedelta(days=4))]

    document = period_report(
        week,
        now,
        before,
        incident_figures(incidents, week.since, week.until),
        incident_figures(incidents, week.before.since, week.before.until),
        lang="en",
    )

    text = markdown_of(document)
    assert "| Inspections | 5 | 1 | +4 |" in text
    assert "| Normal | 40 % | 100 % | -60 |" in text
    assert "| Incidents opened | 1 | 0 | +1 |" in text
    assert "Nothing can be foretold: no resources are on record." in text
    assert "80.0 | 90.0 | 90.0 | +20.0" in text


def grown(days: int, *, per_day_gib: float, limit_gib: float = 100.0) -> Overview:
    """Return what is known of a host whose root file system grew from 50 GiB on, day by day."""
    series = {
        ("db01", "fs:/", metric): Numbers(
            host="db01",
            subject="fs:/",
            metric=metric,
            readings=tuple(
                Number(at=MONDAY + timedelta(days=day), value=value(day), minimum=value(day), maximum=value(day))
                for day in range(days)
            ),
        )
        for metric, value in (
            ("used_bytes", lambda day: (50 + per_day_gib * day) * GIB),
            ("size_bytes", lambda day: limit_gib * GIB),
        )
    }
    return Overview(
        now=MONDAY + timedelta(days=days),
        window_days=30,
        register=Register(),
        addresses={},
        newest={"db01": HostSampled(host="db01", taken_at=MONDAY, unreachable=None, facts={}, unseen={}, samples={})},
        answered={},
        allocations={},
        series=series,
    )


def test_advice_on_upgrades_is_made_of_the_forecasts_of_resources() -> None:
    """What fills within the time has its days and what to do; what does not, and what is too short, has none."""
    filling, steady, short = (
        markdown_of(
            Document(title="t", subtitle="s", lang=lang, made_at=MONDAY, blocks=upgrade_advice(view, lang=lang))
        )
        for view, lang in (
            (grown(7, per_day_gib=2), "zh"),
            (grown(7, per_day_gib=0), "en"),
            (grown(3, per_day_gib=20), "en"),
        )
    )

    # 62 GiB on the last day, and 2 more each day: full 19 days later.
    assert (
        "| db01 fs:/ | 将满，日增 2.00 GiB | 62.00 GiB | 100.00 GiB | 2026-09-11 – 2026-09-11 | 扩容文件系统" in filling
    )
    assert "Nothing runs out within 90 days" in steady
    assert "1 have too few days on record." in short


def test_a_chinese_paper_says_thresholds_values_units_and_reasons_in_chinese() -> None:
    """Of everything that is shipped: what the items bound, and every reason that a look may give."""
    items = load_items([ROOT / "baselines"], kinds())
    said = {each.said(item.unit) for item in items.values() for each in _thresholds(item)}
    own_words = {bound for item in items.values() for each in _thresholds(item) for bound in _own_words(each)}
    left = {text: chinese.threshold(text) for text in said if _latin(chinese.threshold(text), own_words)}
    reasons = {reason: chinese.reason(reason) for reason in _reasons()}

    assert left == {}
    assert {item.unit for item in items.values()} - {"", "%"} <= set(chinese.UNITS)
    assert [reason for reason, other in reasons.items() if reason == other] == []
    assert chinese.threshold("warn: at least 26 hours or absent; critical: at least 50 hours") == (
        "告警：不低于 26 小时或缺失；异常：不低于 50 小时"
    )
    assert chinese.threshold("critical: matches ^a or b$") == "异常：匹配 ^a or b$"
    assert chinese.reason("something new") == "something new"


def _thresholds(item: Item) -> list[Thresholds]:
    return [item.thresholds, *item.thresholds.levels.values()]


def _own_words(thresholds: Thresholds) -> set[str]:
    """Return patterns, which are nobody's language."""
    return {bounds.matches for bounds in (thresholds.warn, thresholds.critical) if bounds and bounds.matches}


def _latin(text: str, own_words: set[str]) -> bool:
    for word in own_words:
        text = text.replace(word, "")
    return bool(re.search(r"[A-Za-z]{2}", text))


def _reasons() -> set[str]:
    """Return every sentence that a look of checks/inspection may give as its reason, with x for what varies."""
    found = set()
    for path in (ROOT / "checks" / "inspection").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("CannotLook", "NotApplicable"):
                parts = node.args[0].values if isinstance(node.args[0], ast.JoinedStr) else [node.args[0]]
                found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in parts))
    # What a program complained stays in its own words.
    return found - {"7"}


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        ("day", "2026-08-21", "2026-08-21"),
        ("week", "2026-08-17", "2026-08-23"),
        ("month", "2026-08-01", "2026-08-31"),
        ("quarter", "2026-07-01", "2026-09-30"),
        ("half-year", "2026-07-01", "2026-12-31"),
        ("year", "2026-01-01", "2026-12-31"),
    ],
)
def test_periods_have_their_bounds(kind: str, first: str, last: str) -> None:
    """The period before ends where this one begins."""
    period = period_of(kind, date(2026, 8, 21), ZONE)

    assert (str(period.first), str(period.last)) == (first, last)
    assert period.before.until == period.since
    assert period.after.since == period.until


def test_reports_are_due_by_the_contract() -> None:
    """What is not written by its day is overdue; a report on a period that was not over does not count."""
    began = datetime(2026, 8, 3, 1, tzinfo=UTC)
    now = datetime(2026, 8, 26, 1, tzinfo=UTC)

    def written(first: str, at: datetime) -> Written:
        return Written(period="week", first=first, at=at, by="me", file="w.docx", sha256="")

    held = [written("2026-08-03", now), written("2026-08-10", datetime(2026, 8, 12, tzinfo=UTC))]
    found = reports_due({"week": 3}, held, began=began, now=now, zone=ZONE)

    assert [(str(each.period.first), each.days_left, each.is_overdue) for each in found] == [
        ("2026-08-10", -7, True),
        ("2026-08-17", 0, False),
    ]
    assert reports_due({"week": 3}, [], began=None, now=now, zone=ZONE) == []


def test_a_customers_template_shapes_the_document(tmp_path: Path) -> None:
    """By part and by fact; what a host said is text in it; a name that is not there is an error and no blank."""
    form = docx.Document()
    form.add_paragraph(
        "{{ title }}: {{ fact['计划'] }} {{ part['异常项'].tables[0].rows[0].cells[1] }} {{ signers[0] }}"
    )
    form.save(str(tmp_path / "form.docx"))
    wrong = docx.Document()
    wrong.add_paragraph("{{ fact['计画'] }}")
    wrong.save(str(tmp_path / "wrong.docx"))
    document = run_report(run_at(MONDAY), [reading(MONDAY, 95.0, HOSTILE)], [], zone=ZONE, lang="zh")

    for name in ("one", "two"):
        write_document(document, tmp_path / f"{name}.docx", template=tmp_path / "form.docx")
    with pytest.raises(AskedWrongly, match=r"wrong\.docx: .*计画"):
        write_document(document, tmp_path / "three.docx", template=tmp_path / "wrong.docx")

    (paragraph,) = docx.Document(str(tmp_path / "one.docx")).paragraphs
    shown = HOSTILE.replace("\x07", "\\x07")
    assert paragraph.text == f"巡检报告: daily {shown} 巡检人"
    assert (tmp_path / "one.docx").read_bytes() == (tmp_path / "two.docx").read_bytes()
    assert not (tmp_path / "three.docx").exists()
    with pytest.raises(AskedWrongly, match=r"ends with \.docx"):
        check_template(tmp_path / "form.docx", [tmp_path / "a.html"])
