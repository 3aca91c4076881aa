"""Programs of others that judge our reports. One that is missing is a failure wherever `make setup` installs it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def needed(program: str, *, package: str) -> str:
    """Return where a program is. Missing, it fails in CI and for root on Debian; elsewhere the skip names it."""
    found = shutil.which(program)
    if found:
        return found
    said = f"{program} is missing (Debian: {package})"
    if os.environ.get("CI") or (os.geteuid() == 0 and Path("/etc/debian_version").exists()):
        pytest.fail(f"{said}; `make setup` installs it")
    pytest.skip(said)
