"""Passwords that the user hands us, kept as secrets from the first moment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hardening.errors import AskedWrongly
from hardening.private_room import private_room, write_private
from hardening.remote.values import Secret

SCRIPT_S = 60


@dataclass(frozen=True, kw_only=True)
class VaultSecrets:
    """What opens the vault: files (`file` or `label@file`, as for `--vault-id`), and a password that was asked for."""

    password_files: tuple[str, ...] = ()
    password: Secret | None = None

    def __post_init__(self) -> None:
        for value in self.password_files:
            path = value.rpartition("@")[2]
            if not Path(path).expanduser().is_file():
                raise AskedWrongly(f"{path}: there is no such vault password file")

    def arguments(self, room: Path) -> list[str]:
        """Return Ansible's arguments: paths only. An asked password is written into the private `room`."""
        given = [argument for value in self.password_files for argument in ("--vault-id", _absolute(value))]
        if self.password is not None:
            path = write_private(room / "vault-password", self.password.reveal())
            given += ["--vault-id", str(path)]
        return given


def _absolute(vault_id: str) -> str:
    label, at, path = vault_id.rpartition("@")
    return f"{label}{at}{Path(path).expanduser().absolute()}"


@contextmanager
def vault_arguments(vault: VaultSecrets | None) -> Iterator[list[str]]:
    """Give Ansible's vault arguments for as long as the block lasts."""
    if vault is None:
        yield []
        return
    with private_room() as room:
        yield vault.arguments(room)


def secret_from_file(path: Path, *, purpose: str) -> Secret:
    """Return the password in a file, or the one an executable file prints, as Ansible does with such files.

    `purpose` names it in complaints: `become password`.
    """
    if not path.is_file():
        raise AskedWrongly(f"{path}: there is no such {purpose} file")
    try:
        text = _printed_by(path, purpose) if os.access(path, os.X_OK) else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise AskedWrongly(f"{path}: the {purpose} file cannot be read: {problem}") from None
    password = text.strip("\r\n")
    if not password:
        raise AskedWrongly(f"{path}: the {purpose} file is empty")
    try:
        return Secret(password)
    except ValueError:
        raise AskedWrongly(f"{path}: the {purpose} file must hold one line") from None


def _printed_by(path: Path, purpose: str) -> str:
    try:
        done = subprocess.run(
            [str(path.absolute())], stdin=subprocess.DEVNULL, capture_output=True, timeout=SCRIPT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise AskedWrongly(f"{path}: the {purpose} script did not end within {SCRIPT_S} s") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise AskedWrongly(
            f"{path}: the {purpose} script answered {done.returncode}: {said[-1] if said else 'nothing'}"
        )
    return done.stdout.decode()
