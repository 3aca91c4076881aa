"""The shell text that runs commands on the other side: POSIX sh, no file left behind, nothing to install.

Every command runs in a subshell of its own (`exit`, `cd`, `set -e`, traps and syntax errors stay inside) with
nothing on standard input. What is a plain call of a known program needs no subshell; `test` then costs no fork.
Answers of a group are collected by dd and sent in large pieces: two packets for every command would cost
controller and target more than the commands themselves.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

GROUP_SIZE = 64
WORTH_COLLECTING = 3
NICENESS = 10

# Names start with _h so that they shadow no program. Nothing is exported: a command sees the environment of the login.
# echo and not printf: some small shells have no printf of their own and would start a program for each mark.
_BOOT = """\
_hm={mark}
_hy(){{ echo "$_hm $1 $?"; echo "$_hm $1 e" >&2; }}
_hx(){{ _hi=$1 _hc=$2; shift 2; (eval "$_hc"); _hy "$_hi"; }}
command -v dd >/dev/null 2>&1 && _hd(){{ (exec dd obs=65536 2>/dev/null); }} || _hd(){{ cat; }}
"""

# su and doas hand root the search path of whoever called, without the places of the system's own programs: there
# `auditctl` would look as if it were not installed. Who is not root keeps the path that ssh gives.
_SEARCH_PATH = """\
case :$PATH: in *:/usr/sbin:*) ;; *) [ ! -O / ] || PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin;; esac
"""

# A terminal has one stream for both: errors wait in a file until the output is marked.
_BOOT_TERMINAL = """\
_hm={mark}
_hf=`umask 077; mktemp /dev/shm/.hardening.XXXXXXXX 2>/dev/null || mktemp`
trap 'rm -f "$_hf"' EXIT
trap 'exit 1' HUP TERM PIPE
_hy(){{ echo "$_hm $1 $?"; if [ -s "$_hf" ]; then cat "$_hf"; fi; echo "$_hm $1 e"; : >"$_hf"; }}
_hx(){{ _hi=$1 _hc=$2; shift 2; (eval "$_hc") 2>>"$_hf"; _hy "$_hi"; }}
command -v dd >/dev/null 2>&1 && _hd(){{ (exec dd obs=65536 2>/dev/null); }} || _hd(){{ cat; }}
: >"$_hf"
"""

_READY = """\
renice -n {niceness} -p $$ >/dev/null 2>&1
echo "$_hm ready"
{also}_hx 0 'id; echo $$; echo "${{LC_ALL:-${{LC_MESSAGES:-${{LANG:-}}}}}}"' </dev/null
"""
_READY_ON_ERRORS = 'echo "$_hm ready" >&2\n'

# Programs that a shell has as builtins without side effects, or that it does not have at all.
_PLAIN_PROGRAMS = frozenset(
    """
    test cat stat ls id getent grep readlink realpath uname sysctl systemctl dpkg-query rpm md5sum sha256sum
    ps ss find findmnt lsmod modprobe sshd nginx awk sed head tail wc sort cut ip mount df
    """.split()  # noqa: SIM905 - read as the list of words it is
)
_PLAIN_COMMAND = re.compile(
    r"""(?:[\w./,:@%+^-]|'[^'\0]*')+(?:\ +(?:[\w./,:=@%+^-]|'[^'\0]*')+)*""", re.VERBOSE | re.ASCII
)


@dataclass(frozen=True, slots=True)
class Item:
    """One command as the executor gets it. `id` counts from 1 in a session; 0 is the executor's own first answer."""

    id: int
    command: str


def boot_script(mark: str, *, terminal: bool, greet: bool = True) -> str:
    """Return what our shell is told first; greeting, it answers who it runs as, its process id and its locale."""
    boot, also = (_BOOT_TERMINAL, "") if terminal else (_BOOT, _READY_ON_ERRORS)
    return (boot + _SEARCH_PATH + (_READY if greet else "")).format(mark=mark, niceness=NICENESS, also=also)


def batch_script(items: Sequence[Item], *, terminal: bool) -> str:
    """Return the shell text that runs the commands in order and marks the end of each."""
    return "".join(
        _group([line_for(item, terminal=terminal) for item in items[start : start + GROUP_SIZE]], terminal)
        for start in range(0, len(items), GROUP_SIZE)
    )


def fork_depths(count: int, *, terminal: bool) -> list[int]:
    """Return for each command of a batch how many forks below the shell it runs: what is collected runs deeper."""
    sizes = [min(GROUP_SIZE, count - start) for start in range(0, count, GROUP_SIZE)]
    return [1 if size < WORTH_COLLECTING else 2 if terminal else 3 for size in sizes for _ in range(size)]


def is_plain(command: str) -> bool:
    """Tell whether a command is one call of a known program with literal arguments, which needs no subshell."""
    if _PLAIN_COMMAND.fullmatch(command) is None:
        return False
    words = command.split(" ", 2)
    if words[0] == "command":
        return words[1:2] == ["-v"] and len(words) == 3
    return words[0] in _PLAIN_PROGRAMS or words[0].startswith("/")


def line_for(item: Item, *, terminal: bool = False, guarded: bool = False) -> str:
    """Return the line that runs one command; guarded, it never runs in the shell itself."""
    if not guarded and is_plain(item.command):
        return f'{item.command} 2>>"$_hf"; _hy {item.id}\n' if terminal else f"{item.command}; _hy {item.id}\n"
    return f"_hx {item.id} {shlex.quote(item.command)}\n"


def _group(lines: Sequence[str], terminal: bool) -> str:
    body = "".join(lines)
    if len(lines) < WORTH_COLLECTING:
        return f"{{\n{body}}} </dev/null\n"
    if terminal:
        return f"{{\n{body}}} </dev/null | _hd\n"
    # 3 leads to the collector of errors, 4 to the session's own output; no command inherits either.
    return f"{{ {{ {{\n{body}}} </dev/null 2>&3 3>&- 4>&- | _hd >&4 3>&- 4>&-; }} 3>&1 | _hd >&2 4>&-; }} 4>&1\n"
