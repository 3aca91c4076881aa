"""The catalogue as a person reads it in a terminal, and as JSON."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hardening.catalogue import Catalogue
from hardening.errors import AskedWrongly, Incomplete
from hardening.judge import sentence
from hardening.kinds import Kind
from hardening.model import Control, Profile
from hardening.schemas import json_schemas
from hardening.yaml_lines import did_you_mean


def document(catalogue: Catalogue, what: str, name: str | None, *, components: Collection[str] = ()) -> Any:
    """Return controls, profiles or a summary of the catalogue as JSON values."""
    if what == "controls":
        if name is not None:
            return _control(catalogue.control(name), catalogue)
        known = {control.component for control in catalogue.controls.values()}
        for component in components:
            if component not in known:
                raise AskedWrongly(f"{component} is not a component{did_you_mean(component, known)}")
        chosen = [c for c in catalogue.controls.values() if not components or c.component in components]
        return [_control(control, catalogue) for control in chosen]
    if what == "profiles":
        if name is not None:
            return _profile(catalogue.profile(name), whole=True)
        return [_profile(profile, whole=False) for profile in catalogue.profiles.values()]
    return {
        "controls": len(catalogue.controls),
        "by_component": dict(Counter(control.component for control in catalogue.controls.values())),
        "profiles": {profile.name: len(profile.requirements) for profile in catalogue.profiles.values()},
        "digest": catalogue.digest,
    }


def print_document(document: Any, what: str, *, lang: str) -> None:
    """Print what `document` returned."""
    # In a file or a pipe a line is a row: nobody wants to search for half an id.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    if isinstance(document, list):
        table = Table(box=None, pad_edge=False)
        columns = {"controls": ("id", "severity", "danger", "kind"), "profiles": ("name", "controls")}[what]
        for column in (*columns, "title"):
            table.add_column(column, justify="right" if column == "controls" else "left", overflow="fold")
        for row in document:
            table.add_row(
                *(str(row[column]) for column in columns), escape(row["title_zh" if lang == "zh" else "title"])
            )
        console.print(table)
        console.print(f"{len(document)} {what}")
        return
    for key, value in document.items():
        console.print(f"[bold]{key}[/bold]: ", end="")
        console.print(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), markup=False)


def write_schemas(directory: Path, catalogue: Catalogue, kinds: Mapping[str, Kind]) -> None:
    """Write the JSON Schemas of the catalogue's files for editors."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, schema in json_schemas(kinds, catalogue.controls).items():
            (directory / name).write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as problem:
        raise Incomplete(f"{directory}: the schemas cannot be written: {problem.strerror}") from None


def _control(control: Control, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "id": control.id,
        "title": control.title,
        "title_zh": control.title_zh,
        "why": control.why,
        "severity": control.severity.value,
        "danger": control.danger.value,
        "kind": control.kind,
        "with": dict(control.params),
        "want": control.want,
        "wanted": sentence(control.want),
        "set": control.set_to,
        "manual": control.manual,
        "look_only": control.look_only,
        "source": f"{control.source.file}:{control.source.line}",
        "profiles": [
            name
            for name, profile in catalogue.profiles.items()
            if any(requirement.control.id == control.id for requirement in profile.requirements)
        ],
    }


def _profile(profile: Profile, *, whole: bool) -> dict[str, Any]:
    short = {
        "name": profile.name,
        "controls": len(profile.requirements),
        "title": profile.title,
        "title_zh": profile.title_zh,
        "standard": profile.standard,
        "digest": profile.digest,
    }
    if not whole:
        return short
    return {
        **short,
        "requirements": [
            {
                "control": requirement.control.id,
                "want": requirement.control.want,
                "set": requirement.control.set_to,
                "clauses": list(requirement.clauses),
                "because": requirement.because,
            }
            for requirement in profile.requirements
        ],
    }
