"""One proof of many controls at once on one real host. Nothing here knows what a control does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hardening.change import Wanted, apply_changes, restore_changes
from hardening.context import Context
from hardening.looking import look_and_record
from hardening.model import Campaign, Change, ChangeState, Control, Danger, Finding, Profile, Requirement, Status, Verb

Tree = Mapping[str, object]
Key = tuple[str, str]


@dataclass(kw_only=True)
class Proof:
    """What became of every control on one system: no complaint means proven."""

    system: str
    asked: tuple[str, ...]
    complaints: dict[str, list[str]] = field(default_factory=dict)
    not_applicable: dict[str, str] = field(default_factory=dict)
    only_seen: set[str] = field(default_factory=set)
    general: list[str] = field(default_factory=list)

    def complain(self, control_id: str, sentence: str) -> None:
        """Note why a control is not proven."""
        self.complaints.setdefault(control_id, []).append(sentence)

    @property
    def proven(self) -> tuple[str, ...]:
        """The controls that went through every step; none where something is wrong that no control answers for."""
        if self.general:
            return ()
        left_out = self.complaints.keys() | self.not_applicable.keys() | self.only_seen
        return tuple(control_id for control_id in self.asked if control_id not in left_out)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The host under proof and what to prove there: the engine's context, root shell, and a picture of its files.

    `reboot` is for what only a reboot brings back; None where nothing asked is of that sort.
    """

    system: str
    context: Context
    shell: Callable[[str], str]
    tree: Callable[[], Tree]
    controls: tuple[Control, ...]
    reboot: Callable[[], None] | None = None


def prove(bench: Bench) -> Proof:
    """Prove controls in bulk, those with a word in `prove_apart` in a bulk of their own."""
    proof = Proof(system=bench.system, asked=tuple(control.id for control in bench.controls))
    for word in sorted({control.prove_apart for control in bench.controls}):
        _prove_group(bench, [control for control in bench.controls if control.prove_apart == word], proof)
    return proof


def _prove_group(bench: Bench, controls: Sequence[Control], proof: Proof) -> None:
    profile = _profile(controls)
    campaign = bench.context.new_campaign(Verb.APPLY, profile)
    bench.context.ledger.begin(campaign, profile)
    for control in controls:
        if control.break_with is not None:
            try:
                bench.shell(control.break_with)
            except Exception as problem:
                proof.complain(control.id, f"its `break` failed: {problem}")
    first, tree_first = _look(bench, profile), bench.tree()
    breaking = [
        _wanted(finding, control.broken)
        for finding, control in _pairs(first, controls)
        if control.break_with is None and control.look_only is None
    ]
    broke = _apply(bench, campaign, breaking, proof, "breaking it")
    broken, tree_broken = _look(bench, profile), bench.tree()
    fixable = _expect_broken(first, broken, proof)
    applied = _apply(bench, campaign, [_wanted(f, c.set_to) for f, c in fixable], proof, "applying it")
    after = _look(bench, profile)
    _expect(after, [f.key for f, _ in fixable], Status.PASS, proof, "after applying")
    again = _apply(bench, campaign, [_wanted(f, c.set_to) for f, c in fixable], proof, "applying it again")
    for change in again:
        if change.state is ChangeState.CHANGED:
            proof.complain(
                change.control_id, f"the second apply changed something: {change.diff[:300] or change.touches}"
            )
    _undo_and_compare(bench, campaign, profile, applied, broken, tree_broken, proof)
    _restore(bench, campaign, broke, proof, "undoing the break")
    last, tree_last = _look(bench, profile), bench.tree()
    _same(first, last, proof, "after undoing the break", {change.control_id for change in broke})
    _same_tree(tree_first, tree_last, [*broke, *applied], proof, "after undoing the break")
    bench.context.ledger.finish(campaign.id, exit_code=0, finished_at=bench.context.clock())


def _undo_and_compare(
    bench: Bench,
    campaign: Campaign,
    profile: Profile,
    applied: Sequence[Change],
    broken: Mapping[Key, Finding],
    tree_broken: Tree,
    proof: Proof,
) -> None:
    """Undo every second control singly, see that exactly those are as before, then the rest."""
    changed = [change for change in applied if change.state is ChangeState.CHANGED]
    odd, even = changed[1::2], changed[0::2]
    half_undone = _half(bench, campaign, profile, odd, proof)
    _same(broken, half_undone, proof, "after undoing it singly", {change.control_id for change in odd})
    _expect(half_undone, [_key(change) for change in even], Status.PASS, proof, "while others were undone")
    _restore(bench, campaign, even, proof, "undoing it")
    undone = _look(bench, profile)
    _same(broken, undone, proof, "after undoing", {change.control_id for change in even})
    _same_tree(tree_broken, bench.tree(), changed, proof, "after undoing")


def _half(
    bench: Bench, campaign: Campaign, profile: Profile, odd: Sequence[Change], proof: Proof
) -> Mapping[Key, Finding]:
    _restore(bench, campaign, odd, proof, "undoing it singly")
    return _look(bench, profile)


def _profile(controls: Sequence[Control]) -> Profile:
    return Profile(
        name="proof",
        title="Proof",
        title_zh="验证",
        standard=None,
        requirements=tuple(Requirement(control=control) for control in controls),
        clauses={},
        digest="proof",
    )


