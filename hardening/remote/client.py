"""What this machine's own ssh would use with a host: asked of ssh itself, so that the user's configuration counts."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hardening.remote.launch import ssh_argv
from hardening.remote.values import Connection

ALGORITHMS = ("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms")
PATIENCE_S = 20


def client_offers(connection: Connection) -> Mapping[str, tuple[str, ...]]:
    """Return what our ssh offers to a host, by option of `ssh -G` in lower case; empty where ssh does not tell."""
    said = _settings(connection)
    return {name: tuple(said[name].split(",")) for name in ALGORITHMS if name in said}


def trusted_key_types(connection: Connection) -> tuple[str, ...]:
    """Return the types of the host keys that our known_hosts hold for a host; empty where they hold none."""
    said = _settings(connection)
    name = said.get("hostkeyalias") or said.get("hostname", connection.host or connection.name)
    port = said.get("port", "22")
    sought = name if port == "22" else f"[{name}]:{port}"
    files = [word for key in ("userknownhostsfile", "globalknownhostsfile") for word in shlex.split(said.get(key, ""))]
    found: dict[str, None] = {}
    for file in files:
        path = Path(file).expanduser()
        if path.is_file():
            told = _run(["ssh-keygen", "-F", sought, "-f", str(path)])
            lines = [line.split() for line in told.splitlines() if line and not line.startswith(("#", "@"))]
            found.update(dict.fromkeys(words[1] for words in lines if len(words) > 2))
    return tuple(found)


def _settings(connection: Connection) -> dict[str, str]:
    argv = ssh_argv(connection)
    lines = _run([argv[0], "-G", *argv[1:]]).splitlines()
    return {name: value for name, _, value in (line.partition(" ") for line in lines)}


def _run(argv: list[str]) -> str:
    """Return what a program of this machine prints; nothing where it cannot be run."""
    try:
        ran = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout if ran.returncode == 0 else ""
