"""The workbook's tables of clauses: each as a whole, each on each object, and the high risks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardening.clauses import ClauseView, HighRisk, Item, Risk, Verdict
from hardening.model import Evidence, Finding, Status
from hardening.reports import wording
from hardening.reports.office_rows import seen_or_reason, settle
from hardening.reports.office_words import RISK, VERDICT, area, office, point
from hardening.reports.others import beside_clauses
from hardening.reports.words import LANGUAGES
from hardening.reports.xlsx_sheet import Cell, Table, Tone, Toned
from hardening.reports.xlsx_tables import clause_cells, columns, named, severity_cell

VERDICT_TONE = {
    Verdict.COMPLIANT: Tone.GOOD,
    Verdict.PARTLY: Tone.WARN,
    Verdict.NOT_COMPLIANT: Tone.BAD,
    Verdict.NOT_APPLICABLE: Tone.MUTED,
    Verdict.TO_CONFIRM: Tone.OPEN,
}
RISK_TONE = {Risk.HIGH: Tone.BAD, Risk.MEDIUM: Tone.WARN, Risk.LOW: Tone.PLAIN}
NAMED_AT_MOST = 12


def clause_tables(evidence: Evidence, view: ClauseView | None, lang: str) -> Iterator[Table]:
    """Return the tables; where the profile answers no standard they say so."""
    yield _clauses(evidence, view, lang)
    yield _items(view, lang)
    yield _risks(evidence, view, lang)


def verdict_cell(verdict: Verdict, lang: str) -> Toned:
    """Return a clause's verdict, coloured."""
    return Toned(text=VERDICT[verdict][LANGUAGES.index(lang)], tone=VERDICT_TONE[verdict])


def some(names: Sequence[str], lang: str) -> str:
    """Return names, the first of many, and how many more there are."""
    shown = ", ".join(names[:NAMED_AT_MOST])
    left = len(names) - NAMED_AT_MOST
    return shown if left <= 0 else f"{shown} {office('and_more', lang, n=f'{left:,}')}"


def adjusted_word(risk: HighRisk, lang: str) -> str:
    """Say the risk with the compensating measure; a lowered one says that a person must confirm it."""
    word = RISK[risk.adjusted][LANGUAGES.index(lang)]
    return word if risk.adjusted is risk.risk else office("proposed", lang, risk=word)


def case_words(risk: HighRisk, lang: str) -> str:
    """Say which high-risk cases a gap may be."""
    return "; ".join(case.text_zh if lang == "zh" else case.text for case in risk.cases)


def collected(item: Item, lang: str) -> str:
    """Say what an item's verdict rests on: its gaps, what is open, and what people attested, with what was seen."""
    if not item.object:
        return office("unanswered", lang)
    if not item.findings:
        return office("lost_before", lang)
    attested = tuple(each for each in item.findings if each.verdict is Status.PASS and each.attestation is not None)
    return "\n".join(_line(finding, lang) for finding in (*item.gaps, *item.unsettled, *attested))


def _clauses(evidence: Evidence, view: ClauseView | None, lang: str) -> Table:
    beside = beside_clauses(evidence, lang)

    def rows() -> Iterator[Sequence[Cell]]:
        for number, result in enumerate(view.clauses if view else (), start=1):
            clause, items = result.clause, result.items
            yield (
                number,
                area(clause.id, lang),
                point(clause.id, lang),
                clause.id,
                (clause.text_zh if lang == "zh" else "") or clause.text,
                verdict_cell(result.verdict, lang),
                sum(bool(item.object) for item in items),
                *(sum(item.verdict is verdict for item in items if item.object) for verdict in Verdict),
                result.controls,
                sum(len(item.accepted) for item in items),
                beside.get(clause.id),
            )

    verdicts = [(verdict, VERDICT[verdict][LANGUAGES.index(lang)]) for verdict in Verdict]
    heads = columns(
        lang, ("no", 5), ("area", 18), ("point", 18), ("clause", 12), ("text", 52), ("verdict", 14), ("objects", 8)
    )
    tails = columns(lang, ("checks", 8), ("n_accepted", 10), ("beside", 26))
    between = tuple(type(heads[0])(heading=word, width=10) for _, word in verdicts)
    return Table(
        name=office("clauses", lang),
        columns=(*heads, *between, *tails),
        rows=rows(),
        empty=office("no_clauses", lang),
        frozen_columns=4,
    )


def _items(view: ClauseView | None, lang: str) -> Table:
    def rows() -> Iterator[Sequence[Cell]]:
        items = (item for result in (view.clauses if view else ()) for item in result.items)
        for number, item in enumerate(items, start=1):
            measures = dict.fromkeys(f.waiver.compensating for f in item.accepted if f.waiver and f.waiver.compensating)
            ways = dict.fromkeys(settle(finding, lang) for finding in item.unsettled)
            yield (
                number,
                point(item.clause, lang),
                item.clause,
                item.object or "–",
                verdict_cell(item.verdict, lang),
                len(item.findings),
                len(item.gaps),
                len(item.accepted),
                len(item.unsettled),
                collected(item, lang) or None,
                "; ".join(measures) or None,
                "; ".join(ways) or (None if item.object else office("needs_manual", lang)),
            )

    return Table(
        name=office("clause_items", lang),
        columns=columns(
            lang,
            ("no", 5),
            ("point", 16),
            ("clause", 12),
            ("object", 22),
            ("verdict", 14),
            ("checks", 8),
            ("n_gaps", 8),
            ("n_accepted", 8),
            ("n_open", 8),
            ("state", 56),
            ("compensating", 26),
            ("needs", 28),
        ),
        rows=rows(),
        empty=office("no_clauses", lang),
        frozen_columns=4,
    )


def _risks(evidence: Evidence, view: ClauseView | None, lang: str) -> Table:
    def rows() -> Iterator[Sequence[Cell]]:
        for number, risk in enumerate(view.high_risks if view else (), start=1):
            waiver, cells = risk.waiver, clause_cells(evidence, risk.requirement, lang)
            yield (
                number,
                cells[2],
                named(risk.requirement, lang),
                severity_cell(risk.requirement, lang),
                case_words(risk, lang) or None,
                len(risk.objects),
                some(risk.objects, lang),
                Toned(text=RISK[risk.risk][LANGUAGES.index(lang)], tone=RISK_TONE[risk.risk]),
                (waiver.compensating if waiver else "") or office("none_recorded", lang),
                waiver.reason if waiver else None,
                waiver.ticket if waiver else None,
                waiver.expires_on if waiver else None,
                Toned(text=adjusted_word(risk, lang), tone=RISK_TONE[risk.adjusted]),
            )

    return Table(
        name=office("risks", lang),
        columns=columns(
            lang,
            ("no", 5),
            ("clause", 11),
            ("control", 30),
            ("severity", 8),
            ("case", 26),
            ("count", 7),
            ("objects", 30),
            ("risk", 8),
            ("compensating", 26),
            ("reason", 22),
            ("ticket", 11),
            ("expires", 11),
            ("adjusted", 15),
        ),
        rows=rows(),
        empty=office("no_risks" if view else "no_clauses", lang),
        frozen_columns=3,
    )


def _line(finding: Finding, lang: str) -> str:
    return f"{wording.title(finding.requirement.control, lang)}: {seen_or_reason(finding, lang)}"
