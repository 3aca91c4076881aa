"""waivers: which accepted exceptions there are, and which of them end soon. Touches no host."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from datetime import date

from hardening.errors import AskedWrongly, Exit
from hardening.reports.console import cell, console_of, plain_table
from hardening.waivers import Waiver


def days_of(text: str) -> int:
    """Return the days that `30d` or `4w` stand for."""
    found = re.fullmatch(r"(\d{1,4})([dw])", text.strip())
    if found is None:
        raise AskedWrongly(f"{text}: a span of days is written like 30d or 4w")
    return int(found[1]) * (7 if found[2] == "w" else 1)


def list_waivers(waivers: Sequence[Waiver], *, today: date, expiring_days: int | None, as_json: bool) -> Exit:
    """Print the waivers, the next to end first; 1 where one has ended or, if asked, ends within the days.

    With `expiring_days` only those are shown, so that CI reports them before a scan fails for them.
    """
    soonest = sorted(waivers, key=lambda waiver: (waiver.use.expires_on, waiver.control_id, waiver.hosts))
    limit = -1 if expiring_days is None else expiring_days
    due = [waiver for waiver in soonest if (waiver.use.expires_on - today).days <= limit]
    shown = soonest if expiring_days is None else due
    if as_json:
        json.dump([_row(waiver, today) for waiver in shown], sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    else:
        _print(shown, today, of=len(waivers))
    return Exit.GAPS if due else Exit.CLEAN


def _row(waiver: Waiver, today: date) -> dict[str, object]:
    return {
        "control": waiver.control_id,
        "hosts": list(waiver.hosts),
        "owner": waiver.use.owner,
        "reason": waiver.use.reason,
        "compensating": waiver.use.compensating,
        "ticket": waiver.use.ticket,
        "approver": waiver.use.approver,
        "expires": waiver.use.expires_on.isoformat(),
        "days_left": (waiver.use.expires_on - today).days,
        "expired": waiver.use.expires_on < today,
    }


def _print(waivers: Sequence[Waiver], today: date, *, of: int) -> None:
    console = console_of(sys.stdout, width=None if sys.stdout.isatty() else 200)
    if waivers:
        table = plain_table()
        for column in ("expires", "left", "control", "hosts", "owner", "ticket", "reason"):
            table.add_column(column)
        for waiver in waivers:
            left = (waiver.use.expires_on - today).days
            table.add_row(
                str(waiver.use.expires_on),
                cell(f"{left} days", "yellow") if left >= 0 else cell("expired", "bold red"),
                cell(waiver.control_id),
                cell(", ".join(waiver.hosts)),
                cell(waiver.use.owner),
                cell(waiver.use.ticket),
                cell(waiver.use.reason),
            )
        console.print(table)
    console.print(f"{len(waivers)} of {of} waivers")
