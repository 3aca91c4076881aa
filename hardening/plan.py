"""What must change: findings in, a plan out; and a plan as a file that a person can read, approve and hand back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from hardening.identity import Identity
from hardening.judge import text
from hardening.model import Danger, Finding, Json, Status, Target
from hardening.prediction import Prediction

EFFECTS: Mapping[Danger, str] = {
    Danger.NONE: "",
    Danger.RESTART: "restarts a service",
    Danger.LOCKOUT: "changes how people log in",
    Danger.REBOOT: "counts fully only after a reboot",
    Danger.DATA: "changes stored data or rights on it",
}


@dataclass(frozen=True, kw_only=True)
class PlanItem:
    """One control to be set on one target. `seen` is what the plan was made on; `diff` what the dry run showed.

    `confidence` is `exact` where the role planned it on the host's real files and the service's own checker agreed,
    `predicted` where no dry run could be had; `blocked` holds the reason why it cannot be applied, else None.
    `beyond_undo` says, from the dry run, what no undo brings back.
    `effects` are the side effects that are foreseen, in words.
    `breaks` is what preflights expect it to break: it is not applied unless each of them is acknowledged.
    """

    target: Target
    control_id: str
    kind: str
    params: Mapping[str, Json]
    title: str
    severity: str
    danger: Danger
    seen: Mapping[str, Json]
    want: str
    set_to: Json
    confidence: str
    blocked: str | None = None
    diff: str = ""
    beyond_undo: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    breaks: tuple[Prediction, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Left:
    """A gap that the suite will not close itself, with the reason."""

    target: Target
    control_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All items for all hosts, and what they were planned on.

    `identities` are the machines that the hosts' names led to, `states` the digests of all that was seen on a host;
    `digest` is that of the whole plan as its file holds it,
    and stays when the plan is narrowed.
    """

    campaign_id: str
    made_at: str
    made_by: str
    profile: str
    profile_digest: str
    inventory: tuple[str, ...]
    items: tuple[PlanItem, ...]
    left: tuple[Left, ...]
    catalogue_digest: str = ""
    identities: Mapping[str, Identity] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""

    def hosts(self) -> tuple[str, ...]:
        """Return the hosts that something is planned for."""
        return tuple(dict.fromkeys(item.target.host for item in self.items))

    def dangers(self) -> tuple[Danger, ...]:
        """Return the danger classes that need an acknowledgement, each once."""
        return tuple(
            danger
            for danger in Danger
            if danger not in (Danger.NONE, Danger.RESTART) and any(item.danger is danger for item in self.open_items())
        )

    def acknowledgements(self) -> Mapping[Danger, str]:
        """Return for every danger class that needs an acknowledgement why: what it does, by which controls, where."""
        found = {}
        for danger in self.dangers():
            items = [item for item in self.open_items() if item.danger is danger]
            hosts = {item.target.host for item in items}
            controls = dict.fromkeys(item.control_id for item in items)
            found[danger] = (
                f"{EFFECTS[danger]}: {', '.join(controls)} on {len(hosts)} host{'s' if len(hosts) != 1 else ''}"
            )
        return found

    def predictions(self) -> tuple[Prediction, ...]:
        """Return everything that preflights expect to break, each once, worst first."""
        every = dict.fromkeys(each for item in self.items for each in item.breaks)
        return tuple(sorted(every, key=_badness))

    def open_items(self) -> tuple[PlanItem, ...]:
        """Return the items that can be applied."""
        return tuple(item for item in self.items if item.blocked is None)


def _badness(prediction: Prediction) -> tuple[int, str, str, str]:
    return (prediction.consequence.rank, prediction.code, prediction.host, prediction.says)


def foreseen(plan: Plan, predictions: Iterable[Prediction]) -> Plan:
    """Return the plan with what preflights expect to break beside the items that would bring it about."""
    by_key: dict[tuple[str, str], list[Prediction]] = {}
    for prediction in sorted(predictions, key=_badness):
        for key in prediction.controls:
            by_key.setdefault(key, []).append(prediction)
    items = (replace(item, breaks=tuple(by_key.get((item.target.name, item.control_id), ()))) for item in plan.items)
    return replace(plan, items=tuple(items))


def to_change(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that applying can mend: real gaps, not waived, of controls that have a fix."""
    return tuple(f for f in findings if f.status is Status.FAIL and not by_hand(f))


def by_hand(finding: Finding) -> bool:
    """Tell whether only a person can mend a gap: nothing writes the control, or a person attested the gap."""
    return finding.requirement.control.look_only is not None or finding.attestation is not None


def changed_since(item: PlanItem, finding: Finding | None) -> str | None:
    """Say how a target differs from what was planned on, or None where it is as it was."""
    return seen_otherwise(item.seen, finding)


def seen_otherwise(seen: Mapping[str, Json], finding: Finding | None) -> str | None:
    """Say how what is seen now differs from what was seen, or None."""
    if finding is None:
        return "it was not seen again"
    if finding.status in (Status.ERROR, Status.UNREACHABLE):
        return f"it cannot be seen now: {finding.reason}"
    if dict(finding.observation.seen) != dict(seen):
        return f"planned on {_as_seen(seen)}, now {_as_seen(finding.observation.seen)}"
    return None


def _as_seen(seen: Mapping[str, Json]) -> str:
    return "; ".join(f"{truth}: {text(value)}" for truth, value in seen.items()) or "nothing"
