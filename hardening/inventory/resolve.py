"""Templates and vaulted values in connection variables, resolved by Ansible itself without contact to any host."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hardening.errors import AskedWrongly, BadFiles, Problem
from hardening.inventory.tools import Asked
from hardening.private_room import private_room

_RESULT = re.compile(r"^(?P<host>.+?) \| (?P<verdict>SUCCESS|FAILED!) => (?=\{)", re.M)


def needs_ansible(value: Any) -> bool:
    """Tell whether a value of `ansible-inventory --list` is not yet what Ansible will use."""
    if isinstance(value, dict):
        if "__ansible_unsafe" in value:
            return False
        return "__ansible_vault" in value or any(needs_ansible(inner) for inner in value.values())
    if isinstance(value, list):
        return any(needs_ansible(inner) for inner in value)
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def plain(value: Any) -> Any:
    """Return a value that needs no templating without its wrapping."""
    if isinstance(value, dict) and set(value) == {"__ansible_unsafe"}:
        return value["__ansible_unsafe"]
    return value


def resolve(
    needed: Mapping[str, Sequence[str]],
    inventory_arguments: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
    *,
    raw: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Return the value of every needed variable, by host and name, from one Ansible process.

    It runs the `debug` action, which works on the controller alone. Raises BadFiles with every host whose
    variables cannot be resolved.
    """
    plays = []
    for names in sorted({tuple(sorted(names)) for names in needed.values()}):
        hosts = sorted(host for host, wanted in needed.items() if tuple(sorted(wanted)) == names)
        plays.append(
            {
                "name": "Connection variables are resolved",
                "hosts": hosts,
                "gather_facts": False,
                "become": False,
                "any_errors_fatal": False,
                "tasks": [{"ansible.builtin.debug": {"msg": {name: "{{ " + name + " }}" for name in names}}}],
            }
        )
    settings = {
        **environment,
        "ANSIBLE_STDOUT_CALLBACK": "minimal",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "False",
        # Must name something; a callback that is the output already is not loaded twice.
        "ANSIBLE_CALLBACKS_ENABLED": "minimal",
        "ANSIBLE_DISPLAY_FAILED_STDERR": "False",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_NO_LOG": "False",
        "ANSIBLE_STRATEGY": "linear",
    }
    with private_room() as room:
        playbook = room / "resolve.json"
        playbook.write_text(json.dumps(plays), encoding="utf-8")
        answer = Asked(["ansible-playbook", *inventory_arguments, str(playbook)], settings, cwd=cwd).answer()
    resolved: dict[str, dict[str, Any]] = {}
    problems = []
    decoder = json.JSONDecoder()
    for match in _RESULT.finditer(answer.stdout):
        result, _ = decoder.raw_decode(answer.stdout, match.end())
        if match["verdict"] == "SUCCESS":
            resolved[match["host"]] = result["msg"]
        elif match["host"] in needed:
            problems.append(_problem(match["host"], needed[match["host"]], str(result.get("msg", "")), raw))
    silent = sorted(set(needed) - set(resolved) - {problem.file for problem in problems})
    if silent and not problems:
        said = [line for line in answer.stderr.splitlines() if line.strip()]
        raise AskedWrongly(
            f"Ansible did not resolve the connection variables of {', '.join(silent)}: "
            f"{said[-1] if said else 'no reason given'}"
        )
    if problems:
        raise BadFiles(problems)
    return resolved


def _problem(host: str, names: Sequence[str], said: str, raw: Mapping[str, Mapping[str, Any]]) -> Problem:
    why = re.sub(r"^Task failed: |Error processing keyword '\w+': |Error rendering template: ", "", said)
    if "no vault secrets found" in why:
        return Problem(
            file=host,
            line=None,
            message=f"{' and '.join(names)}: encrypted; say how to open the vault with --vault-password-file FILE",
        )
    if "Decryption failed" in why or "undecryptable" in why:
        return Problem(file=host, line=None, message=f"the vault password does not open {' and '.join(names)}")
    # The text of a password's template may hold half the password.
    shown = ", ".join(name if "pass" in name else f"{name}: {raw[host][name]}" for name in names)
    return Problem(file=host, line=None, message=f"{shown} cannot be resolved: {why}")
