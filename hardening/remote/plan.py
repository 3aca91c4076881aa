"""Which commands may be remembered and sent first the next time.

Only reads of one literal thing, in the shapes of testinfra's own modules and their like; never what a check put
together itself: a plan is stored between runs, and whoever changed it must not gain more than a few needless reads.
"""

from __future__ import annotations

import re
from functools import lru_cache

# In a stored plan this stands before a command that a fused read could not answer exactly: it is sent alone at once.
SINGLY = "!"

# One literal argument, as shlex.quote writes it.
_WORD = r"(?:[\w@%+=:,./-]+|'[^'\0\n]*')"

_SHAPES = (
    rf"test -[efdxpSL] {_WORD}",
    rf"stat -Lc %[UuGgaYsi] {_WORD}",
    rf"cat -- {_WORD}",
    r"cat /etc/(?:os-release|redhat-release|alpine-release|passwd|group)",
    r"cat /proc/mounts",
    rf"cat /sys/class/net/{_WORD}/speed",
    rf"(?:realpath|readlink -f) {_WORD}",
    rf"grep -qs -- {_WORD} {_WORD}",
    rf"ls -1 -q -- {_WORD}",
    rf"md5sum {_WORD} \| cut -d' ' -f1",
    rf"sha256sum {_WORD} \| cut -d ' ' -f 1",
    rf"command -v {_WORD}",
    r"uname -[srm]",
    r"id -nu",
    rf"id(?: -(?:u|g|ng|G|nG))? {_WORD}",
    rf"getent (?:passwd|shadow|group) {_WORD}",
    r"getent (?:passwd|group)",
    rf"getent group {_WORD} \| cut -d':' -f[34]",
    rf"dpkg-query -f '\$\{{Status\}}(?: \$\{{Version\}})?' -W {_WORD}",
    rf"rpm -q --quiet {_WORD} 2>&1",
    rf'rpm -q --queryformat="%\{{(?:VERSION|RELEASE)\}}" {_WORD}',
    rf"(?:/[\w/.-]*/)?sysctl -n {_WORD}",
    rf"systemctl (?:is-active|is-enabled|show) {_WORD}",
    # Between double quotes single quotes protect nothing: bare names only.
    r'systemctl list-unit-files \| grep -q "\^[\w@.:-]+"',
    rf"find -L /etc/rc\?\.d/ -name {_WORD}",
    r"ps -Aww -o [\w:,]+",
    r"(?:/[\w/.-]*/)?ss --numeric --(?:listening|all)(?: --(?:tcp|udp|unix))?",
    # The same reads as checks word them where testinfra has no module for it.
    rf"stat (?:-L )?-c {_WORD} /{_WORD}",
    rf"cat /{_WORD}",
    r"sysctl -n [\w.-]+",
    r"systemctl (?:show|cat)(?: --property=[\w,]+)* [\w@.:-]+",
    rf"LC_ALL=C ls -d /{_WORD}",
)
_PLANNABLE = re.compile("|".join(f"(?:{shape})" for shape in _SHAPES), re.ASCII)


@lru_cache(maxsize=8192)
def is_plannable(command: str) -> bool:
    """Tell whether a command has one of the shapes that may be sent before anybody asks for it."""
    return _PLANNABLE.fullmatch(command) is not None
