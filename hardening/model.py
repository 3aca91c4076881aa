"""The nouns: plain values that every other module speaks in. No I/O, no rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from hardening.statuses import ChangeState as ChangeState
from hardening.statuses import Danger as Danger
from hardening.statuses import Look as Look
from hardening.statuses import Severity as Severity
from hardening.statuses import Status as Status
from hardening.statuses import Verb as Verb

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a value was written down."""

    file: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Control:
    """One security requirement on one setting, as `baselines/<component>/*.yml` states it.

    `params` is the file's `with`; `want` is a scalar or a mapping of matchers (see `hardening.judge`);
    `set_to` is what applying writes. `manual` and `look_only` hold the reason, else None.
    `broken` (a value) or `break_with` (shell, run as root on a lab host) makes the control fail in the proof;
    controls with the same word in `prove_apart` are broken with each other and apart from the rest.
    """

    id: str
    component: str
    kind: str
    title: str
    title_zh: str
    why: str
    severity: Severity
    params: Mapping[str, Json]
    want: Json
    set_to: Json
    danger: Danger
    source: Source
    why_zh: str | None = None
    broken: Json = None
    break_with: str | None = None
    manual: str | None = None
    look_only: str | None = None
    needs_kernel: bool = False
    prove_apart: str = ""


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A control as one profile asks for it: value overridden where the profile says so, with the clauses it answers."""

    control: Control
    clauses: tuple[str, ...] = ()
    because: str | None = None


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One clause of a standard, in our own words."""

    id: str
    text: str
    text_zh: str


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A selection of controls. `digest` is the SHA-256 of everything that decides a verdict under this profile.

    With `requires_approval` no plan of this profile is applied that nobody approved.
    """

    name: str
    title: str
    title_zh: str
    standard: str | None
    requirements: tuple[Requirement, ...]
    clauses: Mapping[str, Clause]
    digest: str
    requires_approval: bool = False


@dataclass(frozen=True, kw_only=True, order=True, slots=True)
class Target:
    """One component instance on one host. `instance` is empty where a host has only one."""

    host: str
    component: str
    instance: str = ""

    @property
    def name(self) -> str:
        """`db01/postgresql:15-main`, or `web01/sshd`."""
        return f"{self.host}/{self.component}" + (f":{self.instance}" if self.instance else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """One command that was asked of a host for an observation; excerpts are bounded and redacted."""

    command: str
    exit_code: int | None
    stdout_sha256: str
    stdout_bytes: int
    stdout_excerpt: str = ""
    stderr_excerpt: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What was seen for one control on one target, or the reason why it could not be seen.

    `seen` maps a truth to its value: `{"value": ...}`, or `{"running": ..., "on_disk": ...}` where a setting has two.
    It is empty unless `look` is SEEN; then `reason` is None.
    """

    control_id: str
    target: Target
    look: Look
    taken_at: datetime
    seen: Mapping[str, Json] = field(default_factory=dict)
    reason: str | None = None
    probes: tuple[Probe, ...] = ()
    duration_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class WaiverUse:
    """The waiver that covers a finding. `approver` is empty where nobody had to approve it."""

    owner: str
    reason: str
    compensating: str
    ticket: str
    expires_on: date
    approver: str = ""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that a person handed in: its name as it was, and its digest, under which the ledger holds the bytes."""

    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Attestation:
    """What a person saw of a control that only a person can look at, and until when that counts.

    `hosts` are names of hosts, targets or groups, `*` allowed; `verdict` is PASS or FAIL.
    """

    control_id: str
    hosts: tuple[str, ...]
    verdict: Status
    by: str
    seen: str
    seen_on: date
    expires_on: date
    recorded_by: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """An observation judged. `verdict` is the real verdict; `status` is WAIVED where a waiver covers a FAIL.

    `expired` is the waiver that covered it until it ended, so that a FAIL says why it is one again.
    Where a person attested, `verdict` is the person's, and the observation's look stays MANUAL.
    An attestation that has ended stays beside a verdict of MANUAL.
    """

    observation: Observation
    requirement: Requirement
    verdict: Status
    status: Status
    reason: str
    waiver: WaiverUse | None = None
    expired: WaiverUse | None = None
    attestation: Attestation | None = None

    @property
    def key(self) -> tuple[str, str]:
        """(target name, control id): unique in a campaign."""
        return (self.observation.target.name, self.observation.control_id)


@dataclass(frozen=True, kw_only=True)
class ForeignFinding:
    """What another tool said of a host, in its words; `status` is ours for its result, `clauses` our mapping's."""

    id: str
    host: str
    title: str
    severity: str
    result: str
    status: Status
    clauses: tuple[str, ...] = ()
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class Import:
    """One result file of another tool, as it was read; the file itself is not kept, its digest is."""

    file: str
    sha256: str
    format: str
    tool: str
    imported_by: str
    findings: tuple[ForeignFinding, ...]


