"""sudo: its rules as sudo itself parses them, includes resolved."""

from __future__ import annotations

import json
import re
from typing import Any

from checks import CannotLook, ahead, kind, read
from checks.linux.reading import tool

_BUILT_IN = "LC_ALL=C sudo -V"
_RULES = "cvtsudoers -f json /etc/sudoers"
# What `sudo -V` tells root about an option that sudoers does not set: it depends on how sudo was built.
_SENTENCES = {
    "timestamp_timeout": r"^Authentication timestamp timeout: (\S+)",
    "passwd_timeout": r"^Password prompt timeout: (\S+)",
    "passwd_tries": r"^Number of tries to enter a password: (\S+)",
    "secure_path": r"^Value to override user's \$PATH with: (.+)$",
    "timestamp_type": r"^Type of authentication timestamp record: (\S+)",
    "syslog": r"^Syslog facility if syslog is being used for logging: (\S+)",
}
# Flags that are told by a sentence being there.
_FLAG_SENTENCES = {
    "authenticate": r"^Require users to authenticate by default",
    "env_reset": r"^Reset the environment to a default set",
    "env_editor": r"^Visudo will honor the EDITOR",
    "use_pty": r"^Always run commands in a pseudo-tty",
}
# Flags that no build has on (sudoers(5)).
_OFF = {"ignore_dot", "insults", "rootpw", "runaspw", "targetpw", "visiblepw"}


@kind
def sudo_option(host: Any, *, option: str) -> list[Any]:
    """Return the values of an option of sudo: the one for everybody, then those that narrower `Defaults` lines give it.

    A flag is true or false; None is an option that neither sudoers nor the build sets.
    """
    ahead(host, _BUILT_IN)
    rules = _rules(host)
    value: Any = None
    narrower = []
    for entry in rules.get("Defaults", []):
        for named in entry["Options"]:
            if option in named:
                given = _plain(named[option])
                if "Binding" in entry:
                    narrower.append(given)
                else:
                    value = given
    if value is None:
        value = built_in(read(host, _BUILT_IN), option)
    return [value, *narrower]


@kind
def sudo_without_password(host: Any) -> list[str]:
    """Return who may run what through sudo without giving a password, one `who: what` each."""
    found = []
    for rule in _rules(host).get("User_Specs", []):
        who = ", ".join(name for user in rule["User_List"] for name in map(str, user.values()))
        for granted in rule["Cmnd_Specs"]:
            if {"authenticate": False} in granted.get("Options", []):
                what = ", ".join(str(command.get("command", command)) for command in granted["Commands"])
                found.append(f"{who}: {what}")
    return sorted(found)


@kind
def sudo_file_modes(host: Any) -> dict[str, str]:
    """Return mode, owner and group of sudoers and every file it includes from sudoers.d, by path."""
    listed = read(host, "find /etc/sudoers /etc/sudoers.d -type f -exec stat -c '%n %a %U:%G' {} +")
    found = {}
    for line in listed.splitlines():
        path, mode, owner = line.rsplit(" ", 2)
        found[path] = mode if owner == "root:root" else f"{mode} {owner}"
    return found


def built_in(version_text: str, option: str) -> Any:
    """Return what sudo does about an option that sudoers does not set; None where it does nothing."""
    if option in _OFF:
        return False
    if option in _FLAG_SENTENCES:
        return re.search(_FLAG_SENTENCES[option], version_text, re.MULTILINE) is not None
    found = re.search(_SENTENCES[option], version_text, re.MULTILINE) if option in _SENTENCES else None
    return found[1].removesuffix(".0") if found else None


def _rules(host: Any) -> dict[str, Any]:
    ahead(host, _RULES)
    tool(host, "sudo", "command -v sudo")
    text = read(host, _RULES)
    try:
        rules = json.loads(text)
    except ValueError:
        raise CannotLook("cvtsudoers did not print JSON") from None
    if not isinstance(rules, dict) or not rules:
        raise CannotLook("cvtsudoers printed no rules, not even root's")
    return rules


def _plain(value: Any) -> Any:
    """Return a list option (`env_keep`) as one line, everything else as it is."""
    return " ".join(map(str, value)) if isinstance(value, list) else value
