"""The pytest door: `pytest checks/ --hosts=ssh://web01 --profile mlps-l3` for people who live in testinfra.

The same looks and the same judge as `hardening scan`; a look that could not be taken is a pytest error, not a failure.
This file and its test are the only ones here that import the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from checks import CannotLook, NotApplicable, Truths
from hardening.bundle import bundle_root
from hardening.catalogue import load_catalogue, select
from hardening.errors import HardeningError
from hardening.judge import judge
from hardening.kinds import kinds, targets_of
from hardening.model import Finding, Look, Observation, Requirement, Status, Target
from hardening.waivers import Waiver, expired_for, load_waivers, waiver_for

WAIVERS = pytest.StashKey[tuple[Waiver, ...]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the profile and its filters."""
    group = parser.getgroup("hardening")
    group.addoption("--profile", default=None, help="hardening profile to look with")
    group.addoption("--control", action="append", default=[], help="only this control")
    group.addoption("--component", action="append", default=[], help="only this component")
    group.addoption("--baselines", action="append", default=[], help="a further directory of controls and profiles")
    group.addoption("--waivers", default=None, help="waiver file; a gap that one covers is skipped and says so")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of every control of the profile."""
    if "requirement" not in metafunc.fixturenames:
        return
    option = metafunc.config.getoption
    if option("--profile") is None:
        raise pytest.UsageError("say which profile: pytest checks/ --hosts=ssh://web01 --profile mlps-l3")
    roots = [bundle_root() / "baselines", *(Path(extra) for extra in option("--baselines"))]
    try:
        catalogue = load_catalogue(roots, kinds())
        profile = catalogue.profile(option("--profile"))
        metafunc.config.stash[WAIVERS] = _waivers(option("--waivers"), catalogue.controls)
        chosen = select(profile, controls=option("--control"), components=option("--component"))
    except HardeningError as problem:
        raise pytest.UsageError(str(problem)) from None
    metafunc.parametrize("requirement", chosen.requirements, ids=lambda requirement: requirement.control.id)


def _waivers(path: str | None, controls: Iterable[str]) -> tuple[Waiver, ...]:
    if path is None:
        return ()
    return load_waivers(Path(path), controls=controls, today=datetime.now(UTC).date())


@pytest.fixture
def findings(host: Any, requirement: Requirement, request: pytest.FixtureRequest) -> list[Finding]:
    """Look at one control on every instance of its component, and judge. Raises CannotLook where it was not seen."""
    control = requirement.control
    if control.manual is not None:
        pytest.skip(f"needs a person: {control.manual}")
    instances = targets_of(control.component)(host)
    if not instances:
        pytest.skip(f"{control.component} is not in use on this host")
    waivers = request.config.stash[WAIVERS]
    judged = [_judged(host, requirement, instance, waivers) for instance in instances]
    unjudged = [finding.reason for finding in judged if finding.verdict is Status.ERROR]
    if unjudged:
        raise CannotLook(unjudged[0])
    return judged


def _judged(host: Any, requirement: Requirement, instance: str, waivers: Sequence[Waiver]) -> Finding:
    seen = _look(host, requirement, instance)
    about = (requirement.control.id, seen.target, _groups(host), seen.taken_at.date())
    return judge(requirement, seen, waiver_for(waivers, *about), expired=expired_for(waivers, *about))


def _groups(host: Any) -> list[str]:
    """Return the Ansible groups of the host, which only testinfra's Ansible backend knows."""
    return list(host.backend.get_variables().get("group_names", ())) if host.backend.NAME == "ansible" else []


def _look(host: Any, requirement: Requirement, instance: str) -> Observation:
    control = requirement.control
    kind = kinds()[control.kind]
    target = Target(host=str(host.backend.get_hostname()), component=control.component, instance=instance)
    extra = {"instance": instance} if kind.takes_instance else {}
    taken_at = datetime.now(UTC)
    try:
        value = kind.look(host, **control.params, **extra)
    except NotApplicable as reason:
        return Observation(
            control_id=control.id, target=target, look=Look.NOT_APPLICABLE, taken_at=taken_at, reason=str(reason)
        )
    except AssertionError as problem:
        raise CannotLook(f"testinfra could not see it: {problem}") from problem
    seen = {"running": value.running, "on_disk": value.on_disk} if isinstance(value, Truths) else {"value": value}
    return Observation(control_id=control.id, target=target, look=Look.SEEN, taken_at=taken_at, seen=seen)
