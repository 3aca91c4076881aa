"""What would be deleted where, as a value and as a file that a person reads; an edited one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from hardening.cleaning.finding import Found
from hardening.identity import Identity
from hardening.plan_file import document_digest, read_document, write_document

FORMAT = "hardening/clean/1"
MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class RulePlan:
    """What one rule takes on one host; `left` counts what fits and stays, by reason; `refused`: why nothing goes."""

    found: tuple[Found, ...] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class CleanPlan:
    """What would go, by host and rule. `rules` holds the digest of each: one that changed since takes nothing."""

    made_at: datetime
    made_by: str
    profile: str
    retention_days: int
    rules: Mapping[str, str]
    identities: Mapping[str, Identity]
    hosts: Mapping[str, Mapping[str, RulePlan]]
    digest: str = ""

    def files(self) -> tuple[Found, ...]:
        """Return every file that would go."""
        return tuple(each for rules in self.hosts.values() for held in rules.values() for each in held.found)

    def refusals(self) -> dict[str, str]:
        """Return why nothing goes, by `host rule`."""
        return {
            f"{host} {rule}": held.refused
            for host, rules in self.hosts.items()
            for rule, held in rules.items()
            if held.refused
        }


def size_of(files: tuple[Found, ...]) -> str:
    """Return the bytes of files as people read them."""
    return f"{sum(each.bytes for each in files) / MIB:.1f} MiB"


def body_of(plan: CleanPlan) -> dict[str, Any]:
    """Return a plan as plain values, without its digest."""
    return {
        "made_at": plan.made_at.isoformat(),
        "made_by": plan.made_by,
        "profile": plan.profile,
        "retention_days": plan.retention_days,
        "rules": dict(plan.rules),
        "identities": {name: identity.as_json() for name, identity in plan.identities.items()},
        "hosts": {
            host: {
                rule: {
                    "refused": held.refused,
                    "left": dict(held.left),
                    "files": [[each.path, each.bytes, each.modified, each.identity] for each in held.found],
                }
                for rule, held in rules.items()
            }
            for host, rules in plan.hosts.items()
        },
    }


def write_clean_plan(plan: CleanPlan, path: Path) -> None:
    """Write a plan as YAML with its digest, whole or not at all."""
    body = body_of(plan)
    document = {"format": FORMAT, **body, "digest": document_digest(body)}
    head = f"# What is deleted cannot be brought back. Read, then: hardening clean run {path.name} --accept data\n"
    write_document(path, head, document)


def read_clean_plan(path: Path) -> CleanPlan:
    """Read a plan. Raises AskedWrongly where it is missing, no such plan, or was edited after it was made."""
    document, digest = read_document(path, FORMAT, no_plan="no plan of `clean plan`", narrow="--limit or --rule")
    return CleanPlan(
        made_at=datetime.fromisoformat(document["made_at"]),
        made_by=document["made_by"],
        profile=document["profile"],
        retention_days=document["retention_days"],
        rules=document["rules"],
        identities={name: Identity.from_json(stored) for name, stored in document["identities"].items()},
        hosts={
            host: {
                rule: RulePlan(
                    found=tuple(
                        Found(path=file, bytes=size, modified=modified, identity=identity)
                        for file, size, modified, identity in held["files"]
                    ),
                    left=held["left"],
                    refused=held["refused"],
                )
                for rule, held in rules.items()
            }
            for host, rules in document["hosts"].items()
        },
        digest=digest,
    )
