"""What may break when a plan is carried out: the nouns of preflights. No I/O, no rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hardening.model import Json, Target

# How the reason of a change begins that was left out because nobody acknowledged what it is expected to break.
NOT_ACKNOWLEDGED = "not acknowledged: "


class Consequence(StrEnum):
    """What breaks: our way in, what others use, or the change itself; or that nobody can tell. Worst first."""

    LOCKOUT = "lockout"
    OUTAGE = "outage"
    UNKNOWN = "unknown"
    FAILURE = "failure"

    @property
    def rank(self) -> int:
        """0 for what is told first."""
        return list(Consequence).index(self)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One control that is about to be written on one target, and what was seen there.

    Of an undo `value` is what comes back, and `undoes` what the campaign wrote, which goes. Two kinds of undo have no
    value: one that only opens what was closed (`opens`), and one of which it is not known (`obscure` says why).
    """

    control_id: str
    target: Target
    kind: str
    params: Mapping[str, Json] = field(default_factory=dict)
    seen: Mapping[str, Json] = field(default_factory=dict)
    value: Json = None
    is_undo: bool = False
    undoes: Json = None
    opens: bool = False
    obscure: str = ""

    @property
    def has_value(self) -> bool:
        """Tell whether `value` is what will be there."""
        return not self.opens and not self.obscure


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A breakage that a preflight expects on one host, and the controls that would bring it about.

    `code` is the preflight's; where it could not look, `consequence` is UNKNOWN and the sentence says why.
    """

    code: str
    host: str
    controls: tuple[tuple[str, str], ...]
    consequence: Consequence
    says: str
    says_zh: str

    def concerns(self, target: str, control_id: str) -> bool:
        """Tell whether it speaks of this control on this target."""
        return (target, control_id) in self.controls

    def acknowledged_by(self, said: Collection[str]) -> bool:
        """Tell whether it was acknowledged, by its code everywhere or as `code@host`."""
        return self.code in said or f"{self.code}@{self.host}" in said


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What a preflight's look saw, or the reason why it could not."""

    value: Json = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Need:
    """One look of `checks/preflight` that a preflight asks for. Equal needs are asked once."""

    look: str
    params: Mapping[str, Json] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name under which its fact is kept."""
        return f"{self.look}({', '.join(f'{name}={value!r}' for name, value in sorted(self.params.items()))})"


@dataclass(frozen=True, kw_only=True)
class Us:
    """How we come to a host, as the controller knows it.

    `offers` is what this machine's ssh would use there: option of `ssh -G` in lower case -> names;
    `known_keys` the types of host keys that it trusts there. Both are empty where nothing planned needs them.
    """

    transport: str = "ssh"
    become: str | None = None
    gives_password: bool = False
    offers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known_keys: tuple[str, ...] = ()
