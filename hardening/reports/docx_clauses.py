"""What a document's template may print of clauses, rates and high risks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hardening.clauses import ClauseView, Verdict, percent
from hardening.reports import wording
from hardening.reports.docx_parts import BAD, OBJECTS_NAMED, VERDICT_COLOUR, WARN, some
from hardening.reports.office_words import RISK, RULE, RULE_NAME, VERDICT, area, office, point
from hardening.reports.words import LANGUAGES


def clauses_of(view: ClauseView | None, beside: Mapping[str, str], lang: str) -> list[dict[str, Any]]:
    """Return every clause with its verdict over all objects; `beside` is what others said of it."""
    return [
        {
            "id": result.clause.id,
            "area": area(result.clause.id, lang),
            "point": point(result.clause.id, lang),
            "text": (result.clause.text_zh if lang == "zh" else "") or result.clause.text,
            "verdict": VERDICT[result.verdict][LANGUAGES.index(lang)],
            "colour": VERDICT_COLOUR[result.verdict],
            "objects": sum(bool(item.object) for item in result.items),
            "gaps": sum(len(item.gaps) for item in result.items),
            "accepted": sum(len(item.accepted) for item in result.items),
            "beside": beside.get(result.clause.id, ""),
            "open": sum(item.verdict is Verdict.TO_CONFIRM for item in result.items),
        }
        for result in (view.clauses if view else ())
    ]


def unanswered_of(view: ClauseView | None) -> str:
    """Name the clauses that no check answered."""
    return ", ".join(result.clause.id for result in (view.clauses if view else ()) if not result.controls)


def rate_of(view: ClauseView | None, lang: str) -> dict[str, Any]:
    """Return the rate under the chosen rule and under each, and the counts that it rests on."""
    at = LANGUAGES.index(lang)
    rules = [
        {
            "name": RULE_NAME[rule][at],
            "basis": RULE[rule][at],
            "value": percent(rate.share),
            "best": percent(rate.best),
            "chosen": view is not None and rule is view.rule,
        }
        for rule, rate in (view.rates.items() if view else ())
    ]
    chosen: dict[str, Any] = next((rule for rule in rules if rule["chosen"]), dict.fromkeys(("name", "basis"), "–"))
    return {
        "rule": chosen["name"],
        "basis": chosen["basis"],
        "value": chosen.get("value", "–"),
        "best": chosen.get("best", "–"),
        "rules": rules,
        "verdicts": [
            {
                "name": VERDICT[verdict][at],
                "clauses": view.clause_counts[verdict],
                "judged": view.counts[verdict],
                "colour": VERDICT_COLOUR[verdict],
            }
            for verdict in Verdict
        ]
        if view
        else [],
        "note": office("rate_note", lang),
        "bands": office("bands", lang) if view and view.standard == "mlps" else "",
    }


def risks_of(view: ClauseView | None, lang: str) -> list[dict[str, Any]]:
    """Return the gaps of high and critical severity."""
    rows = []
    for number, risk in enumerate(view.high_risks if view else (), start=1):
        word = RISK[risk.adjusted][LANGUAGES.index(lang)]
        lowered = risk.adjusted is not risk.risk
        rows.append(
            {
                "number": number,
                "control": wording.title(risk.requirement.control, lang),
                "control_id": risk.requirement.control.id,
                "clauses": ", ".join(risk.requirement.clauses),
                "case": "; ".join(case.text_zh if lang == "zh" else case.text for case in risk.cases) or "–",
                "objects": some(risk.objects, OBJECTS_NAMED, lang),
                "count": len(risk.objects),
                "risk": RISK[risk.risk][LANGUAGES.index(lang)],
                "compensating": (risk.waiver.compensating if risk.waiver else "") or office("none_recorded", lang),
                "adjusted": office("proposed", lang, risk=word) if lowered else word,
                "colour": WARN if lowered else BAD,
            }
        )
    return rows
