"""The workbook's first sheet: what this is, whether it is the whole truth, and the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import TYPE_CHECKING

from hardening.clauses import ClauseView, RateRule, Verdict, percent
from hardening.model import Evidence, Severity, Status
from hardening.reports import wording
from hardening.reports.office_words import RULE, RULE_NAME, office
from hardening.reports.ordering import WORST_FIRST
from hardening.reports.words import LANGUAGES, SEVERITY, STATUS, VERB, say
from hardening.reports.xlsx_clauses import verdict_cell
from hardening.reports.xlsx_sheet import Book, Cell, Tone, Toned
from hardening.reports.xlsx_tables import SEVERITY_TONE, TONE
from hardening.tally import transitions

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

WIDTHS = (22.0, 14.0, 22.0, 6.0, 22.0, 14.0, 22.0)
# The columns in which tables that stand beside one another begin.
BESIDE = (0, 4)

Block = tuple[str, Sequence[Sequence[Cell]]]


class _Page:
    """The sheet, and the row that is written next."""

    def __init__(self, book: Book, sheet: Worksheet) -> None:
        self.book, self.sheet, self.row = book, sheet, 0

    def sentence(self, text: str, form: object) -> None:
        self.book.across(self.sheet, self.row, text, form, WIDTHS)
        self.row += 1

    def heading(self, text: str) -> None:
        self.row += 1
        self.sheet.write_string(self.row, 0, text, self.book.heading)
        self.row += 1

    def pair(self, label: str, text: str) -> None:
        self.book.put(self.sheet, self.row, 0, label, self.book.label)
        self.book.merged(self.sheet, self.row, 1, text, WIDTHS)
        self.row += 1

    def line(self, *cells: Cell, labels: bool = False) -> None:
        self._cells(0, cells, labels=labels)
        self.row += 1

    def beside(self, *blocks: Block) -> None:
        """Write tables beside one another, each with its heading; rows go out in order, as the writer wants them."""
        self.row += 1
        for at, block in zip(BESIDE, blocks, strict=False):
            self.sheet.write_string(self.row, at, block[0], self.book.heading)
        self.row += 1
        for number in range(max(len(rows) for _, rows in blocks)):
            for at, (_, rows) in zip(BESIDE, blocks, strict=False):
                if number < len(rows):
                    self._cells(at, rows[number], labels=number == 0)
            self.row += 1

    def _cells(self, at: int, cells: Sequence[Cell], *, labels: bool) -> None:
        for column, held in enumerate(cells):
            form = self.book.label if labels or (column == 0 and not isinstance(held, Toned)) else None
            self.book.put(self.sheet, self.row, at + column, held, form)


def write_summary(book: Book, evidence: Evidence, view: ClauseView | None, lang: str) -> None:
    """Write the sheet."""
    page = _Page(book, book.sheet(office("summary", lang), WIDTHS, fit_width=False))
    # As wide as A4 across; a sheet that is fitted to its page would heed no page break.
    page.sheet.set_print_scale(85)
    page.sheet.set_row(0, 30)
    page.sheet.write_string(0, 0, office("workbook", lang), book.title)
    page.row = 1
    for alarm in wording.alarms(evidence, lang):
        page.sentence(f"{office('warning', lang)}: {alarm}", book.alarm)
    if evidence.profile.standard == "mlps":
        page.sentence(say("mlps_note", lang), book.sentence)
    _campaign(page, evidence, lang)
    page.beside(_by_status(evidence, lang), _by_severity(evidence, lang))
    blocks = [_moves(evidence, lang)] if evidence.before else []
    if view is not None:
        blocks.append(_verdicts(view, lang))
    if blocks:
        # The campaign and its counts fill a page; what comes next must not begin at its foot.
        page.sheet.set_h_pagebreaks([page.row + 1])
        page.beside(*blocks)
    if view is not None:
        _rates(page, view, lang)
    _unseen(page, evidence, lang)


def _campaign(page: _Page, evidence: Evidence, lang: str) -> None:
    campaign, cover = evidence.campaign, evidence.tally.coverage
    finished = campaign.finished_at
    page.row += 1
    page.pair(office("result", lang), wording.result(evidence.tally, lang))
    page.pair(office("campaign", lang), campaign.id)
    page.pair(office("verb", lang), VERB[campaign.verb][LANGUAGES.index(lang)])
    page.pair(office("profile", lang), f"{wording.title(evidence.profile, lang)} ({evidence.profile.name})")
    page.pair(
        office("hosts", lang),
        office("hosts_reached", lang, seen=f"{cover.hosts_seen:,}", asked=f"{cover.hosts_asked:,}"),
    )
    page.pair(
        office("pairs", lang), office("pairs_of", lang, seen=f"{cover.pairs_seen:,}", asked=f"{cover.pairs_asked:,}")
    )
    page.pair(office("started", lang), f"{campaign.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}")
    page.pair(
        office("finished", lang),
        office("never_ended", lang) if finished is None else f"{finished.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
    )
    page.pair(office("actor", lang), campaign.actor)
    page.pair(office("tool", lang), campaign.tool_version)
    page.pair(office("profile_digest", lang), campaign.profile_digest)
    page.pair(office("catalogue_digest", lang), campaign.catalogue_digest)
    if campaign.parent:
        page.pair(office("parent", lang), campaign.parent)


def _by_status(evidence: Evidence, lang: str) -> Block:
    before, tally = evidence.tally_before, evidence.tally
    rows: list[Sequence[Cell]] = [_heads("status", evidence, lang)]
    for status in WORST_FIRST:
        word = Toned(text=STATUS[status][LANGUAGES.index(lang)], tone=TONE[status])
        rows.append((word, *_then(before.by_status.get(status, 0) if before else None), tally.by_status.get(status, 0)))
    rows.append((office("all", lang), *_then(before.total if before else None), tally.total))
    return office("by_status", lang), rows


def _by_severity(evidence: Evidence, lang: str) -> Block:
    before, tally = evidence.tally_before, evidence.tally
    rows: list[Sequence[Cell]] = [_heads("severity", evidence, lang)]
    for severity in reversed(Severity):
        word = Toned(text=SEVERITY[severity][LANGUAGES.index(lang)], tone=SEVERITY_TONE[severity])
        then = _then(before.by_severity_failed.get(severity, 0) if before else None)
        rows.append((word, *then, tally.by_severity_failed.get(severity, 0)))
    then = _then(before.by_status.get(Status.FAIL, 0) if before else None)
    rows.append((office("all", lang), *then, tally.by_status.get(Status.FAIL, 0)))
    return office("by_severity", lang), rows


def _heads(key: str, evidence: Evidence, lang: str) -> tuple[str, ...]:
    if evidence.tally_before is None:
        return office(key, lang), office("count", lang)
    return office(key, lang), office("before", lang), office("after", lang)


def _then(number: int | None) -> tuple[int, ...]:
    return () if number is None else (number,)


def _moves(evidence: Evidence, lang: str) -> Block:
    def word(status: Status | None) -> Cell:
        if status is None:
            return Toned(text=office("not_asked", lang), tone=Tone.MUTED)
        return Toned(text=STATUS[status][LANGUAGES.index(lang)], tone=TONE[status])

    moved = transitions(evidence.before, evidence.findings)
    rows: list[Sequence[Cell]] = [(office("from", lang), office("to", lang), office("count", lang))]
    rows += [(word(then), word(now), number) for (then, now), number in moved.items()]
    rows.append((office("all", lang), "", sum(moved.values())))
    return office("moves", lang), rows


def _verdicts(view: ClauseView, lang: str) -> Block:
    rows: list[Sequence[Cell]] = [(office("verdict", lang), office("by_clause", lang), office("by_item", lang))]
    rows += [(verdict_cell(each, lang), view.clause_counts[each], view.counts[each]) for each in Verdict]
    rows.append((office("all", lang), sum(view.clause_counts.values()), sum(view.counts.values())))
    return office("by_verdict", lang), rows


def _rates(page: _Page, view: ClauseView, lang: str) -> None:
    at = LANGUAGES.index(lang)
    page.heading(office("rate_heading", lang))
    page.line(*(office(key, lang) for key in ("rule", "rate", "best")), labels=True)
    page.book.merged(page.sheet, page.row - 1, 3, office("basis", lang), WIDTHS, page.book.label)
    for rule in RateRule:
        rate = view.rates[rule]
        name = RULE_NAME[rule][at] + (f" ({office('chosen', lang)})" if rule is view.rule else "")
        page.line(name, percent(rate.share), percent(rate.best))
        page.book.merged(page.sheet, page.row - 1, 3, RULE[rule][at], WIDTHS)
    page.sentence(office("rate_note", lang), page.book.sentence)
    if view.standard == "mlps":
        page.sentence(office("bands", lang), page.book.sentence)
    page.sentence(office("risk_note", lang), page.book.sentence)


def _unseen(page: _Page, evidence: Evidence, lang: str) -> None:
    not_seen = evidence.tally.coverage.not_seen
    if not not_seen:
        return
    page.heading(office("why_not", lang))
    page.line(office("count", lang), labels=True)
    page.book.merged(page.sheet, page.row - 1, 1, office("reason", lang), WIDTHS, page.book.label)
    for reason, number in not_seen.items():
        page.line(number)
        page.book.merged(page.sheet, page.row - 1, 1, reason, WIDTHS)
