"""One item of work, as the engine hands it to a module."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping


@dataclass(frozen=True)
class Control:
    """One control on one target: `params` is its `with`, `value` what to set."""

    id: str
    target: str = ""
    instance: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    value: Any = None

    @property
    def key(self) -> str:
        """Unique in a module run."""
        return self.target + "::" + self.id

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Control:
        """Read `{id, target, instance, with, value}`."""
        return cls(
            id=str(item["id"]),
            target=str(item.get("target") or ""),
            instance=str(item.get("instance") or ""),
            params=dict(item.get("with") or {}),
            value=item.get("value"),
        )


State = Dict[str, Any]
