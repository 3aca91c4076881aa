"""What Ansible says when a host or a module failed, told so that a person knows what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hardening.redact import redact

LONGEST = 400

_KNOWN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile("|".join(patterns), re.I), sentence)
    for patterns, sentence in (
        (
            ["Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"],
            "the host key is unknown or has changed; compare it with the host's own, then update known_hosts",
        ),
        (
            [
                r"module interpreter '[^']+' was not found",
                r"python[\d.]*'?: (?:not found|No such file or directory|command not found)",
                "No python interpreters found",
            ],
            "there is no Python on this host, which applying needs (scanning does not); install python3-minimal",
        ),
        (
            ["SyntaxError: ", "ansible-core requires a minimum of Python version"],
            "a module does not compile there: the host's Python is too old (3.8 or newer is needed); name a newer one",
        ),
        (
            [r"Missing (?:sudo|su|doas) password", r"a (?:terminal|password) is required"],
            "becoming root needs a password and none was given; use --become-password-file or ansible_become_password",
        ),
        (
            [r"Incorrect (?:sudo|su|doas) password", "Authentication failure", "incorrect password attempt"],
            "the password for becoming root was refused",
        ),
        (
            ["is not in the sudoers file", "is not allowed to (?:execute|run)"],
            "the account that logs in may not become root on this host",
        ),
        (
            ["you must have a tty to run sudo"],
            "sudo wants a terminal here (requiretty); set ansible_pipelining: false for this host",
        ),
        ([r"Permission denied \((?P<methods>[^)]*)\)"], "the login was refused ({methods})"),
        ([r"Timeout \((?P<seconds>\d+)s\) waiting for privilege escalation"], "sudo did not answer within {seconds} s"),
        (["No space left on device"], "the disk of the host is full"),
        (
            [r"Could not find imported module support code for (?P<module>\S+?)\. Looked for \(\['(?P<name>[^']+)'"],
            "{module} imports {name}, which the roles do not have",
        ),
    )
)


def unreachable(result: Mapping[str, Any]) -> str:
    """Return why a host could not be reached, or was lost on the way."""
    said = str(result.get("msg", ""))
    known = _known(said)
    if known:
        return f"unreachable: {known}"
    said = re.sub(r"^.*?Failed to connect to the host via ssh: ", "", said, flags=re.S)
    return f"unreachable: {_bounded(_last(said) or 'no reason given')}"


def module_failed(result: Mapping[str, Any]) -> str:
    """Return why a module ended without results of its controls."""
    if "censored" in result:
        return "the result was hidden by no_log, so nothing is known of its controls"
    parts = [str(result.get(key, "")) for key in ("msg", "module_stderr", "module_stdout", "exception", "stderr")]
    known = _known("\n".join(parts))
    if known:
        return known
    message = re.sub(r"^Task failed: (?:(?:Action|Module) failed: )?", "", parts[0])
    if "deserialization failed" in message or "MODULE FAILURE" in message:
        # What was printed in the place of a result says why there is none.
        message = _last(parts[1]) or _last(parts[2]) or message
    typed = (
        re.search(rf"^(?!ansible\.errors\.|Message:)[\w.]+: {re.escape(message)}$", parts[3], re.M) if message else None
    )
    message = typed[0] if typed else message
    return _bounded(f"the module failed: {message or 'no reason given'}")


def run_failed(text: str, trouble: str | None) -> str:
    """Return why Ansible did not run at all, from what it printed."""
    errors = re.findall(r"^\[ERROR\]: (.*)$", text, re.M) or re.findall(r"^ERROR! (.*)$", text, re.M)
    why = errors[-1] if errors else trouble or _last(text) or "it said nothing"
    return _bounded(f"Ansible did not run: {why}")


def _known(said: str) -> str | None:
    for pattern, sentence in _KNOWN:
        found = pattern.search(said)
        if found:
            return sentence.format(**{name: value or "" for name, value in found.groupdict().items()})
    return None


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _bounded(text: str) -> str:
    return redact(" ".join(text.split()))[:LONGEST]
