"""When inspections are due, over time zones and daylight changes; what was missed; and what timers are written."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hardening.errors import AskedWrongly
from hardening.inspected import Installed, Level, Run, Verdict
from hardening.inspection.installing import timer_files
from hardening.inspection.keeping import keeping_of, reading_of
from hardening.inspection.plans import InspectionPlan
from hardening.inspection.schedule import Schedule

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    """Return a moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moments(schedule: Schedule, after: str, until: str) -> list[str]:
    """Return due moments in local time with their offset."""
    found = schedule.moments(after=utc(after), until=utc(until))
    return [moment.astimezone(schedule.zone).strftime("%m-%d %H:%M%z") for moment in found]


def plan(schedule: Schedule) -> InspectionPlan:
    """Return a plan with an hour of grace."""
    return InspectionPlan(
        name="daily",
        title="Daily",
        title_zh="每日",
        levels=(Level.CORE,),
        items=(),
        schedule=schedule,
        grace=timedelta(hours=1),
    )


def run(started_at: datetime, *, ends: bool = True) -> Run:
    """Return a run of the plan."""
    run = Run(id="x", plan="daily", started_at=started_at, actor="a", tool_version="1", hosts=(), items=())
    return replace(run, finished_at=started_at + timedelta(minutes=5)) if ends else run


DAILY = Schedule(zone=SHANGHAI, every="day", at=time(8))


def test_a_day_before_work_is_local_time() -> None:
    """Eight in Shanghai is midnight in UTC."""
    assert DAILY.next(utc("2026-08-21T00:00:01")) == utc("2026-08-22T00:00:00")
    assert DAILY.latest(utc("2026-08-21T00:00:00")) == utc("2026-08-21T00:00:00")


def test_a_time_that_is_left_out_is_due_once_after_the_jump() -> None:
    """In Berlin half past two does not exist on 29 March 2026."""
    nightly = Schedule(zone=BERLIN, every="day", at=time(2, 30))

    assert moments(nightly, "2026-03-27T12:00:00", "2026-03-30T12:00:00") == [
        "03-28 02:30+0100",
        "03-29 03:30+0200",
        "03-30 02:30+0200",
    ]


def test_a_time_that_comes_twice_is_due_once() -> None:
    """In Berlin half past two comes twice on 25 October 2026; the first one counts."""
    nightly = Schedule(zone=BERLIN, every="day", at=time(2, 30))

    assert moments(nightly, "2026-10-24T12:00:00", "2026-10-26T12:00:00") == ["10-25 02:30+0200", "10-26 02:30+0100"]


def test_an_important_period_is_watched_by_elapsed_time() -> None:
    """A day of 25 hours has 50 half hours, and none outside the two dates."""
    watch = Schedule(zone=BERLIN, every="minutes", minutes=30, first=date(2026, 10, 25), last=date(2026, 10, 25))
    found = list(watch.moments(after=utc("2026-10-20T00:00:00"), until=utc("2026-10-30T00:00:00")))

    assert len(found) == 50
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=30)}
    assert watch.next(utc("2026-10-26T12:00:00")) is None


def test_the_last_day_of_a_short_month() -> None:
    """The 31st of February is the 28th."""
    monthly = Schedule(zone=SHANGHAI, every="month", day=31, at=time(10))

    assert moments(monthly, "2026-01-30T00:00:00", "2026-05-01T00:00:00") == [
        "01-31 10:00+0800",
        "02-28 10:00+0800",
        "03-31 10:00+0800",
        "04-30 10:00+0800",
    ]


def test_what_no_run_answered_within_the_grace_is_missed() -> None:
    """A late run makes up for it, and does not undo that it was late."""
    installed = (Installed(plan="daily", at=utc("2026-08-19T12:00:00"), by="a"),)
    runs = (run(utc("2026-08-20T00:05:00")), run(utc("2026-08-21T03:00:00")))

    kept = keeping_of(plan(DAILY), runs, installed, utc("2026-08-22T00:30:00"))

    assert kept.missed == (utc("2026-08-21T00:00:00"),)
    assert kept.waiting == utc("2026-08-22T00:00:00")
    assert reading_of(kept, utc("2026-08-22T00:30:00")).verdict is Verdict.WARN


