"""Rules for new passwords (libpwquality) and for failed logins (pam_faillock)."""

from __future__ import annotations

from typing import Any

from checks import NotApplicable, ahead, kind, read
from checks.linux.pam import EVERY_LINE, LOGIN_SERVICES, in_configuration, stack_of

# libpwquality reads the drop-ins in order of name, the main file after them; the last value wins (pwquality.conf(5)).
_PWQUALITY_CONF = (
    "for f in /etc/security/pwquality.conf.d/*.conf /etc/security/pwquality.conf; do"
    ' if [ -e "$f" ]; then cat "$f" || exit 1; echo; fi; done'
)
# What libpwquality does where nothing is set (pwquality.conf(5)).
_PWQUALITY_BUILT_IN = {
    "difok": "1",
    "minlen": "8",
    "dcredit": "0",
    "ucredit": "0",
    "lcredit": "0",
    "ocredit": "0",
    "minclass": "0",
    "maxrepeat": "0",
    "maxclassrepeat": "0",
    "maxsequence": "0",
    "gecoscheck": "0",
    "dictcheck": "1",
    "usercheck": "1",
    "enforcing": "1",
}
_FAILLOCK_CONF = "if [ -e /etc/security/faillock.conf ]; then cat /etc/security/faillock.conf; fi"
# What pam_faillock does where nothing is set (faillock.conf(5)).
_FAILLOCK_BUILT_IN = {"deny": "3", "fail_interval": "900", "unlock_time": "600"}


@kind
def pwquality(host: Any, *, option: str) -> str | None:
    """Return an option of libpwquality as a new password meets it; None where it is unset, or passwords do not pass it.

    An argument of the PAM line wins over every file.
    """
    ahead(host, _PWQUALITY_CONF)
    stack = stack_of(read(host, EVERY_LINE), "passwd", "password")
    if stack is None:
        raise NotApplicable("there is no /etc/pam.d/passwd: passwords are not changed through PAM here")
    lines = [entry for entry in stack if entry.module == "pam_pwquality.so"]
    if not lines:
        return None
    text = read(host, _PWQUALITY_CONF)
    given = in_configuration("\n".join(lines[-1].arguments), option) or in_configuration(text, option)
    return given[-1] if given else _PWQUALITY_BUILT_IN.get(option)


@kind
def faillock(host: Any, *, option: str) -> str | None:
    """Return an option of pam_faillock as every way in meets it; None where it is unset, or a way in passes it by.

    `root_unlock_time` is `unlock_time` where it is not set. An argument of the PAM line wins over faillock.conf.
    """
    ahead(host, _FAILLOCK_CONF)
    listing = read(host, EVERY_LINE)
    stacks = [stack for service in LOGIN_SERVICES if (stack := stack_of(listing, service, "auth")) is not None]
    if not stacks:
        raise NotApplicable(f"/etc/pam.d has none of: {', '.join(LOGIN_SERVICES)}")
    arguments: list[str] = []
    for stack in stacks:
        lines = [entry for entry in stack if entry.module == "pam_faillock.so"]
        if not {"preauth", "authfail"} <= {word for entry in lines for word in entry.arguments}:
            return None
        arguments += [word for entry in lines for word in entry.arguments]
    text = read(host, _FAILLOCK_CONF)
    for name in (option, *(["unlock_time"] if option == "root_unlock_time" else [])):
        given = in_configuration("\n".join(arguments), name) or in_configuration(text, name)
        if given or name in _FAILLOCK_BUILT_IN:
            return given[-1] if given else _FAILLOCK_BUILT_IN[name]
    return None
