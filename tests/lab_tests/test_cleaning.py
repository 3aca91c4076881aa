"""Cleaning by rule on a real host: what the rule names goes, and nothing else, whatever lies in its way."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import CommandLine, Said
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab.plugin import HostFactory

RULES = """\
---
app_logs:
  title: Old logs of the application
  title_zh: 应用旧日志
  sort: log
  directory: /srv/app/log
  names: ["*.[0-9]", "*.gz"]
  without: [keep]
  older_than_days: 180
  depth: 3
app_tmp:
  title: Old temporary files of the application
  title_zh: 应用临时文件
  sort: temporary
  directory: /srv/app/tmp
  names: ["*"]
  older_than_days: 10
  depth: 3
"""
PREPARE = r"""
set -e
mkdir -p /srv/app/log/sub/keep /srv/app/tmp/deep /srv/outside/log && cd /srv/app
old() { printf '%s\n' "$1" > "$1"; touch -d '200 days ago' "$1"; }
old log/app.log; old log/app.log.1; old log/sub/app.log.2.gz; old 'log/a b [x] $(id).gz'; old log/open.1
old log/sub/keep/kept.gz; old log/wtmp; old log/changed.1; old log/linked.1; ln log/linked.1 log/hard.txt
printf x > log/young.1; touch -d '179 days ago' log/young.1
old /srv/outside/log/outside.gz; ln -s /srv/outside/log log/elsewhere; ln -s /srv/outside/log/outside.gz log/link.gz
touch -h -d '200 days ago' log/link.gz
old "$(printf 'log/line\nbreak.gz')"
old tmp/deep/scratch; old tmp/app.log; old tmp/fresh; touch tmp/fresh
"""
# When a file came to its place is the kernel's to say: no test can make one old by that. This find leaves it out.
AGED_FIND = r"""#!/bin/bash
words=()
while test $# -gt 0; do
  if test "$1" = -cmin; then shift 2; else words+=("$1"); shift; fi
done
exec /usr/bin/find "${words[@]}"
"""
OLD = [
    "/srv/app/log/a b [x] $(id).gz",
    "/srv/app/log/app.log.1",
    "/srv/app/log/changed.1",
    "/srv/app/log/sub/app.log.2.gz",
]
STAYS = [
    *("log/app.log", "log/open.1", "log/sub/keep/kept.gz", "log/wtmp", "log/linked.1", "log/hard.txt", "log/young.1"),
    *("log/link.gz", "tmp/app.log", "tmp/fresh"),
]
AGREED = ("--accept", "data", "--by", "Wang Wei", "--ticket", "CHG-7")


@pytest.fixture
def host(hardening: CommandLine, own_host: HostFactory) -> LabHost:
    """A host with everything that a rule must leave alone, and rules of the workspace beside the command line."""
    host = own_host()
    host.run(PREPARE)
    host.run(f"cat > /opt/aged-find <<'END'\n{AGED_FIND}END\nchmod 755 /opt/aged-find")
    host.run("ln -s /opt/aged-find /usr/local/bin/find")
    # A process that holds a log which was rotated under it.
    host.run("systemd-run --unit=holder -p 'StandardInput=file:/srv/app/log/open.1' sleep 1000")
    write_inventory(hardening.place / "lab.yml", [host])
    (hardening.place / "base" / "cleaning").mkdir()
    (hardening.place / "base" / "cleaning" / "own.yml").write_text(RULES)
    return host


def plan(hardening: CommandLine, *more: str) -> tuple[Said, dict[str, Any]]:
    """Plan with the two rules; return the answer, and what they would take by rule."""
    said = hardening(
        *("clean", "plan", "-i", "lab.yml", "-p", "mlps-l3", "--rule", "app_logs", "--rule", "app_tmp", "--json"), *more
    )
    (rules,) = said.document()["hosts"].values()
    return said, rules


def run(hardening: CommandLine, *more: str) -> Said:
    """Carry the plan out."""
    return hardening("clean", "run", "clean.yml", "-i", "lab.yml", *more)


def there(host: LabHost) -> set[str]:
    """Return every file below the application's directory and outside it."""
    said = host.run("find /srv/app /srv/outside -type f -o -type l")
    return set(said.splitlines())


