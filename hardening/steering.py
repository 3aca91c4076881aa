"""What an operator decides about single hosts and leases of a campaign, beside the plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from hardening.approval import as_json
from hardening.errors import AskedWrongly
from hardening.model import Approval, Json
from hardening.waves import WaveRules, Window
from hardening.yaml_lines import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Steering:
    """`skip` leaves hosts out, `because` says why; `breaking` are campaigns whose leases are taken over.

    `approval` is the one of the plan that is applied, where there is one. A resume may have another `window`.
    """

    skip: tuple[str, ...] = ()
    because: str | None = None
    breaking: tuple[str, ...] = ()
    approval: Approval | None = None
    window: Window | None = None

    def __post_init__(self) -> None:
        if self.skip and not (self.because or "").strip():
            raise AskedWrongly('say why hosts are skipped, for the record: --because "..."')
        if self.because is not None and not self.skip:
            raise AskedWrongly("--because says why hosts are skipped; name them with --skip")

    def rules(self, stored: Json) -> WaveRules:
        """Return the rules that a campaign was begun with, as they are from now on."""
        rules = WaveRules.from_json(stored)
        return rules if self.window is None else dataclasses.replace(rules, window=self.window)

    def refuse_unknown(self, hosts: Iterable[str]) -> None:
        """Refuse to skip what is not there to be changed: a mistyped name would be changed."""
        known = set(hosts)
        for name in self.skip:
            if name not in known:
                raise AskedWrongly(f"--skip {name}: nothing is to be changed there{did_you_mean(name, known)}")

    def left_out(self, actor: str) -> dict[str, str]:
        """Return the reason to record for every host that is skipped."""
        return {name: f"skipped by {actor}: {(self.because or '').strip()}" for name in self.skip}

    def as_json(self) -> dict[str, Json]:
        """Return plain values, for a campaign's options: only what was said."""
        skip: list[Json] = [*self.skip]
        breaking: list[Json] = [*self.breaking]
        said: dict[str, Json] = {"skip": skip, "because": self.because, "break_lease": breaking}
        said["window"] = None if self.window is None else str(self.window)
        said["approval"] = None if self.approval is None else as_json(self.approval)
        return {name: value for name, value in said.items() if value}