@dataclass(frozen=True, kw_only=True)
class Touch:
    """One resource that a change touched, with its state before and after (digests, modes, values; never a secret).

    `kind` is the resource type of `roles/core/module_utils/hardening_core` (file, sysctl, unit, package, ...).
    """

    kind: str
    name: str
    before: Json
    after: Json


@dataclass(frozen=True, kw_only=True)
class Change:
    """What applying did for one control on one target. `diff` is for people: bounded and redacted.

    `since` is what somebody changed after us and a forced undo went over; `beyond_undo` what no undo brings back.
    """

    control_id: str
    target: Target
    state: ChangeState
    reason: str | None = None
    touches: tuple[Touch, ...] = ()
    after_actions: tuple[str, ...] = ()
    diff: str = ""
    taken_at: datetime | None = None
    kind: str = ""
    from_campaign: str = ""
    since: str = ""
    beyond_undo: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostSeen:
    """What the preflight learned of a host. `unreachable` is a sentence, or None when the host answered."""

    name: str
    address: str
    unreachable: str | None = None
    identity: str = ""
    os_id: str = ""
    os_version: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)
    traffic: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """One run of a verb over a set of targets. `finished_at` is None while it runs or when it was killed."""

    id: str
    verb: Verb
    started_at: datetime
    profile: str
    profile_digest: str
    catalogue_digest: str
    tool_version: str
    actor: str
    inventory: tuple[str, ...]
    hosts: tuple[str, ...]
    options: Mapping[str, Json] = field(default_factory=dict)
    parent: str | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None


@dataclass(frozen=True, kw_only=True)
class Approval:
    """Who agreed to a plan. `name` and `ticket` are as they were said; `by` is the account that recorded it."""

    name: str
    ticket: str
    by: str
    at: datetime
    plan_digest: str


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Asked against seen. `complete` is False when anything asked was not seen, or nothing was asked."""

    hosts_asked: int
    hosts_seen: int
    pairs_asked: int
    pairs_seen: int
    not_seen: Mapping[str, int]

    @property
    def complete(self) -> bool:
        """True when every asked pair of every asked host was seen and something was asked."""
        return 0 < self.pairs_asked == self.pairs_seen and 0 < self.hosts_asked == self.hosts_seen


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts of findings; the only numbers any report prints."""

    total: int
    by_status: Mapping[Status, int]
    by_severity_failed: Mapping[Severity, int]
    by_target: Mapping[str, Mapping[Status, int]]
    by_control: Mapping[str, Mapping[Status, int]]
    coverage: Coverage


@dataclass(frozen=True, kw_only=True)
class TrendPoint:
    """What one campaign counted, for a line of history. `complete` is False where it did not see or do it all."""

    campaign_id: str
    verb: Verb
    started_at: datetime
    hosts: int
    by_status: Mapping[Status, int]
    by_control: Mapping[str, Mapping[Status, int]]
    complete: bool


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything a report may say about a campaign. Writers know only this value.

    `findings` is the newest look; `before` the look that preceded a change (empty for a scan), or the look of another
    campaign, which `against` then names. `trend` are campaigns with the same profile, oldest first, this one last.
    `undone` names for (target name, control id) the campaign that took the change back later.
    `imports` is what other tools said; it stands beside ours and is counted nowhere.
    """

    campaign: Campaign
    profile: Profile
    hosts: tuple[HostSeen, ...]
    findings: tuple[Finding, ...]
    tally: Tally
    before: tuple[Finding, ...] = ()
    tally_before: Tally | None = None
    changes: tuple[Change, ...] = ()
    history: tuple[str, ...] = ()
    approval: Approval | None = None
    imports: tuple[Import, ...] = ()
    trend: tuple[TrendPoint, ...] = ()
    undone: Mapping[tuple[str, str], str] = field(default_factory=dict)
    against: Campaign | None = None
    since: str | None = None
