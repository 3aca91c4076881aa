"""Look over a second connection what a shell is busy with, and kill it when it is over its time.

A command that hangs cannot be ended from its own session: the shell waits for it and reads nothing. What was
collected but not sent yet survives the kill, because the collectors (dd) are spared: they hand over what they
have when their input ends.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hardening.remote.diagnose import Trouble
from hardening.remote.executor import Item
from hardening.remote.session import Session, ShellFacts
from hardening.remote.values import Connection, Failure

# Reads /proc with the shell alone. The shell (pid) forks A, A forks B and a collector, B runs the commands of a
# group; a command outside a group is the shell's own child. So the running command is B's child, or the shell's.
_SCRIPT = """\
read -r up rest </proc/uptime || exit 9
hz=`getconf CLK_TCK 2>/dev/null || echo 100`
table= spared=
for f in /proc/[0-9]*/stat; do
  read -r line 2>/dev/null <"$f" || continue
  child=${line%% *}
  name=${line#*\\(}; name=${name%\\)*}
  set -- ${line##*\\) }
  shift; parent=$1; shift 18
  table="$table
$child $parent $1"
  case $name in dd) if grep -q obs=65536 /proc/$child/cmdline 2>/dev/null; then spared="$spared $child "; fi;; esac
done
tree=" PID " grew=1 depth=0 age= gang=
while [ -n "$grew" ]; do
  grew= depth=$((depth+1)) next=
  while read -r child parent began; do
    case "$tree" in *" $child "*) continue;; esac
    case "$spared" in *" $child "*) continue;; esac
    case "$tree" in *" $parent "*) ;; *) continue;; esac
    next="$next$child " grew=1
    seconds=$(( ${up%%.*} - began / hz ))
    if [ $depth = DEPTH ] && [ $seconds -gt ${age:--1} ]; then age=$seconds; fi
  done <<END
$table
END
  gang="$gang$next"
  tree="$tree$next"
done
if [ -n "$age" ] && [ "$age" -lt LIMIT ]; then echo "young $age"; exit 0; fi
if [ LIMIT -gt 0 ] && [ -z "$age" ]; then echo "idle"; exit 0; fi
kill -STOP PID 2>/dev/null
kill -KILL $gang PID 2>/dev/null
echo "killed $age"
"""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the second connection saw, and how long the running command had run (None if that was not to be seen)."""

    seen: Literal["young", "idle", "killed", "nothing"]
    age_s: float | None = None
    trouble: str = ""


class Watch:
    """One look at one shell by its process id. Tells exactly one verdict, unless it is killed before."""

    def __init__(
        self,
        connection: Connection,
        *,
        pid: int,
        depth: int,
        limit_s: float,
        selector: selectors.BaseSelector,
        room: Path,
        terminal: bool,
        tell: Callable[[Verdict], None],
        gone: Callable[[Watch], None],
    ) -> None:
        self._tell: Callable[[Verdict], None] | None = tell
        self._gone = gone
        script = _SCRIPT.replace("PID", str(pid)).replace("DEPTH", str(depth)).replace("LIMIT", f"{limit_s:.0f}")
        self._item = Item(1, script)
        self._session = Session(
            connection, owner=self, selector=selector, room=room, output_bytes=65536, terminal=terminal
        )

    def start(self) -> None:
        """Connect and look."""
        self._session.send([self._item])
        self._session.start()

    def kill(self) -> None:
        """Stop without a verdict."""
        self._tell = None
        self._session.kill()

    def expire(self) -> None:
        """Give up if there is no verdict yet."""
        if self._tell is not None:
            self._session.kill(Trouble(failure=Failure.TIMED_OUT, sentence="a second connection was not answered"))

    def ready(self, session: Session, facts: ShellFacts) -> None:
        """Nothing to do: the question was sent along."""

    def answered(self, session: Session, item: Item, exit_code: int, stdout: bytes, stderr: bytes) -> None:
        """The look is done."""
        word, _, age = stdout.decode("ascii", "replace").strip().partition(" ")
        age_s = float(age) if age.lstrip("-").isdigit() else None
        if word == "young" and age_s is not None:
            self._say(Verdict(seen="young", age_s=age_s))
        elif word == "idle":
            self._say(Verdict(seen="idle"))
        elif word == "killed":
            self._say(Verdict(seen="killed", age_s=age_s))
        else:
            self._say(Verdict(seen="nothing", trouble="the processes of the host could not be read"))
        session.close()

    def flooded(self, session: Session, item: Item) -> None:
        """Cannot be: it prints one line."""
        session.kill()

    def expired(self, session: Session, item: Item) -> None:
        """Cannot be: nobody watches the watch."""
        session.kill()

    def ended(self, session: Session, trouble: Trouble) -> None:
        """The connection is over: before the look was done that is a verdict too."""
        self._say(Verdict(seen="nothing", trouble=trouble.sentence))
        self._gone(self)

    def _say(self, verdict: Verdict) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(verdict)
