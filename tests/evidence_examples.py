"""Recorded example evidence for report tests: realistic, hostile, clean, empty, large. Judged and counted for real."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from hardening.judge import judge
from hardening.model import (
    Attachment,
    Attestation,
    Campaign,
    Change,
    ChangeState,
    Evidence,
    Finding,
    ForeignFinding,
    HostSeen,
    Import,
    Json,
    Look,
    Observation,
    Probe,
    Profile,
    Requirement,
    Status,
    Target,
    Touch,
    Verb,
)
from hardening.tally import tally
from tests.evidence_controls import CLAUSES, requirements
from tests.evidence_recorded import (
    AFTER,
    APP,
    ATTESTED,
    BEFORE,
    DB,
    HOSTS,
    IMPORTS,
    PROBES,
    STARTED,
    TARGETS,
    WAIVER,
    WEB,
    Seen,
    recorded_changes,
)


def apply_evidence() -> Evidence:
    """Return an apply campaign on three hosts: all statuses, before and after, a waiver, a lost host."""
    before, after = _looked(BEFORE, minutes=0), _looked({**BEFORE, **AFTER}, minutes=6)
    return Evidence(
        campaign=_campaign(Verb.APPLY, exit_code=3),
        profile=_profile(),
        hosts=HOSTS,
        findings=after,
        tally=tally(after, asked=len(after), hosts=HOSTS),
        before=before,
        tally_before=tally(before, asked=len(before), hosts=HOSTS),
        changes=recorded_changes(),
        history=("20260814T090000Z-scan-11aa", "20260821T095900Z-plan-7f3a"),
    )


def attested_evidence() -> Evidence:
    """Return a scan that others said something of too: people attested two objects, two tools were imported."""
    scan = scan_evidence()
    findings = tuple(_attested(finding) for finding in scan.findings)
    return dataclasses.replace(
        scan, findings=findings, tally=tally(findings, asked=len(findings), hosts=HOSTS), imports=IMPORTS
    )


def _attested(finding: Finding) -> Finding:
    held = ATTESTED.get(finding.key)
    return finding if held is None else judge(finding.requirement, finding.observation, attestation=held)


def scan_evidence() -> Evidence:
    """Return the scan that came before: no changes, nothing to compare with."""
    findings = _looked(BEFORE, minutes=0)
    return Evidence(
        campaign=_campaign(Verb.SCAN, exit_code=3),
        profile=_profile(),
        hosts=HOSTS,
        findings=findings,
        tally=tally(findings, asked=len(findings), hosts=HOSTS),
    )


def clean_evidence() -> Evidence:
    """Return a scan of one host where everything was seen and everything is as wanted."""
    good = {key: seen for key, seen in BEFORE.items() if key[1] == "db01/sshd" and key[0] != "sshd_idle_timeout"}
    findings = tuple(f for f in _looked(good, minutes=0) if f.key[::-1] in good)
    return dataclasses.replace(
        scan_evidence(),
        campaign=dataclasses.replace(_campaign(Verb.SCAN, exit_code=0), hosts=(DB,)),
        hosts=(HOSTS[1],),
        findings=findings,
        tally=tally(findings, asked=len(findings), hosts=(HOSTS[1],)),
    )


def empty_evidence() -> Evidence:
    """Return a scan that asked nothing."""
    return dataclasses.replace(
        clean_evidence(),
        campaign=dataclasses.replace(_campaign(Verb.SCAN, exit_code=3), hosts=()),
        hosts=(),
        findings=(),
        tally=tally((), asked=0, hosts=()),
    )


def hostile_evidence(nasty: str) -> Evidence:
    """Return a small campaign in which every text a host (or a stranger's file) can choose is `nasty`."""
    found = [f for f in _looked({**BEFORE, **AFTER}, minutes=6) if f.observation.target.host == WEB]
    hosts = (
        dataclasses.replace(
            HOSTS[0], address=nasty, os_id=nasty, os_version=nasty, identity=nasty, facts={nasty: nasty}
        ),
    )
    findings = tuple(_nasty(finding, nasty) for finding in found)
    touch = Touch(kind=nasty, name=nasty, before={nasty: nasty}, after=nasty)
    change = Change(
        control_id="sshd_permit_root_login",
        target=Target(host=WEB, component="sshd", instance=nasty),
        state=ChangeState.FAILED,
        reason=nasty,
        touches=(touch,),
        after_actions=(nasty,),
        diff=f"+{nasty}\n-{nasty}",
    )
    campaign = dataclasses.replace(_campaign(Verb.APPLY, exit_code=1), actor=nasty, inventory=(nasty,), hosts=(WEB,))
    return Evidence(
        campaign=campaign,
        profile=_profile(),
        hosts=hosts,
        findings=findings,
        tally=tally(findings, asked=len(findings), hosts=hosts),
        before=findings,
        tally_before=tally(findings, asked=len(findings), hosts=hosts),
        changes=(change, dataclasses.replace(change, reason=None, state=ChangeState.CHANGED)),
        history=(nasty,),
        imports=(
            Import(
                file=nasty,
                sha256="0" * 64,
                format="csv",
                tool=nasty,
                imported_by=nasty,
                findings=(
                    ForeignFinding(
                        id=nasty,
                        host=nasty,
                        title=nasty,
                        severity=nasty,
                        result=nasty,
                        status=Status.FAIL,
                        clauses=("8.1.4.4 b",),
                        said=nasty,
                    ),
                ),
            ),
        ),
    )


def large_evidence(*, hosts: int, controls: int) -> Evidence:
    """Return a scan of many hosts and controls, a third of the hosts without bad news."""
    pattern = requirements()
    asked = tuple(
        dataclasses.replace(
            base,
            control=dataclasses.replace(
                base.control, id=f"{base.control.id}_{number:03}", manual=None, want={"absent": True}
            ),
        )
        for number in range(controls)
        for base in (pattern[number % len(pattern)],)
    )
    names = [f"node{number:03}.example.net" for number in range(hosts)]
    findings = [
        _finding(requirement, Target(host=name, component=requirement.control.component), _many(index, number), 0)
        for index, name in enumerate(names)
        for number, requirement in enumerate(asked)
    ]
    seen = tuple(
        HostSeen(name=name, address=f"192.0.2.{index % 250}", os_id="debian", os_version="12")
        for index, name in enumerate(names)
    )
    return dataclasses.replace(
        scan_evidence(),
        campaign=dataclasses.replace(_campaign(Verb.SCAN, exit_code=1), hosts=tuple(names)),
        profile=dataclasses.replace(_profile(), requirements=asked),
        hosts=seen,
        findings=tuple(findings),
        tally=tally(findings, asked=len(findings), hosts=seen),
    )


def _many(host: int, control: int) -> Seen | tuple[Look, str]:
    number = host * 7 + control
    if host % 3 == 0:
        return {"value": None}
    if number % 27 == 0:
        return Look.CANNOT_LOOK, f"`sshd -T` answered 255: line {number % 5}"
    return {"value": f"unwanted {number % 3}"} if number % 6 == 0 else {"value": None}


def _nasty(finding: Finding, nasty: str) -> Finding:
    observation = finding.observation
    target = dataclasses.replace(observation.target, instance=nasty)
    probe = Probe(
        command=nasty,
        exit_code=0,
        stdout_sha256="0" * 64,
        stdout_bytes=len(nasty),
        stdout_excerpt=nasty,
        stderr_excerpt=nasty,
    )
    seen: dict[str, Json] = dict.fromkeys(observation.seen, nasty)
    look = dataclasses.replace(
        observation, target=target, seen=seen, probes=(probe,), reason=nasty if observation.reason else None
    )
    attestation = None
    if finding.verdict is Status.MANUAL:
        attestation = Attestation(
            control_id=observation.control_id,
            hosts=(nasty,),
            verdict=Status.PASS,
            by=nasty,
            seen=nasty,
            seen_on=date(2026, 8, 1),
            expires_on=date(2027, 7, 1),
            recorded_by=nasty,
            attachments=(Attachment(name=nasty, sha256="0" * 64, size_bytes=1),),
        )
    return dataclasses.replace(finding, observation=look, reason=nasty, attestation=attestation)


def _looked(seen: Mapping[tuple[str, str], Seen | tuple[Look, str]], *, minutes: int) -> tuple[Finding, ...]:
    """Return one finding for every control of every target, and for the host that never answered one per control."""
    findings = []
    for requirement in requirements():
        control = requirement.control
        for target in (target for target in TARGETS if target.component == control.component):
            if control.manual is not None:
                findings.append(_finding(requirement, target, (Look.MANUAL, control.manual), minutes))
            elif (control.id, target.name) in seen:
                findings.append(_finding(requirement, target, seen[control.id, target.name], minutes))
        lost = Target(host=APP, component=control.component)
        findings.append(_finding(requirement, lost, (Look.UNREACHABLE, str(HOSTS[2].unreachable)), minutes))
    return tuple(findings)


def _finding(requirement: Requirement, target: Target, seen: Seen | tuple[Look, str], minutes: int) -> Finding:
    control = requirement.control
    look, reason = seen if isinstance(seen, tuple) else (Look.SEEN, None)
    observation = Observation(
        control_id=control.id,
        target=target,
        look=look,
        taken_at=STARTED + timedelta(minutes=minutes, seconds=3),
        seen={} if isinstance(seen, tuple) else seen,
        reason=reason,
        probes=tuple(_probes(requirement, target, look)),
        duration_s=0.0 if look in (Look.UNREACHABLE, Look.MANUAL) else 0.0412,
    )
    waived = control.id == "linux_tmp_noexec" and target.host == WEB
    return judge(requirement, observation, WAIVER if waived else None)


def _probes(requirement: Requirement, target: Target, look: Look) -> Iterable[Probe]:
    if look in (Look.UNREACHABLE, Look.MANUAL):
        return
    subject = requirement.control.params.get("key", requirement.control.params.get("path", requirement.control.id))
    command = PROBES[requirement.control.component].format(subject=subject)
    yield Probe(
        command=command,
        exit_code=4 if look is Look.CANNOT_LOOK else 0,
        stdout_sha256=hashlib.sha256(f"{target.name} {command}".encode()).hexdigest(),
        stdout_bytes=0 if look is Look.CANNOT_LOOK else 1834,
        stdout_excerpt="" if look is Look.CANNOT_LOOK else "permitrootlogin yes\nmaxauthtries 6\n",
        stderr_excerpt="sudo: a password is required\n" if look is Look.CANNOT_LOOK else "",
    )


def _profile() -> Profile:
    return Profile(
        name="mlps-l3",
        title="MLPS 2.0 level 3",
        title_zh="等级保护 2.0 三级",
        standard="mlps",
        requirements=requirements(),
        clauses={clause.id: clause for clause in CLAUSES},
        digest="5f" * 32,
    )


def _campaign(verb: Verb, *, exit_code: int) -> Campaign:
    return Campaign(
        id=f"20260821T101502Z-{verb}-7f3a",
        verb=verb,
        started_at=STARTED,
        profile="mlps-l3",
        profile_digest="5f" * 32,
        catalogue_digest="ab" * 32,
        tool_version="0.1.0",
        actor="ops@bastion",
        inventory=("inventories/example",),
        hosts=(WEB, DB, APP),
        options={"fail_on": "low"} if verb is Verb.SCAN else {"accept": ["lockout"]},
        parent=None if verb is Verb.SCAN else "20260821T095900Z-plan-7f3a",
        finished_at=STARTED + timedelta(minutes=7, seconds=41),
        exit_code=exit_code,
    )
