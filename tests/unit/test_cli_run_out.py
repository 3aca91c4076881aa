"""A controller that runs out of something says so: neither a verdict nor a bug."""

from __future__ import annotations

import resource

import pytest

from tests.command_line import CommandLine


@pytest.mark.parametrize("limit", [8, 12])
def test_too_few_file_descriptors_are_incomplete(hardening: CommandLine, limit: int) -> None:
    """With 8 not even the ledger opens, with 12 no session does: one sentence, 3, and no traceback."""
    few = hardening.start(
        *("scan", "-i", "hosts", "-p", "own"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
    )
    out, err = few.communicate(timeout=120)

    assert few.returncode == 3, err
    assert "Too many open files" in " ".join((out + err).split())  # A table may wrap it.
    assert "Traceback" not in err
