"""PAM: which modules a service goes through, with which arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from checks import CannotLook, NotApplicable, kind, read

# One command answers every question about PAM. -R and not -r: a service may be a link to another file.
EVERY_LINE = "grep -RH '' /etc/pam.d/"
# The ways in that ask for a password. A host need not have all of them.
LOGIN_SERVICES = ("login", "sshd", "su", "sudo")
HASHES = ("yescrypt", "gost_yescrypt", "sha512", "sha256", "blowfish", "md5", "bigcrypt")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a PAM stack, and the file it stands in."""

    file: str
    type: str
    control: str
    module: str
    arguments: tuple[str, ...]


@kind
def pam_module(host: Any, *, services: list[str], type: str, module: str) -> dict[str, str]:  # noqa: A002 - PAM's own word
    """Return by service whether its stack has a module: present or absent. Services that are not there are left out."""
    found = {}
    for service, stack in _stacks(host, services, type).items():
        found[service] = "present" if any(entry.module == module for entry in stack) else "absent"
    return found


@kind
def pam_option(host: Any, *, services: list[str], type: str, module: str, option: str) -> dict[str, str | None]:  # noqa: A002
    """Return an argument of a module by service: its value, `true` for a bare word, None where it is not given.

    A service whose stack has not got the module is named with None, too.
    """
    found: dict[str, str | None] = {}
    for service, stack in _stacks(host, services, type).items():
        given = [value for entry in stack if entry.module == module for value in _values(entry, option)]
        found[service] = given[-1] if given else None
    return found


@kind
def pam_password_hash(host: Any) -> str | None:
    """Return how pam_unix hashes new passwords; None where its line names no method."""
    lines = [entry for entry in _stacks(host, ["passwd"], "password")["passwd"] if entry.module == "pam_unix.so"]
    named = [word for entry in lines for word in entry.arguments if word in HASHES]
    if not lines:
        raise NotApplicable("passwords are not set through pam_unix here")
    return named[-1] if named else None


@kind
def pwhistory(host: Any, *, option: str) -> str | None:
    """Return an option of pam_pwhistory (`remember`, `enforce_for_root`), or None where passwords do not pass it.

    Arguments win over /etc/security/pwhistory.conf (which Debian 12 does not know); without either it remembers 10.
    """
    lines = [entry for entry in _stacks(host, ["passwd"], "password")["passwd"] if entry.module == "pam_pwhistory.so"]
    if not lines:
        return None
    given = _values(lines[-1], option) or in_configuration(read(host, _PWHISTORY_CONF), option)
    return given[-1] if given else {"remember": "10"}.get(option)


_PWHISTORY_CONF = "if [ -e /etc/security/pwhistory.conf ]; then cat /etc/security/pwhistory.conf; fi"


@kind
def su_group(host: Any) -> str | None:
    """Return the group whose members alone may use su (pam_wheel), or None where everybody may."""
    for entry in _stacks(host, ["su"], "auth")["su"]:
        if entry.module == "pam_wheel.so" and not {"deny", "trust"} & set(entry.arguments):
            if entry.control not in ("required", "requisite"):
                continue
            named = _values(entry, "group")
            # Without group= it is wheel, or the group with the number 0 where there is no wheel (pam_wheel(8)).
            return named[-1] if named else "wheel"
    return None


def stack_of(listing: str, service: str, type_: str) -> list[Entry] | None:
    """Return a service's lines of one type, includes resolved, or None where the service has no file.

    `listing` is what `grep -RH '' /etc/pam.d/` prints. Raises CannotLook where a stack names a file that is not there.
    """
    files: dict[str, list[str]] = {}
    for line in listing.splitlines():
        path, _, text = line.partition(":")
        files.setdefault(path.rpartition("/")[2], []).append(text)
    if service not in files:
        return None
    return _lines(files, service, type_, seen=())


def in_configuration(text: str, option: str) -> list[str]:
    """Return the values that `name = value` lines give an option; a bare word counts as true."""
    values = []
    for raw in text.splitlines():
        name, equals, value = raw.partition("#")[0].partition("=")
        if name.strip() == option:
            values.append(value.strip() if equals else "true")
    return values


def _stacks(host: Any, services: list[str], type_: str) -> dict[str, list[Entry]]:
    listing = read(host, EVERY_LINE)
    stacks = {service: stack_of(listing, service, type_) for service in services}
    found = {service: stack for service, stack in stacks.items() if stack is not None}
    if not found:
        raise NotApplicable(f"/etc/pam.d has none of: {', '.join(services)}")
    return found


def _lines(files: dict[str, list[str]], name: str, type_: str, seen: tuple[str, ...]) -> list[Entry]:
    if name not in files:
        raise CannotLook(f"/etc/pam.d/{seen[-1]} includes {name}, which does not exist")
    if name in seen:
        raise CannotLook(f"/etc/pam.d/{name} includes itself")
    entries: list[Entry] = []
    text = "\n".join(files[name]).replace("\\\n", " ")
    for raw in text.splitlines():
        words = re.findall(r"\[[^\]]*\]|\S+", raw.partition("#")[0])
        if len(words) == 2 and words[0] == "@include":
            entries += _lines(files, words[1], type_, (*seen, name))
        elif len(words) >= 3 and words[0].lstrip("-").lower() == type_:
            if words[1] in ("include", "substack"):
                entries += _lines(files, words[2], type_, (*seen, name))
            else:
                module, arguments = words[2].rpartition("/")[2], tuple(words[3:])
                entries.append(Entry(file=name, type=type_, control=words[1], module=module, arguments=arguments))
    return entries


def _values(entry: Entry, option: str) -> list[str]:
    values = []
    for argument in entry.arguments:
        name, equals, value = argument.strip("[]").partition("=")
        if name == option:
            values.append(value if equals else "true")
    return values
