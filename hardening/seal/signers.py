"""Signing and checking signatures through ssh-keygen (keys in files, agents and hardware) or a command of the user's.

No key is ever read here: ssh-keygen does that, and asks for a passphrase or a touch itself.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hardening.errors import AskedWrongly, Incomplete
from hardening.seal.layout import NAMESPACE
from hardening.seal.statement import Signature, key_of

# A person may have to find a token and touch it.
TIME_LIMIT_S = 300


class Trust(StrEnum):
    """What became of checking one signature."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown signer"
    UNCHECKED = "not checked"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One signature, checked. `signer` is a name of the allowed signers; `key` the fingerprint of an SSH key."""

    file: str
    trust: Trust
    signer: str | None = None
    key: str | None = None
    why: str = ""


def ssh_sign(key: Path, signed: bytes) -> Signature:
    """Sign with an SSH key: a private one, or a public one whose private part an agent holds."""
    if not key.is_file():
        raise AskedWrongly(f"{key}: there is no such key; --sign-key names an SSH key, or the .pub of one in an agent")
    said = _run([_ssh_keygen(), "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE], signed, to_terminal=True)
    if said.returncode or not said.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise Incomplete(f"{key}: ssh-keygen did not sign: {_last_line(said)}")
    return Signature(kind="ssh", content=said.stdout)


def command_sign(command: str, signed: bytes) -> Signature:
    """Sign with a command: it gets the bytes on standard input, and answers the signature on standard output."""
    said = _run(_words(command, "--signer-command"), signed)
    if said.returncode or not said.stdout:
        raise Incomplete(f"the signer command did not sign: {_last_line(said)}")
    return Signature(kind="external", content=said.stdout)


def check(
    file: str, signature: Signature, signed: bytes, *, allowed_signers: Path | None, verifier: str | None
) -> Checked:
    """Check one signature over `signed`."""
    if signature.kind == "ssh":
        return _check_ssh(file, signature, signed, allowed_signers)
    if verifier is None:
        return Checked(file=file, trust=Trust.UNCHECKED, why="name its verifier with --verifier-command")
    with tempfile.TemporaryDirectory(prefix="hardening-verify-") as room:
        path = Path(room, "signature")
        path.write_bytes(signature.content)
        said = _run([*_words(verifier, "--verifier-command"), str(path)], signed)
    if said.returncode:
        return Checked(file=file, trust=Trust.INVALID, why=f"the verifier command says: {_last_line(said)}")
    return Checked(file=file, trust=Trust.VALID, signer="the verifier command")


def _check_ssh(file: str, signature: Signature, signed: bytes, allowed_signers: Path | None) -> Checked:
    key = key_of(signature)
    keygen = _ssh_keygen()
    with tempfile.TemporaryDirectory(prefix="hardening-verify-") as room:
        path = Path(room, "signature")
        path.write_bytes(signature.content)
        about = ["-n", NAMESPACE, "-s", str(path)]
        said = _run([keygen, "-Y", "check-novalidate", *about], signed)
        if said.returncode:
            return Checked(file=file, trust=Trust.INVALID, key=key, why=_last_line(said))
        if allowed_signers is None:
            why = "the signature is good, but whose key it is nobody said: name --allowed-signers"
            return Checked(file=file, trust=Trust.UNCHECKED, key=key, why=why)
        found = _run([keygen, "-Y", "find-principals", "-s", str(path), "-f", str(allowed_signers)], b"")
        names = found.stdout.decode("utf-8", "replace").splitlines() if found.returncode == 0 else []
        why = f"the key is not in {allowed_signers}"
        for name in names:
            said = _run([keygen, "-Y", "verify", *about, "-f", str(allowed_signers), "-I", name], signed)
            if said.returncode == 0:
                return Checked(file=file, trust=Trust.VALID, signer=name, key=key)
            why = f"{allowed_signers} does not let {name} sign this: {_last_line(said)}"
    return Checked(file=file, trust=Trust.UNKNOWN, key=key, why=why)


def _words(command: str, option: str) -> Sequence[str]:
    try:
        words = shlex.split(command)
    except ValueError as problem:
        raise AskedWrongly(f"{option}: {problem}") from problem
    if not words or shutil.which(words[0]) is None:
        raise AskedWrongly(f"{option}: {words[0] if words else 'an empty text'} is no program here")
    return words


def _ssh_keygen() -> str:
    found = shutil.which("ssh-keygen")
    if found is None:
        raise Incomplete("ssh-keygen is missing; install OpenSSH's client (8.1 or newer)")
    return found


def _run(words: Sequence[str], given: bytes, *, to_terminal: bool = False) -> subprocess.CompletedProcess[bytes]:
    """Run a program. With `to_terminal` a person there reads what it says, such as to touch the key."""
    errors = None if to_terminal and sys.stderr.isatty() else subprocess.PIPE
    try:
        return subprocess.run(
            words, input=given, stdout=subprocess.PIPE, stderr=errors, check=False, timeout=TIME_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        raise Incomplete(f"{words[0]} did not answer within {TIME_LIMIT_S} seconds") from None
    except OSError as problem:
        raise Incomplete(f"{words[0]} cannot be run: {problem.strerror}") from problem


def _last_line(said: subprocess.CompletedProcess[bytes]) -> str:
    lines = (said.stderr or said.stdout).decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"it answered {said.returncode} and said nothing"