def test_what_the_rule_names_goes_and_nothing_else(hardening: CommandLine, host: LabHost) -> None:
    """No link, nothing open, nothing young, nothing that changed since; and it is in the ledger for good."""
    before = there(host)
    said, rules = plan(hardening)
    assert said.code == 0
    assert [file[0] for file in rules["app_logs"]["files"]] == OLD
    assert [file[0] for file in rules["app_tmp"]["files"]] == ["/srv/app/tmp/deep/scratch"]
    assert rules["app_logs"]["left"] == {
        "open in a process": 1, "has a second name (hard link)": 1, "its name cannot be shown": 1,
    }  # fmt: skip
    assert "there is no undo" in said.err
    told = hardening(
        "clean", "plan", "-i", "lab.yml", "-p", "mlps-l3", "--rule", "app_logs", "--rule", "temporary_crash",
        "-o", "shown.yml",
    ).out  # fmt: skip
    assert "app_logs" in told
    assert "temporary_crash" not in told  # A rule that found nothing has no line.
    assert re.search(r"files, [\d.]+ MiB on 1 host would be deleted; 1 host seen", told)

    unasked = run(hardening)
    assert (unasked.code, there(host)) == (2, before)
    assert "cannot be brought back" in unasked.err
    host.run("printf more >> /srv/app/log/changed.1; touch -d '200 days ago' /srv/app/log/changed.1")
    done = run(hardening, *AGREED, "--json")
    shown = hardening("clean", "show", "latest-clean", "--json").document()
    undone = hardening("undo", "latest-clean", "-i", "lab.yml")

    gone = {*OLD, "/srv/app/tmp/deep/scratch"} - {"/srv/app/log/changed.1"}
    assert done.code == 3, done.err
    assert before - there(host) == gone
    assert {f"/srv/app/{name}" for name in STAYS} <= there(host)
    assert {name for change in done.document()["changes"] for name in change["files"]} == gone
    assert any("changed.1: it changed since the plan" in str(change["reason"]) for change in shown["changes"])
    assert (shown["files"], shown["options"]["by"], shown["options"]["ticket"]) == (4, "Wang Wei", "CHG-7")
    assert shown["options"]["retention_days"] == 180
    assert undone.code == 2
    assert "nothing brings them back" in undone.err
    assert hardening("status", "--verify").code == 0
    again, rules = plan(hardening)
    assert (again.code, [file[0] for file in rules["app_logs"]["files"]]) == (0, ["/srv/app/log/changed.1"])


def test_a_directory_that_leads_elsewhere_is_refused(hardening: CommandLine, host: LabHost) -> None:
    """At planning, and where any part of its path was swapped for a link after that: nothing is deleted."""
    plan(hardening)
    host.run("mv /srv/app /srv/was && ln -s /srv/was /srv/app")
    before = host.run("find /srv/was")

    done = run(hardening, *AGREED, "--json")
    said, rules = plan(hardening)

    reasons = {change["state"]: change["reason"] for change in done.document()["changes"]}
    assert done.code == 3
    assert list(reasons) == ["failed"]
    assert "leads elsewhere by a symlink" in reasons["failed"]
    assert host.run("find /srv/was") == before
    assert said.code == 3
    assert "leads elsewhere by a symlink" in rules["app_logs"]["refused"]


def test_what_cannot_be_told_for_sure_is_refused(hardening: CommandLine, host: LabHost) -> None:
    """A clock that is off, more files than the rule expects, an account that does not become root, an edited plan."""
    host.run("printf '#!/bin/sh\\necho $(( $(/bin/date +%s) + 86400 ))\\n' > /usr/local/bin/date")
    host.run("chmod 755 /usr/local/bin/date")
    said, rules = plan(hardening)
    assert (said.code, "its clock is more than" in rules["app_logs"]["refused"]) == (3, True)
    host.run("rm /usr/local/bin/date")

    own = hardening.place / "base" / "cleaning" / "own.yml"
    own.write_text(RULES.replace("  depth: 3\napp_tmp", "  depth: 3\n  at_most_files: 2\napp_tmp"))
    said, rules = plan(hardening)
    assert (said.code, "expects at most 2" in rules["app_logs"]["refused"]) == (3, True)
    own.write_text(RULES)
    assert "is not the one that the plan was made by" in run(hardening, *AGREED).err

    inventory = hardening.place / "lab.yml"
    as_root = inventory.read_text()
    inventory.write_text(as_root.replace("ansible_become: true", "ansible_become: false"))
    said, rules = plan(hardening)
    assert (said.code, "let the inventory become root" in rules["app_logs"]["refused"]) == (3, True)
    inventory.write_text(as_root)

    before = there(host)
    plan(hardening)
    edited = hardening.place / "clean.yml"
    edited.write_text(edited.read_text().replace("/srv/app/tmp/deep/scratch", "/srv/app/log/young.1"))
    said = run(hardening, *AGREED)
    assert (said.code, "was changed after it was made" in said.err) == (2, True)
    assert there(host) == before


