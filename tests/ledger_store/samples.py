"""Model values to store: ordinary ones, and those that databases and encodings stumble over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hardening.model import (
    Campaign,
    Change,
    ChangeState,
    Clause,
    Control,
    Danger,
    Finding,
    HostSeen,
    Json,
    Look,
    Observation,
    Probe,
    Profile,
    Requirement,
    Severity,
    Source,
    Status,
    Target,
    Touch,
    Verb,
    WaiverUse,
)

START = datetime(2026, 8, 21, 10, 15, 2, 123456, tzinfo=UTC)

# NUL, a lone surrogate (an undecodable byte), two surrogates that would melt into one character in UTF-16 escapes,
# a backslash before what looks like our escape, quotes, and characters outside the basic plane.
HARD_TEXTS = (
    "",
    "\0",
    "a\0b",
    "\udcff",
    "\ud83d\ude00",
    "\\0 \\udcff \\\\",
    'it\'s "quoted"',
    "禁止 root",
    "😀",
    "\u2028\x1b[31m",
    "$blob",
)
# Keys that look like the ledger's own mark of a text that is stored apart.
DOLLAR_KEYS: tuple[dict[str, Json], ...] = (
    {"$blob": "x"},
    {"$$blob": ["$", "\0"]},
    {"$blob": "x", "y": {"\0": "\udc80"}},
    {"big": "é" * 4096, "$small": "$"},
)
HARD_JSON: tuple[Json, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**70,
    1.5,
    -0.0,
    [],
    {},
    *HARD_TEXTS,
    *DOLLAR_KEYS,
    [1, [2.0, [True, {"deep": [None]}]]],
    "x" * 4096,
)


def clock() -> datetime:
    """Return a fixed moment; the ledger's own moments are not what these tests are about."""
    return START


def control(control_id: str = "sshd_permit_root_login", **given: object) -> Control:
    """Return a control."""
    fields: dict[str, object] = {
        "id": control_id,
        "component": control_id.partition("_")[0],
        "kind": "sshd.option",
        "title": "Root cannot log in over SSH",
        "title_zh": "禁止 root 直接通过 SSH 登录",
        "why": "A shared login leaves no trace of who acted.",
        "severity": Severity.HIGH,
        "params": {"option": "PermitRootLogin"},
        "want": "no",
        "set_to": "no",
        "danger": Danger.LOCKOUT,
        "source": Source(file="baselines/sshd/login.yml", line=3),
    }
    return Control(**{**fields, **given})  # type: ignore[arg-type]  # test data by name


def profile(*controls: Control, digest: str = "d" * 64) -> Profile:
    """Return a profile of controls."""
    requirements = tuple(Requirement(control=each, clauses=("8.1.4.2 b",)) for each in controls or (control(),))
    return Profile(
        name="mlps-l3",
        title="Level 3",
        title_zh="三级",
        standard="mlps",
        requirements=requirements,
        clauses={"8.1.4.2 b": Clause(id="8.1.4.2 b", text="No default accounts", text_zh="重命名或删除默认账户")},
        digest=digest,
    )


def campaign(campaign_id: str = "20260821T101502Z-scan-7f3a", **given: object) -> Campaign:
    """Return a campaign that has begun."""
    fields: dict[str, object] = {
        "id": campaign_id,
        "verb": Verb.SCAN,
        "started_at": START,
        "profile": "mlps-l3",
        "profile_digest": "d" * 64,
        "catalogue_digest": "c" * 64,
        "tool_version": "0.1.0",
        "actor": "jia@bastion",
        "inventory": ("inventories/example",),
        "hosts": ("web01", "db01"),
        "options": {"limit": None, "fail_on": "high"},
    }
    return Campaign(**{**fields, **given})  # type: ignore[arg-type]  # test data by name


def probe(text: str = "permitrootlogin yes\n", **given: object) -> Probe:
    """Return a probe."""
    fields: dict[str, object] = {
        "command": "sshd -T",
        "exit_code": 0,
        "stdout_sha256": "e" * 64,
        "stdout_bytes": len(text),
        "stdout_excerpt": text,
    }
    return Probe(**{**fields, **given})  # type: ignore[arg-type]  # test data by name


def finding(
    requirement: Requirement,
    *,
    host: str = "web01",
    instance: str = "",
    status: Status = Status.FAIL,
    seen: Json = "yes",
    probes: tuple[Probe, ...] = (),
    waiver: WaiverUse | None = None,
    look: Look = Look.SEEN,
) -> Finding:
    """Return a finding of a requirement."""
    component = requirement.control.component
    return Finding(
        observation=Observation(
            control_id=requirement.control.id,
            target=Target(host=host, component=component, instance=instance),
            look=look,
            taken_at=START + timedelta(seconds=3),
            seen={"running": seen, "on_disk": "no"} if look is Look.SEEN else {},
            reason=None if look is Look.SEEN else "`sshd -T` answered 255",
            probes=probes,
            duration_s=0.25,
        ),
        requirement=requirement,
        verdict=Status.FAIL if waiver else status,
        status=Status.WAIVED if waiver else status,
        reason="yes is not no",
        waiver=waiver,
    )


def waiver() -> WaiverUse:
    """Return the use of a waiver."""
    return WaiverUse(
        owner="jia", reason="vendor box", compensating="VPN", ticket="SEC-7", expires_on=date(2026, 12, 31)
    )


def change(host: str = "web01", control_id: str = "sshd_permit_root_login", **given: object) -> Change:
    """Return a change."""
    fields: dict[str, object] = {
        "control_id": control_id,
        "target": Target(host=host, component="sshd"),
        "state": ChangeState.CHANGED,
        "touches": (
            Touch(kind="file", name="/etc/ssh/sshd_config.d/90.conf", before=None, after={"mode": "0600", "uid": 0}),
        ),
        "after_actions": ("reload:ssh.service",),
        "diff": "-yes\n+no\n",
        "taken_at": START,
        "kind": "sshd.option",
    }
    return Change(**{**fields, **given})  # type: ignore[arg-type]  # test data by name


def host(name: str = "web01", **given: object) -> HostSeen:
    """Return a host that answered."""
    fields: dict[str, object] = {
        "name": name,
        "address": "10.0.0.7",
        "identity": "9f" * 16,
        "os_id": "debian",
        "os_version": "12",
        "facts": {"kernel": "6.1", "cpus": 2},
        "traffic": {"execs": 3, "seconds": 0.5},
    }
    return HostSeen(**{**fields, **given})  # type: ignore[arg-type]  # test data by name
