"""Local accounts: who there is, who can log in, how passwords age. Password hashes never leave the host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from checks import CannotLook, ahead, kind, read
from checks.linux.login_defs import settings

# The password field is told apart on the host itself: what comes back is a class, never a hash.
_SHADOW = (
    'awk -F: \'BEGIN{OFS=":"} {c="des"; if ($2=="") c="empty"; else if ($2 ~ /^[!*]/) c="locked";'
    " else if (match($2, /^\\$[^$]*\\$/)) c=substr($2, 2, RLENGTH-2); print $1, c, $3, $4, $5, $6, $7, $8}' /etc/shadow"
)
_USERS = (
    'awk -F: \'BEGIN{OFS=":"} /^[+-]/ {print $1, "nis", "", "", "", "", ""; next}'
    ' {c="hash"; if ($2=="x") c="shadow"; else if ($2=="") c="empty"; else if ($2 ~ /^[!*]/) c="locked";'
    ' print $1, c, $3, $4, "", $6, $7}\' /etc/passwd'
)
_GROUPS = "cut -d: -f1,3,4 /etc/group"
_TODAY = "echo $(($(date +%s) / 86400))"
STRONG_HASHES = {"y", "gy", "7", "6", "2b", "2y", "2a"}
NO_LOGIN = tuple(
    f"{place}/{name}"
    for name in ("nologin", "false", "true", "sync")
    for place in ("/usr/sbin", "/sbin", "/usr/bin", "/bin")
)
AGES = {"last_change": 2, "min_days": 3, "max_days": 4, "warn_days": 5, "inactive_days": 6}


class Account:
    """One line of /etc/passwd with what /etc/shadow says of it."""

    def __init__(self, passwd: list[str], shadow: list[str] | None) -> None:
        """Take the fields that `_USERS` and `_SHADOW` print."""
        self.name, self.field, uid, gid, _, self.home, self.shell = passwd
        self.uid, self.gid = int(uid), int(gid)
        self.shadow = shadow

    @property
    def can_log_in(self) -> bool:
        """True where the shell is one that lets somebody work."""
        return self.shell not in NO_LOGIN

    @property
    def password(self) -> str:
        """Return the password's class: empty, locked, hash, or the mark of a hash method (`y`, `6`, ...)."""
        return self.shadow[1] if self.field == "shadow" and self.shadow is not None else self.field


@kind
def accounts(host: Any, *, which: str, ignoring: list[str] | None = None) -> list[str]:
    """Return the local accounts of a sort (the keys of SORTS), but those named in `ignoring`."""
    if which not in SORTS:
        raise ValueError(f"{which} is no sort of account; there are: {', '.join(SORTS)}")
    if which == "password_changed_in_future":
        ahead(host, _TODAY)
    every = local_accounts(host)
    lowest = int(settings(read(host, "cat /etc/login.defs")).get("UID_MIN", "1000"))
    context: dict[str, Any] = {"every": every, "lowest": lowest}
    if which == "without_group":
        context["gids"] = {int(gid) for _, gid, _ in local_groups(host)}
    if which == "password_changed_in_future":
        context["today"] = int(read(host, _TODAY))
    found = [account.name for account in every if SORTS[which](account, context)]
    return sorted(set(found) - set(ignoring or ()))


@kind
def groups(host: Any, *, which: str) -> list[str]:
    """Return groups: `gid_0`, `duplicate_gid`, `duplicate_name`; or the people in group shadow: `shadow_members`."""
    if which == "shadow_members":
        _accounts_ahead(host)
    every = local_groups(host)
    if which == "shadow_members":
        gids = {gid for name, gid, _ in every if name == "shadow"}
        members = {member for name, _, listed in every if name == "shadow" for member in listed.split(",") if member}
        return sorted(members | {account.name for account in local_accounts(host) if str(account.gid) in gids})
    names, numbers = Counter(name for name, _, _ in every), Counter(gid for _, gid, _ in every)
    sorts: dict[str, Callable[[str, str], bool]] = {
        "gid_0": lambda _, gid: gid == "0",
        "duplicate_gid": lambda _, gid: numbers[gid] > 1,
        "duplicate_name": lambda name, _: names[name] > 1,
    }
    if which not in sorts:
        raise ValueError(f"{which} is no sort of group; there are: shadow_members, {', '.join(sorts)}")
    return sorted({name for name, gid, _ in every if sorts[which](name, gid)})


