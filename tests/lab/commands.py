"""Run programs of this machine, loudly."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lab.errors import LabError


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout_s: float = 120,
) -> str:
    """Return the program's standard output; an exit code other than 0 is a LabError with the last lines it wrote."""
    try:
        done = subprocess.run(
            [str(word) for word in argv],
            env=None if env is None else dict(env),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError:
        raise LabError(f"{argv[0]} is not installed; run `make setup` as root") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(map(str, argv))}: no end after {timeout_s:.0f} s") from None
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise LabError(f"{' '.join(map(str, argv))}: exit code {done.returncode}\n{said}")
    return done.stdout
