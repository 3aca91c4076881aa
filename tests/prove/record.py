"""What was proven on which system, kept in docs/proof.json beside a digest of the control as it was proven."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hardening.model import Control
from tests.prove.proof import Proof


def control_digest(control: Control) -> str:
    """Return a digest of all that a control says of itself; one that changed since is not proven any more.

    The code of its kind is not in it: whoever changes that runs the proof again, as `make test` does.
    """
    parts = [
        control.kind,
        dict(control.params),
        control.want,
        control.set_to,
        control.broken,
        control.break_with,
        control.look_only,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(kw_only=True)
class Record:
    """The record: control id -> system -> {digest, how}; `how` is `proven`, or the reason for not applicable."""

    path: Path
    controls: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read the record; none yet is an empty one."""
        return cls(path=path, controls=json.loads(path.read_text()) if path.exists() else {})

    def note(self, proof: Proof, digests: Mapping[str, str]) -> None:
        """Take over the outcome of a proof; what failed is no longer recorded as proven."""
        for control_id in proof.asked:
            systems = self.controls.setdefault(control_id, {})
            systems.pop(proof.system, None)
            if control_id in proof.not_applicable:
                systems[proof.system] = {"digest": digests[control_id], "how": proof.not_applicable[control_id]}
            elif control_id in proof.only_seen and control_id not in proof.complaints:
                systems[proof.system] = {"digest": digests[control_id], "how": "seen, not broken"}
            elif control_id in proof.proven:
                systems[proof.system] = {"digest": digests[control_id], "how": "proven"}

    def write(self, known: set[str]) -> None:
        """Write the record without controls that are gone, whole or not at all."""
        kept = {name: systems for name, systems in sorted(self.controls.items()) if name in known}
        part = self.path.with_suffix(".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        part.replace(self.path)

    def current(self, control: Control, system: str) -> bool:
        """Tell whether the control as it is now was put to the proof on a system."""
        entry = self.controls.get(control.id, {}).get(system)
        return entry is not None and entry["digest"] == control_digest(control)

    def proven(self, control: Control, system: str) -> bool:
        """Tell whether the control as it is now was proven on a system."""
        return self.current(control, system) and self.controls[control.id][system]["how"] == "proven"
