"""One test for every control of the profile; see conftest.py."""

from __future__ import annotations

import pytest

from hardening.model import Finding, Requirement, Status


def test_control(requirement: Requirement, findings: list[Finding]) -> None:
    """The control holds on every instance of its component."""
    failed = [
        f"{finding.observation.target.name}: {finding.reason}" for finding in findings if finding.status is Status.FAIL
    ]

    assert not failed, f"{requirement.control.title}: {'; '.join(failed)}"
    waived = [finding.waiver for finding in findings if finding.waiver is not None]
    if waived:
        pytest.skip(f"waived until {waived[0].expires_on}: {waived[0].ticket}: {waived[0].reason}")
    if all(finding.verdict is Status.NOT_APPLICABLE for finding in findings):
        pytest.skip(findings[0].reason)