def _look(bench: Bench, profile: Profile) -> Mapping[Key, Finding]:
    look = bench.context.new_campaign(Verb.SCAN, profile)
    bench.context.ledger.begin(look, profile)
    looked = look_and_record(bench.context, look, profile, phase="after")
    return {finding.key: finding for finding in looked.findings}


def _pairs(findings: Mapping[Key, Finding], controls: Sequence[Control]) -> Iterable[tuple[Finding, Control]]:
    by_id = {control.id: control for control in controls}
    for finding in findings.values():
        if finding.status is not Status.NOT_APPLICABLE:
            yield finding, by_id[finding.observation.control_id]


def _wanted(finding: Finding, value: object) -> Wanted:
    control = finding.requirement.control
    return Wanted(
        target=finding.observation.target,
        control_id=control.id,
        kind=control.kind,
        params=control.params,
        value=value,  # type: ignore[arg-type]  # a control's JSON value
    )


def _expect_broken(
    first: Mapping[Key, Finding], broken: Mapping[Key, Finding], proof: Proof
) -> list[tuple[Finding, Control]]:
    """Note what did not fail although it was broken; return what applying must mend."""
    fixable = []
    for key, finding in first.items():
        now = broken.get(key)
        if finding.status is not Status.NOT_APPLICABLE and (now is None or now.status is Status.NOT_APPLICABLE):
            proof.complain(key[1], "it applied before it was broken, and is not seen or does not apply since")
    for finding in broken.values():
        control = finding.requirement.control
        if finding.status is Status.NOT_APPLICABLE:
            proof.not_applicable[control.id] = finding.reason
        elif finding.status is not Status.FAIL and (control.look_only is None or control.break_with is not None):
            proof.complain(control.id, f"broken, yet {finding.status}: {finding.reason}")
        elif control.look_only is None:
            fixable.append((finding, control))
        elif control.break_with is None:
            proof.only_seen.add(control.id)
            if finding.status in (Status.ERROR, Status.UNREACHABLE):
                proof.complain(control.id, f"cannot be seen: {finding.reason}")
    return fixable


def _expect(findings: Mapping[Key, Finding], keys: Iterable[Key], status: Status, proof: Proof, when: str) -> None:
    for key in keys:
        finding = findings.get(key)
        if finding is None or finding.status is not status:
            said = "not seen" if finding is None else f"{finding.status}: {finding.reason}"
            proof.complain(key[1], f"{when}: {said}")


def _same(
    then: Mapping[Key, Finding], now: Mapping[Key, Finding], proof: Proof, when: str, control_ids: set[str]
) -> None:
    for key, finding in then.items():
        if key[1] not in control_ids:
            continue
        other = now.get(key)
        if other is None or dict(other.observation.seen) != dict(finding.observation.seen):
            said = "not seen" if other is None else other.reason
            proof.complain(key[1], f"{when} the look says {said}; before it said {finding.reason}")


def _same_tree(then: Tree, now: Tree, changes: Sequence[Change], proof: Proof, when: str) -> None:
    """Compare files, modes and owners; blame the controls that touched a file, or all of them at once."""
    touched: dict[str, set[str]] = {}
    for change in changes:
        for touch in change.touches:
            touched.setdefault(touch.name, set()).add(change.control_id)
    for path in sorted(set(then) | set(now)):
        if then.get(path) == now.get(path):
            continue
        said = f"{when} {path} is not as before: {then.get(path)} became {now.get(path)}"
        for control_id in touched.get(path, ()):
            proof.complain(control_id, said)
        if path not in touched:
            proof.general.append(said)


def _apply(bench: Bench, campaign: Campaign, wanted: Sequence[Wanted], proof: Proof, doing: str) -> list[Change]:
    changes = list(apply_changes(bench.context, campaign.id, wanted, lease=False))
    _note_failures(changes, proof, doing)
    return changes


def _restore(bench: Bench, campaign: Campaign, changes: Sequence[Change], proof: Proof, doing: str) -> None:
    chosen = [change for change in reversed(changes) if change.state is ChangeState.CHANGED]
    _note_failures(list(restore_changes(bench.context, campaign.id, chosen, lease=False)), proof, doing)
    dangers = {control.id: control.danger for control in bench.controls}
    if bench.reboot is not None and any(dangers[change.control_id] is Danger.REBOOT for change in chosen):
        bench.reboot()


def _note_failures(changes: Sequence[Change], proof: Proof, doing: str) -> None:
    for change in changes:
        if change.state in (ChangeState.FAILED, ChangeState.NOT_REPORTED):
            proof.complain(change.control_id, f"{doing}: {change.state}: {change.reason}")


def _key(change: Change) -> Key:
    return (change.target.name, change.control_id)


def narrowed(controls: Iterable[Control], *, component: str | None, only: Collection[str]) -> list[Control]:
    """Return the controls to prove: of one component, or some by name, or all that can be proven."""
    return [
        dataclasses.replace(control)
        for control in controls
        if control.manual is None
        and (component is None or control.component == component)
        and (not only or control.id in only)
    ]
