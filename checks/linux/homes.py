"""Home directories of people, and what in them opens doors; root's search path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from checks import CannotLook, ahead, kind, read
from checks.linux.accounts import NO_LOGIN
from checks.linux.login_defs import settings

# One line per account: name, uid, shell, home, then mode and owner of the home where it is there.
_HOMES = (
    "while IFS=: read -r n p u g c h s; do"
    ' if [ -d "$h" ]; then d=$(stat -L -c \'%a:%u\' "$h") || exit 1; else d=:; fi;'
    ' printf \'%s:%s:%s:%s:%s\\n\' "$n" "$u" "$s" "$d" "$h"; done </etc/passwd'
)
_EQUIVALENT = "find /etc -maxdepth 1 -type f -name '*hosts.equiv' -printf '%m %p\\n'"
# A login of root as far as its shell goes, in an environment without ours; what profiles print comes before our line.
_ROOT_PATH = (
    'env -i HOME=/root USER=root LOGNAME=root TERM=dumb bash --login -c \'printf "\\nPATH=%s\\n" "$PATH"\' </dev/null'
)
# Names in homes that this module is asked about; /root is a home like any other here.
TRUST_FILES = (".rhosts", ".shosts")
SECRET_FILES = (".netrc", ".pgpass", ".my.cnf", ".git-credentials", ".bash_history", ".psql_history", ".mysql_history")
SORTS: Mapping[str, Callable[[str, str], bool]] = {
    "trusting": lambda mode, name: name in TRUST_FILES,
    "netrc": lambda mode, name: name == ".netrc",
    "forward": lambda mode, name: name == ".forward",
    "writable": lambda mode, name: bool(int(mode, 8) & 0o022),
    "open_secrets": lambda mode, name: name in SECRET_FILES and bool(int(mode, 8) & 0o077),
}


@kind
def homes(host: Any, *, which: str) -> list[str]:
    """Return the accounts of people whose home is `missing` or `owned_by_other`."""
    people = _people(host)
    if which == "missing":
        return sorted(name for name, (_, _, owner, home) in people.items() if not owner and home)
    if which == "owned_by_other":
        return sorted(name for name, (uid, _, owner, _) in people.items() if owner and owner != uid)
    raise ValueError(f"{which} is no sort of home; there are: missing, owned_by_other")


@kind
def home_modes(host: Any) -> dict[str, str]:
    """Return the mode of every person's home, by account."""
    return {name: mode for name, (_, mode, owner, _) in _people(host).items() if owner}


@kind
def home_files(host: Any, *, which: str) -> list[str]:
    """Return dot files right in the homes of people and of root, by sort (the keys of SORTS).

    `trusting` also has /etc/hosts.equiv and /etc/shosts.equiv, which do the same for everybody.
    """
    if which not in SORTS:
        raise ValueError(f"{which} is no sort of file; there are: {', '.join(SORTS)}")
    ahead(host, _EQUIVALENT)
    places = sorted({home for _, (_, _, owner, home) in _people(host).items() if owner} | {"/root"})
    marks = " ".join(["%s"] * len(places))
    listing = read(host, f"find {marks} -maxdepth 1 -type f -name '.*' -printf '%%m %%p\\n'", *places)
    listing += read(host, _EQUIVALENT)
    found = []
    for line in listing.splitlines():
        mode, _, path = line.partition(" ")
        name = path.rpartition("/")[2]
        equivalent = which == "trusting" and name in ("hosts.equiv", "shosts.equiv")
        if equivalent or (name.startswith(".") and SORTS[which](mode, name)):
            found.append(path)
    return sorted(found)


@kind
def root_path(host: Any, *, which: str) -> list[str]:
    """Return the entries of root's search path after a login that are `relative` (or empty), or `open` to others."""
    said = read(host, _ROOT_PATH).rpartition("\nPATH=")[2].rstrip("\n")
    if not said:
        raise CannotLook("root's login shell has no PATH")
    entries = said.split(":")
    if which == "relative":
        return sorted({entry or "(empty)" for entry in entries if not entry.startswith("/")})
    if which != "open":
        raise ValueError(f"{which} is no sort of entry; there are: relative, open")
    found = []
    for entry in sorted({entry for entry in entries if entry.startswith("/")}):
        result = host.run("stat -L -c '%%a %%u' %s", entry)
        mode, _, owner = str(result.stdout).strip().partition(" ")
        if result.rc != 0 and host.run("test -e %s", entry).rc == 0:
            raise CannotLook(f"{entry} cannot be examined: {result.stderr.strip()[-200:]}")
        if result.rc == 0 and (owner != "0" or int(mode, 8) & 0o022):
            found.append(entry)
    return found


def _people(host: Any) -> dict[str, tuple[str, str, str, str]]:
    """Return (uid, mode, owner's uid, home) by account of those who can log in and are no system accounts."""
    ahead(host, _HOMES)
    lowest = int(settings(read(host, "cat /etc/login.defs")).get("UID_MIN", "1000"))
    highest = int(settings(read(host, "cat /etc/login.defs")).get("UID_MAX", "60000"))
    people = {}
    for line in read(host, _HOMES).splitlines():
        fields = line.split(":", 5)
        if len(fields) != 6:
            raise CannotLook("/etc/passwd has a line that is none")
        name, uid, shell, mode, owner, home = fields
        if uid.isdigit() and lowest <= int(uid) <= highest and shell not in NO_LOGIN:
            people[name] = (uid, mode, owner, home)
    return people
