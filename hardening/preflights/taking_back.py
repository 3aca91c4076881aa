"""What an undo brings back, as a preflight takes it: the state before as a value that is about to be written. Pure.

It comes from what the ledger holds: the look that preceded the change, and what the change touched. Most of what a
campaign does closes something; its undo opens that again, and is no preflight's business. Where the state before
cannot be put as a value the item says so, and the preflights of our way in count as unknown for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hardening.model import Change, Control, Json, Observation
from hardening.prediction import Planned
from hardening.preflights.nginx import UNSET, size_bytes
from hardening.preflights.rule import Unknown

OFF = ("absent", "None", "off")


@dataclass(frozen=True, kw_only=True)
class _Was:
    """One change as the ledger holds it: `seen` before it (not empty), and `wrote`, the value that it set."""

    change: Change
    params: Mapping[str, Json]
    seen: Mapping[str, Json]
    wrote: Json

    @property
    def value(self) -> Json:
        """What was seen, or of two truths what was in force."""
        return self.seen.get("value", self.seen.get("running"))


@dataclass(frozen=True, kw_only=True)
class _Back:
    value: Json = None
    opens: bool = False
    params: Mapping[str, Json] = field(default_factory=dict)


OPENS = _Back(opens=True)
Former = Callable[[_Was], _Back]


def taken_back(change: Change, control: Control, before: Observation | None) -> Planned:
    """Return the undo of a change. `before` is what was seen before the change."""
    planned = Planned(
        control_id=change.control_id,
        target=change.target,
        kind=control.kind,
        params=control.params,
        is_undo=True,
        undoes=control.set_to,
    )
    if before is None or not before.seen:
        why = before.reason if before is not None and before.reason else "nobody looked"
        return replace(planned, obscure=f"what was there before the change was not seen: {why}")
    was = _Was(change=change, params=control.params, seen=before.seen, wrote=control.set_to)
    try:
        back = FORMER.get(control.kind, _plain)(was)
    except Unknown as problem:
        return replace(planned, obscure=str(problem))
    return replace(planned, value=back.value, opens=back.opens, params={**planned.params, **back.params})


def _plain(was: _Was) -> _Back:
    """Return what was seen as the value; of several places only where all had the same."""
    value = was.value
    if not isinstance(value, dict):
        return _Back(value=value)
    different = {str(each): each for each in value.values()}
    if len(different) != 1:
        raise Unknown(f"it was not the same everywhere: {_listed(value)}")
    return _Back(value=next(iter(different.values())))


def _unless_unset(was: _Was) -> _Back:
    return OPENS if was.value is None else _plain(was)


def _only_opens(was: _Was) -> _Back:
    return OPENS


def _flag(was: _Was) -> _Back:
    """Return an option of sudo: what holds for everybody, if no line for some accounts or hosts says otherwise."""
    values = was.value if isinstance(was.value, list) else [was.value]
    said = {str(value).lower() for value in values}
    if said <= {"none", "false"}:
        return _Back(value=False)
    if len(said) != 1:
        raise Unknown("it was not the same for all accounts and hosts")
    return _Back(value=values[0])


def _pam_module(was: _Was) -> _Back:
    there = isinstance(was.value, dict) and "present" in was.value.values()
    return _Back(value="present") if there and str(was.wrote) in OFF else OPENS


def _blocked(was: _Was) -> _Back:
    return _Back(value="blocked") if was.seen.get("on_disk", was.value) == "blocked" else OPENS


def _packages(was: _Was) -> _Back:
    """Return which packages go again: what was not installed when the change installed it, with what came along."""
    if str(was.wrote) in OFF:
        return _Back(value="present")
    there = was.value if isinstance(was.value, list) else []
    touched: list[Json] = [
        touch.name
        for touch in was.change.touches
        if touch.kind == "package" and isinstance(touch.before, dict) and touch.before.get("status") != "installed"
    ]
    names = touched or [name for name in _names(was) if name not in there]
    return _Back(value="absent", params={"names": [*names]})


def _units(was: _Was) -> _Back:
    """Return which units are switched off again: those that did not run before."""
    ran = was.value if isinstance(was.value, dict) else {}
    off: list[Json] = [name for name in _names(was) if ran.get(str(name)) not in ("active", "reloading")]
    return OPENS if str(was.wrote) in OFF or not off else _Back(value="off", params={"names": off})


def _body_limit(was: _Was) -> _Back:
    """Return the tightest limit that a server had."""
    limits = [UNSET if limit is None else str(limit) for limit in _values(was.value)]
    return _Back(value=min(limits, key=size_bytes)) if limits else OPENS


def _directive(was: _Was) -> _Back:
    return _body_limit(was) if was.params.get("directive") == "client_max_body_size" else _plain(was)


# What is not named here comes back as it was seen.
FORMER: Mapping[str, Former] = {
    "linux.accounts": _only_opens,
    "linux.auditd_option": _unless_unset,
    "linux.faillock": _unless_unset,
    "linux.home_modes": _only_opens,
    "linux.limit": _unless_unset,
    "linux.login_defs": _unless_unset,
    "linux.module": _blocked,
    "linux.packages": _packages,
    "linux.pam_module": _pam_module,
    "linux.shell_setting": _unless_unset,
    "linux.su_group": _unless_unset,
    "linux.sudo_option": _flag,
    "linux.units": _units,
    "nginx.server_directive": _directive,
    # A password may come back as a method, or none at all; those who come in now have one that fits.
    "postgresql.hba_method": _only_opens,
    "postgresql.hba_plain_remote": _only_opens,
    "postgresql.roles_with": _only_opens,
}


def _names(was: _Was) -> Sequence[Json]:
    names = was.params.get("names")
    return names if isinstance(names, list) else []


def _values(value: Json) -> Sequence[Json]:
    return list(value.values()) if isinstance(value, dict) else [value]


def _listed(value: Mapping[str, Json], most: int = 3) -> str:
    shown = ", ".join(f"{name}: {each}" for name, each in list(value.items())[:most])
    return shown if len(value) <= most else f"{shown} and {len(value) - most} more"
