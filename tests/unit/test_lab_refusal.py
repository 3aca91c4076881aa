"""Tests on real hosts are never left out in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COLLECT = [
    sys.executable,
    "-m",
    "pytest",
    "--collect-only",
    "-q",
    "-p",
    "no:cacheprovider",
    "tests/lab_tests/test_lab.py",
]


def test_without_root_the_lab_tests_are_refused_with_the_reason() -> None:
    """A user who is not root gets an error that says what is needed, not a green run of nothing."""
    # In a user namespace without a mapping this user is nobody, yet can still read what it could read before.
    nobody = ["unshare", "--user"] if os.geteuid() == 0 else []
    if nobody and subprocess.run([*nobody, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this kernel makes no user namespaces, so root cannot become nobody here")

    refused = subprocess.run([*nobody, *COLLECT], cwd=ROOT, capture_output=True, text=True, check=False)

    assert refused.returncode == 4
    assert "needs root" in refused.stderr


def test_leaving_the_lab_out_is_counted_and_printed() -> None:
    """HARDENING_NO_LAB=1 says how many tests did not run, and a run of nothing is not a success."""
    left_out = subprocess.run(
        COLLECT, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "HARDENING_NO_LAB": "1"}, check=False
    )

    assert left_out.returncode == 5
    assert "tests on real hosts were NOT run" in left_out.stdout