def test_a_run_that_was_killed_kept_nothing() -> None:
    """The newest one may still be under way, and is not called missed; once another has begun it is."""
    installed = (Installed(plan="daily", at=utc("2026-08-19T12:00:00"), by="a"),)
    killed, now = run(utc("2026-08-20T00:05:00"), ends=False), utc("2026-08-21T00:06:00")

    assert keeping_of(plan(DAILY), (killed,), installed, utc("2026-08-20T05:00:00")).missed == ()
    kept = keeping_of(plan(DAILY), (killed, run(utc("2026-08-21T00:05:00"), ends=False)), installed, now)
    assert kept.missed == (utc("2026-08-20T00:00:00"),)
    assert kept.waiting is None
    assert reading_of(kept, now).verdict is Verdict.WARN


def test_a_plan_that_was_kept_again_is_good_again() -> None:
    """What was missed stays on record; the reading is about the newest moment."""
    installed = (Installed(plan="daily", at=utc("2026-08-19T12:00:00"), by="a"),)
    runs = (run(utc("2026-08-20T00:05:00")), run(utc("2026-08-22T00:05:00")))

    kept = keeping_of(plan(DAILY), runs, installed, utc("2026-08-22T05:00:00"))

    assert len(kept.missed) == 1
    assert reading_of(kept, utc("2026-08-22T05:00:00")).verdict is Verdict.OK


def test_a_plan_that_was_installed_and_never_ran_is_missed() -> None:
    """And one that nobody installed cannot be."""
    now = utc("2026-08-23T05:00:00")
    installed = (Installed(plan="daily", at=utc("2026-08-20T12:00:00"), by="a"),)

    assert len(keeping_of(plan(DAILY), (), installed, now).missed) == 3
    assert keeping_of(plan(DAILY), (), (), now).missed == ()


SCHEDULES = [
    DAILY,
    Schedule(zone=SHANGHAI, every="day", at=time(8, 30), workdays_only=True),
    Schedule(zone=BERLIN, every="week", weekday=6, at=time(2, 30)),
    Schedule(zone=SHANGHAI, every="month", day=31, at=time(10)),
    Schedule(zone=SHANGHAI, every="minutes", minutes=30),
    Schedule(zone=SHANGHAI, every="minutes", minutes=120),
]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda each: each.on_calendar())
def test_systemd_understands_every_calendar(schedule: Schedule) -> None:
    """Its own parser takes the line, and means the same next moments or more, never fewer."""
    base = utc("2026-08-21T01:07:00")
    asked = ["systemd-analyze", "calendar", "--iterations=40", f"--base-time={base:%Y-%m-%d %H:%M:%S UTC}"]
    done = subprocess.run(
        [*asked, schedule.on_calendar()], capture_output=True, text=True, check=False, env={"TZ": "UTC"}
    )

    assert done.returncode == 0, done.stderr
    said = {
        line.rpartition(": ")[2].strip()
        for line in done.stdout.splitlines()
        if "UTC" in line or "Next" in line or "Iter" in line
    }
    ours = list(schedule.moments(after=base, until=base + timedelta(days=5)))[:3]
    assert all(any(moment.strftime("%Y-%m-%d %H:%M:00 UTC") in each for each in said) for moment in ours), done.stdout


def test_units_and_cron_lines_quote_what_they_hold() -> None:
    """A percent sign means something to both, a blank ends a word."""
    command = ["/opt/my tools/python", "-P", "-m", "hardening", "-i", "100%.yml"]
    units = timer_files(plan(DAILY), command, directory=Path("/srv/work space"), user="ops", cron=False)
    cron = timer_files(plan(DAILY), command, directory=Path("/srv/work space"), user="ops", cron=True)

    service = units["hardening-inspect-daily.service"]
    assert 'ExecStart="/opt/my tools/python" -P -m hardening -i "100%%.yml"' in service
    assert "OnCalendar=*-*-* 08:00:00 Asia/Shanghai" in units["hardening-inspect-daily.timer"]
    line = cron["hardening-inspect-daily"].splitlines()[-1]
    assert line == "*/10 * * * * ops cd '/srv/work space' && '/opt/my tools/python' -P -m hardening -i 100\\%.yml"


def test_a_line_break_stands_in_no_timer() -> None:
    """It would be a second line of the unit."""
    with pytest.raises(AskedWrongly, match="line break"):
        timer_files(plan(DAILY), ["a\nExecStartPre=b"], directory=Path("/"), user="root", cron=False)
