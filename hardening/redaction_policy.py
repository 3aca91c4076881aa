"""What a customer wants taken out of texts beside secrets: `redaction.yml` of the workspace, applied before storage.

It is applied after judging, so that a pattern never changes a verdict, and before anything is kept, planned or shown.
What a change touched is left as it is: an undo compares it with the host.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hardening.errors import BadFiles
from hardening.model import Change, Finding, HostSeen, Import, Json, Probe
from hardening.redact import placeholder
from hardening.resource_model import HostSampled
from hardening.yaml_lines import read_yaml

LONGEST_PATTERN = 500


class PatternBody(BaseModel):
    """One pattern as the file writes it. `why` is for the reader of the file."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z-]{0,30}$")
    pattern: str = Field(min_length=1, max_length=LONGEST_PATTERN)
    why: str = Field(min_length=3)


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """One shape of a text that goes; the group `secret`, where the pattern has one, is all that goes."""

    name: str
    found: re.Pattern[str]

    def clean(self, text: str) -> str:
        """Return the text with a placeholder in each such place."""
        return self.found.sub(self._placeholder, text)

    def _placeholder(self, found: re.Match[str]) -> str:
        if "secret" not in self.found.groupindex or found["secret"] is None:
            return placeholder(self.name)
        start, end = found.span("secret")
        return found.string[found.start() : start] + placeholder(self.name) + found.string[end : found.end()]


@dataclass(frozen=True, kw_only=True)
class RedactionPolicy:
    """Patterns in the order of the file. Without any, everything stays as it is."""

    patterns: tuple[Pattern, ...] = ()

    def text(self, text: str) -> str:
        """Return a text without what the patterns find."""
        for pattern in self.patterns:
            text = pattern.clean(text)
        return text

    def finding(self, finding: Finding) -> Finding:
        """Return a finding whose texts from the host are clean."""
        if not self.patterns:
            return finding
        seen = finding.observation
        observation = replace(
            seen,
            seen={truth: _deep(value, self.text) for truth, value in seen.seen.items()},
            reason=None if seen.reason is None else self.text(seen.reason),
            probes=tuple(self._probe(probe) for probe in seen.probes),
        )
        return replace(finding, observation=observation, reason=self.text(finding.reason))

    def change(self, change: Change) -> Change:
        """Return a change whose words are clean; what it touched is what an undo needs, and stays."""
        if not self.patterns:
            return change
        reason = None if change.reason is None else self.text(change.reason)
        return replace(change, reason=reason, diff=self.text(change.diff))

    def host(self, host: HostSeen) -> HostSeen:
        """Return a host whose facts are clean; its name and address are how it is found again, and stay."""
        if not self.patterns:
            return host
        unreachable = None if host.unreachable is None else self.text(host.unreachable)
        return replace(host, unreachable=unreachable, facts=_mapping(host.facts, self.text))

    def imported(self, imported: Import) -> Import:
        """Return what another tool said, with clean words."""
        if not self.patterns:
            return imported
        findings = (replace(each, title=self.text(each.title), said=self.text(each.said)) for each in imported.findings)
        return replace(imported, findings=tuple(findings))

    def sampled(self, look: HostSampled) -> HostSampled:
        """Return a look at resources with clean words; subjects are how a series is found again, and stay."""
        if not self.patterns:
            return look
        return replace(
            look,
            unreachable=None if look.unreachable is None else self.text(look.unreachable),
            facts=_mapping(look.facts, self.text),
            unseen={part: self.text(why) for part, why in look.unseen.items()},
        )

    def _probe(self, probe: Probe) -> Probe:
        return replace(
            probe,
            command=self.text(probe.command),
            stdout_excerpt=self.text(probe.stdout_excerpt),
            stderr_excerpt=self.text(probe.stderr_excerpt),
        )


NO_POLICY = RedactionPolicy()


def load_redaction(path: Path) -> RedactionPolicy:
    """Read a policy file: `patterns:` holds a list. Raises BadFiles with every problem at its line."""
    file = read_yaml(path)
    listed = file.value.get("patterns") if isinstance(file.value, dict) else None
    if not file.problems and (not isinstance(listed, list) or set(file.value) != {"patterns"}):
        file.complain("must be a mapping with the list `patterns`, and nothing else")
    patterns: list[Pattern] = []
    for index, entry in enumerate(listed if isinstance(listed, list) else []):
        place = ("patterns", index)
        try:
            body = PatternBody.model_validate(entry)
        except ValidationError as problem:
            for error in problem.errors():
                inner = ".".join(str(part) for part in error["loc"])
                file.complain(f"{inner}: {error['msg']}", (*place, *error["loc"]))
            continue
        try:
            found = re.compile(body.pattern)
        except (re.error, RecursionError, OverflowError) as problem:
            file.complain(f"pattern: is no regular expression: {problem}", (*place, "pattern"))
            continue
        if found.search(""):
            file.complain("pattern: finds the empty text, which is everywhere", (*place, "pattern"))
        elif found.search(placeholder(body.name)):
            file.complain(f"pattern: finds {placeholder(body.name)}, what it would leave itself", (*place, "pattern"))
        if body.name in {pattern.name for pattern in patterns}:
            file.complain(f"name: {body.name} stands twice", (*place, "name"))
        patterns.append(Pattern(name=body.name, found=found))
    if file.problems:
        raise BadFiles(file.problems)
    return RedactionPolicy(patterns=tuple(patterns))


def _deep(value: Json, clean: Callable[[str], str]) -> Json:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return [_deep(item, clean) for item in value]
    if isinstance(value, dict):
        return {clean(key): _deep(item, clean) for key, item in value.items()}
    return value


def _mapping(values: Mapping[str, Json], clean: Callable[[str], str]) -> dict[str, Json]:
    return {key: _deep(value, clean) for key, value in values.items()}