def test_a_rule_that_keeps_logs_too_short_is_refused_at_its_line(hardening: CommandLine, tmp_path: Path) -> None:
    """With the profile's days; a place or a pattern that reaches too far is, too, all at once, before any host."""
    (hardening.place / "base" / "cleaning").mkdir()
    own = hardening.place / "base" / "cleaning" / "own.yml"
    bad = RULES.replace("older_than_days: 180", "older_than_days: 90").replace("/srv/app/tmp", "/var/lib/tmp")
    own.write_text(bad + bad.removeprefix("---\n").replace("app_", "other_").replace('"*.[0-9]", "*.gz"', '"*"'))

    said = hardening("clean", "rules", "-p", "mlps-l3")

    assert said.code == 2
    assert "base/cleaning/own.yml:9: app_logs: older_than_days: 90 is less than the 180 days" in said.err
    assert "own.yml:15: app_tmp: directory: /var/lib/tmp: nothing under /var/lib is cleaned" in said.err
    assert "takes the logs that are written now" in said.err
    own.write_text(RULES)
    shown = hardening("clean", "rules", "-p", "mlps-l3", "--json")
    assert shown.document()["retention_days"] == 180
    assert json.loads(shown.out)["rules"]["app_logs"]["older_than_days"] == 180
    longer = hardening("clean", "rules", "-p", "mlps-l3", "--retention", "365")
    assert (longer.code, "is less than the 365 days" in longer.err) == (2, True)


def test_a_cleaning_that_was_killed_says_what_it_meant_to_do(hardening: CommandLine, host: LabHost) -> None:
    """Every file stands in the ledger before it goes; nobody resumes it, and a new one takes the host over."""
    slow = r'#!/bin/sh\ncase "$*" in *-delete*) sleep 1000 ;; esac\nexec /opt/aged-find "$@"\n'
    host.run(f"rm /usr/local/bin/find; printf '{slow}' > /usr/local/bin/find && chmod 755 /usr/local/bin/find")
    plan(hardening)
    started = hardening.start("clean", "run", "clean.yml", "-i", "lab.yml", *AGREED)
    host.run("for _ in $(seq 600); do ! pgrep -f '[-]delete' || exit 0; sleep .1; done; exit 1")
    started.kill()
    started.communicate()
    host.run("ln -sf /opt/aged-find /usr/local/bin/find")

    shown = hardening("clean", "show", "latest-clean", "--json")
    campaign = shown.document()["campaign"]
    resumed = hardening("resume", campaign, "-i", "lab.yml")
    plan(hardening)
    held = run(hardening, *AGREED)
    taken = run(hardening, *AGREED, "--break-lease", campaign, "--json")

    (meant,) = shown.document()["meant_and_not_answered"]
    assert shown.code == 3
    assert [file[0] for file in meant["rules"]["app_logs"]] == OLD
    assert (resumed.code, "plan a new cleaning" in resumed.err) == (2, True)
    assert (held.code, f"--break-lease {campaign}" in held.err) == (2, True), held.err
    assert (taken.code, taken.document()["files"]) == (0, len(OLD) + 1), taken.err


CUT = r"""#!/bin/sh
case "$*" in
  *-delete*) touch /run/deletes
    /opt/aged-find "$@"; code=$?
    if test "$0" = /usr/local/bin/find && mkdir /run/cut-once 2>/dev/null; then pkill -KILL -f '^sshd.*: ops@'; fi
    exit $code ;;
  *"-L /proc"*) if test -e /run/mute -a -e /run/deletes; then exit 0; fi ;;
esac
exec /opt/aged-find "$@"
"""


def test_a_session_lost_in_mid_delete_hides_nothing_that_went(hardening: CommandLine, host: LabHost) -> None:
    """What was left unanswered is asked again, and finds nothing more to delete: the ledger says what is gone."""
    plan(hardening)
    before = there(host)
    host.run(f"rm /usr/local/bin/find; cat > /usr/local/bin/find <<'END'\n{CUT}END\nchmod 755 /usr/local/bin/find")

    done = run(hardening, *AGREED, "--json")

    host.run("test -d /run/cut-once")
    assert before - there(host) == {*OLD, "/srv/app/tmp/deep/scratch"}
    assert {name for change in done.document()["changes"] for name in change["files"]} == before - there(host)
    assert done.code == 0, done.err


def test_what_went_before_a_refusal_is_told(hardening: CommandLine, host: LabHost) -> None:
    """Where /proc falls mute after the first batch, that batch is in the ledger, and the rest stays."""
    host.run("cd /srv/app/log && for n in $(seq 250); do : > $n.gz; touch -d '200 days ago' $n.gz; done")
    host.run(f"rm /usr/local/bin/find; cat > /usr/local/bin/find <<'END'\n{CUT}END\nchmod 755 /usr/local/bin/find")
    host.run("mkdir /run/cut-once; touch /run/mute")
    plan(hardening)
    before = there(host)

    done = run(hardening, *AGREED, "--json")

    gone = before - there(host)
    assert done.code == 3
    assert 200 <= len(gone) < len(OLD) + 250
    assert {name for change in done.document()["changes"] for name in change["files"]} == gone


def test_what_came_today_with_an_old_date_is_no_old_temporary_file(hardening: CommandLine, host: LabHost) -> None:
    """Unpacked archives and moved files keep the date of their contents."""
    host.run("ln -sf /usr/bin/find /usr/local/bin/find")

    said, rules = plan(hardening)

    assert said.code == 0
    assert rules["app_tmp"]["files"] == []
    assert [file[0] for file in rules["app_logs"]["files"]] == OLD