@kind
def password_age(host: Any, *, field: str) -> dict[str, int | None]:
    """Return a field of password ageing for every account that has a password; None where it is not set.

    `field` is one of AGES; chage(1) says what each means.
    """
    position = AGES[field]
    ages = {}
    for account in local_accounts(host):
        if account.shadow is not None and account.password not in ("locked", "empty"):
            value = account.shadow[position]
            ages[account.name] = int(value) if value else None
    return ages


@kind
def system_entries(host: Any) -> list[str]:
    """Return the lines of passwd, shadow and group that hand over to NIS (`+`), each with its file."""
    result = host.run("grep -H '^[+-]' /etc/passwd /etc/shadow /etc/group | cut -d: -f1,2")
    if result.rc != 0 or result.stderr.strip():
        raise CannotLook(f"the account files cannot be searched: {result.stderr.strip()[-200:]}")
    return sorted(result.stdout.splitlines())


@kind
def shells(host: Any) -> list[str]:
    """Return the shells that /etc/shells allows."""
    lines = read(host, "cat /etc/shells").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def local_accounts(host: Any) -> list[Account]:
    """Return every local account; NIS lines are none (see `system_entries`)."""
    _accounts_ahead(host)
    shadow = {fields[0]: fields for fields in _fields(read(host, _SHADOW), 8)}
    found = [Account(fields, shadow.get(fields[0])) for fields in _fields(read(host, _USERS), 7) if fields[1] != "nis"]
    if not any(account.name == "root" for account in found):
        raise CannotLook("/etc/passwd has no root, so it was not read whole")
    return found


def _accounts_ahead(host: Any) -> None:
    ahead(host, _SHADOW)
    ahead(host, _USERS)


def local_groups(host: Any) -> list[list[str]]:
    """Return [name, number, members] of every local group."""
    return [fields for fields in _fields(read(host, _GROUPS), 3) if fields[0][:1] not in ("+", "-")]


def _fields(listing: str, count: int) -> list[list[str]]:
    lines = [line.split(":") for line in listing.splitlines() if line]
    if not lines or any(len(fields) != count for fields in lines):
        raise CannotLook("an account file has a line that is none")
    return lines


def _is_system(account: Account, context: Mapping[str, Any]) -> bool:
    return bool(0 < account.uid < context["lowest"])


def _has_password(account: Account) -> bool:
    return account.password not in ("locked", "empty", "shadow")


def _count(context: Mapping[str, Any], of: Callable[[Account], object], account: Account) -> int:
    return sum(1 for other in context["every"] if of(other) == of(account))


def _changed_in_future(account: Account, context: Mapping[str, Any]) -> bool:
    day = account.shadow[2] if account.shadow else ""
    return bool(day) and int(day) > context["today"]


SORTS: Mapping[str, Callable[[Account, Mapping[str, Any]], bool]] = {
    "uid_0": lambda account, _: account.uid == 0,
    "gid_0": lambda account, _: account.gid == 0,
    "empty_password": lambda account, _: account.password == "empty",  # noqa: S105 - a class, not a password
    "unshadowed": lambda account, _: account.field in ("hash", "empty"),
    "weak_hash": lambda account, _: account.password not in STRONG_HASHES | {"empty", "locked", "shadow"},
    "duplicate_uid": lambda account, context: _count(context, lambda other: other.uid, account) > 1,
    "duplicate_name": lambda account, context: _count(context, lambda other: other.name, account) > 1,
    "without_group": lambda account, context: account.gid not in context["gids"],
    "system_with_shell": lambda account, context: _is_system(account, context) and account.can_log_in,
    "system_with_password": lambda account, context: _is_system(account, context) and _has_password(account),
    "shell_less_with_password": lambda account, context: (
        account.uid >= context["lowest"] and not account.can_log_in and _has_password(account)
    ),
    "password_changed_in_future": _changed_in_future,
}
