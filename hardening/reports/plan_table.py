"""A plan as tables for a terminal: what is blocked, what would change with its danger, what is left to a person."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from hardening.judge import text
from hardening.model import Danger, Severity
from hardening.plan import Plan, PlanItem
from hardening.prediction import Consequence
from hardening.reports.console import SEVERITY_STYLE, cell, plain_table
from hardening.reports.safe_text import bounded_line, visible
from hardening.reports.words import CONSEQUENCE, DANGER, LANGUAGES, SEVERITY, counted, effect_words, say

ITEMS_SHOWN = 200
# A list of ciphers would be twenty rows of a narrow column; the plan file has it whole.
VALUE_SHOWN = 84
DANGER_ORDER = (Danger.LOCKOUT, Danger.DATA, Danger.REBOOT, Danger.RESTART, Danger.NONE)


def print_plan(plan: Plan, console: Console, *, lang: str = "en") -> None:
    """Print a plan: what would break, blocked items, those with danger, the others, and the counts as the last line."""
    which = LANGUAGES.index(lang)
    _print_predictions(plan, console, lang)
    blocked = [item for item in plan.items if item.blocked is not None]
    if plan.items:
        table = plain_table()
        for key in ("severity", "target_column", "control"):
            table.add_column(say(key, lang), no_wrap=True)
        table.add_column(say("now", lang), overflow="fold", max_width=28)
        table.add_column(say("will_be", lang), overflow="fold", max_width=28)
        table.add_column(say("effect", lang), overflow="fold")
        ordered = sorted(plan.items, key=_order)
        for item in ordered[:ITEMS_SHOWN]:
            severity = Severity(item.severity)
            foreseen = "; ".join(effect_words(effect, lang) for effect in item.effects)
            effect = say("blocked", lang, why=item.blocked) if item.blocked is not None else foreseen
            if item.breaks:
                effect = "; ".join(part for part in (*dict.fromkeys(each.code for each in item.breaks), effect) if part)
            if item.blocked is None and item.confidence != "exact":
                effect = "; ".join(part for part in (effect, say("predicted", lang)) if part)
            if item.blocked is None and item.beyond_undo:
                lost = say("beyond_undo", lang, what="; ".join(item.beyond_undo))
                effect = "; ".join(part for part in (effect, lost) if part)
            table.add_row(
                cell(SEVERITY[severity][which], SEVERITY_STYLE[severity]),
                cell(item.target.name),
                cell(item.control_id),
                cell(bounded_line("; ".join(text(held) for held in item.seen.values()), VALUE_SHOWN)),
                cell(bounded_line(text(item.set_to), VALUE_SHOWN)),
                cell(effect, "red" if item.blocked is not None else "yellow" if item.danger is not Danger.NONE else ""),
            )
        console.print(table)
        if len(ordered) > ITEMS_SHOWN:
            console.print(Text(say("more_changes", lang, n=f"{len(ordered) - ITEMS_SHOWN:,}"), style="dim"))
    if plan.left:
        console.print()
        table = plain_table()
        for key in ("left", "control", "why"):
            table.add_column(say(key, lang), no_wrap=key != "why", overflow="fold")
        for gap in plan.left[:ITEMS_SHOWN]:
            table.add_row(cell(gap.target.name), cell(gap.control_id), cell(gap.reason))
        console.print(table)
        if len(plan.left) > ITEMS_SHOWN:
            console.print(Text(say("more_left", lang, n=f"{len(plan.left) - ITEMS_SHOWN:,}"), style="dim"))
    console.print()
    console.print(
        Text(
            say(
                "plan_result",
                lang,
                change=counted("planned_change", "planned_changes", len(plan.items) - len(blocked), lang),
                hosts=counted("host", "hosts", len(plan.hosts()), lang),
                blocked=f"{len(blocked):,}",
                left=f"{len(plan.left):,}",
            ),
            style="bold",
        )
    )
    made = say("planned_by", lang, who=plan.made_by, at=plan.made_at, catalogue=plan.catalogue_digest[:12] or "–")
    console.print(Text(visible(made), style="dim"))
    for danger in plan.dangers():
        items = [item for item in plan.open_items() if item.danger is danger]
        controls = ", ".join(dict.fromkeys(item.control_id for item in items))
        hosts = counted("host", "hosts", len({item.target.host for item in items}), lang)
        why = f"--accept {danger.value}: {DANGER[danger][which]}: {controls} ({hosts})"
        console.print(Text(bounded_line(why, 300), style="yellow"))
    codes = dict.fromkeys(each.code for each in plan.predictions())
    asked = [f"--accept {danger.value}" for danger in plan.dangers()] + [f"--acknowledge {code}" for code in codes]
    if asked:
        names = " ".join(asked)
        console.print(Text(say("needs_accept", lang, names=names), style="bold yellow"))


def _print_predictions(plan: Plan, console: Console, lang: str) -> None:
    """Print what preflights expect to break, our own way in first; a sentence that many hosts share stands for each."""
    which = LANGUAGES.index(lang)
    predictions = plan.predictions()
    if not predictions:
        return
    table = plain_table()
    for key in ("breaks", "host_column", "acknowledge"):
        table.add_column(say(key, lang), no_wrap=True)
    table.add_column(say("why", lang), overflow="fold")
    table.add_column(say("changes_column", lang), justify="right", no_wrap=True)
    for each in predictions[:ITEMS_SHOWN]:
        style = "red" if each.consequence is Consequence.LOCKOUT else "yellow"
        table.add_row(
            cell(CONSEQUENCE[each.consequence][which], style),
            cell(each.host),
            cell(each.code),
            cell((each.says, each.says_zh)[which]),
            cell(f"{len(each.controls):,}"),
        )
    console.print(table)
    if len(predictions) > ITEMS_SHOWN:
        console.print(Text(say("more_predictions", lang, n=f"{len(predictions) - ITEMS_SHOWN:,}"), style="dim"))
    console.print()


def _order(item: PlanItem) -> tuple[bool, bool, int, int, str, str]:
    rank = -Severity(item.severity).rank
    return (
        item.blocked is None,
        not item.breaks,
        DANGER_ORDER.index(item.danger),
        rank,
        item.target.name,
        item.control_id,
    )
