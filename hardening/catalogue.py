"""Controls, profiles and standards: files in, values out; all problems of all files in one error, with their lines."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardening.catalogue_files import ControlBody, ControlId, ProfileBody, ProfileEntry, StandardBody
from hardening.errors import AskedWrongly, BadFiles, Problem
from hardening.kinds import Kind
from hardening.model import Clause, Control, Profile, Requirement, Source
from hardening.strictness import at_least_as_strict, default_set
from hardening.yaml_lines import YamlFile, did_you_mean, read_yaml, validated

__all__ = ["Catalogue", "ControlId", "load_catalogue"]

NOT_CONTROLS = ("profiles", "standards", "schemas", "inspection", "cleaning")


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Everything that is known of what should be. `digest` is the SHA-256 over all its files."""

    controls: Mapping[str, Control]
    profiles: Mapping[str, Profile]
    digest: str

    def profile(self, name: str) -> Profile:
        """Return a profile by name, or complain with the nearest one."""
        try:
            return self.profiles[name]
        except KeyError:
            raise AskedWrongly(
                f"{name} is not a profile{did_you_mean(name, self.profiles)}"
                f" (there are: {', '.join(sorted(self.profiles))})"
            ) from None

    def control(self, control_id: str) -> Control:
        """Return a control by id, or complain with the nearest one."""
        try:
            return self.controls[control_id]
        except KeyError:
            raise AskedWrongly(f"{control_id} is not a control{did_you_mean(control_id, self.controls)}") from None


def load_catalogue(roots: Sequence[Path], kinds: Mapping[str, Kind]) -> Catalogue:
    """Read all `baselines/` directories in `roots`, later ones adding to earlier ones.

    Raises BadFiles with every problem of every file.
    """
    files: list[YamlFile] = []
    controls: dict[str, Control] = {}
    standards: dict[str, dict[str, Clause]] = {}
    digest = hashlib.sha256()
    for root in roots:
        if not root.is_dir():
            raise AskedWrongly(f"{root}: there is no such directory of baselines")
        for path in _yaml_files(root, skip=NOT_CONTROLS):
            digest.update(path.read_bytes())
            file = read_yaml(path, name=_called(path, root))
            files.append(file)
            _read_controls(file, path.parent.name, kinds, controls)
        for path in _yaml_files(root / "standards"):
            digest.update(path.read_bytes())
            file = read_yaml(path, name=_called(path, root))
            files.append(file)
            _defined_once(file, path, roots, standards)
            standards[path.stem] = _read_standard(file)
    bodies: dict[str, tuple[YamlFile, ProfileBody]] = {}
    for root in roots:
        for path in _yaml_files(root / "profiles"):
            digest.update(path.read_bytes())
            file = read_yaml(path, name=_called(path, root))
            files.append(file)
            _defined_once(file, path, roots, bodies)
            body = validated(file, ProfileBody, file.value, ())
            if body is not None:
                bodies[path.stem] = (file, body)
    profiles = {name: _profile(name, bodies, controls, standards) for name in bodies}
    problems = [problem for file in files for problem in file.problems]
    if problems:
        raise BadFiles(problems)
    if not controls:
        raise BadFiles([Problem(file=str(root), line=None, message="holds no controls") for root in roots])
    return Catalogue(controls=controls, profiles=profiles, digest=digest.hexdigest())


def check_roles(catalogue: Catalogue, kinds: Mapping[str, Kind]) -> None:
    """Raise BadFiles where a control that should be fixable has no role tasks for its kind."""
    problems = [
        Problem(
            file=control.source.file,
            line=control.source.line,
            message=f"{control.kind} has no role tasks, so {control.id} cannot be applied; write them or say look_only",
        )
        for control in catalogue.controls.values()
        if control.manual is None and control.look_only is None and not kinds[control.kind].role_tasks.is_file()
    ]
    if problems:
        raise BadFiles(problems)


def select(
    profile: Profile,
    *,
    controls: Iterable[str] = (),
    components: Iterable[str] = (),
    severity_rank: int = 0,
) -> Profile:
    """Return the profile narrowed to named controls, components and a least severity; nothing left is an error."""
    wanted, inside = set(controls), set(components)
    known = {requirement.control.id for requirement in profile.requirements}
    for name in sorted(wanted - known):
        raise AskedWrongly(f"{name} is not a control of profile {profile.name}{did_you_mean(name, known)}")
    known_components = {requirement.control.component for requirement in profile.requirements}
    for name in sorted(inside - known_components):
        raise AskedWrongly(f"{name} is not a component of profile {profile.name}{did_you_mean(name, known_components)}")
    chosen = tuple(
        requirement
        for requirement in profile.requirements
        if (not wanted or requirement.control.id in wanted)
        and (not inside or requirement.control.component in inside)
        and requirement.control.severity.rank >= severity_rank
    )
    if not chosen:
        raise AskedWrongly(f"profile {profile.name} has no control left after the filters: nothing would be checked")
    return dataclasses.replace(profile, requirements=chosen)


def _yaml_files(root: Path, *, skip: Sequence[str] = ()) -> list[Path]:
    if not root.is_dir():
        return []
    found = sorted([*root.rglob("*.yml"), *root.rglob("*.yaml")])
    return [path for path in found if path.relative_to(root).parts[0] not in skip]


def _defined_once(file: YamlFile, path: Path, roots: Sequence[Path], known: Iterable[str]) -> None:
    """Complain of a second profile or standard of one name: what replaces another in silence can weaken it."""
    if path.stem in known:
        first = next(root for root in roots if (root / path.parent.name / path.name).is_file())
        file.complain(f"{path.stem} is also defined in {first / path.parent.name / path.name}; choose another name")


def _called(path: Path, root: Path) -> str:
    return str(Path(root.name) / path.relative_to(root))


def _read_controls(file: YamlFile, component: str, kinds: Mapping[str, Kind], controls: dict[str, Control]) -> None:
    if file.problems or file.value is None:
        return
    if not isinstance(file.value, dict):
        file.complain("must be a mapping of control ids to controls")
        return
    for name, value in file.value.items():
        control = _read_control(file, component, str(name), value, kinds)
        if control is None:
            continue
        if control.id in controls:
            first = controls[control.id].source
            file.complain(f"{control.id} is also defined in {first.file}:{first.line}", (name,))
            continue
        controls[control.id] = control


def _read_control(file: YamlFile, component: str, name: str, value: Any, kinds: Mapping[str, Kind]) -> Control | None:
    if not name.startswith(f"{component}_"):
        file.complain(f"{name} must begin with {component}_, the directory it stands in", (name,))
    body = validated(file, ControlBody, value, (name,))
    if body is None:
        return None
    set_to = body.set_to
    if body.kind is not None:
        _check_kind(file, name, body, kinds)
        if "set_to" not in body.model_fields_set:
            found, set_to = default_set(body.want)
            if not found and body.look_only is None:
                file.complain(f"{name}: say with `set` what to write; `want` alone does not tell", (name, "want"))
    return Control(
        id=name,
        component=component,
        kind=body.kind or f"{component}.manual",
        title=body.title,
        title_zh=body.title_zh,
        why=body.why,
        why_zh=body.why_zh,
        severity=body.severity,
        params=body.params,
        want=body.want,
        set_to=set_to,
        danger=body.danger,
        broken=body.broken,
        break_with=body.break_with,
        manual=body.manual,
        look_only=body.look_only,
        needs_kernel=body.needs_kernel,
        prove_apart=body.prove_apart,
        source=Source(file=file.name, line=file.line((name,)) or 1),
    )


def _check_kind(file: YamlFile, name: str, body: ControlBody, kinds: Mapping[str, Kind]) -> None:
    kind = kinds.get(body.kind or "")
    if kind is None:
        file.complain(f"{body.kind} is not a kind{did_you_mean(str(body.kind), kinds)}", (name, "kind"))
        return
    validated(file, kind.params, body.params, (name, "with"))


def _read_standard(file: YamlFile) -> dict[str, Clause]:
    body = validated(file, StandardBody, file.value, ())
    if body is None:
        return {}
    return {name: Clause(id=name, text=clause.text, text_zh=clause.text_zh) for name, clause in body.clauses.items()}


def _profile(
    name: str,
    bodies: Mapping[str, tuple[YamlFile, ProfileBody]],
    controls: Mapping[str, Control],
    standards: Mapping[str, Mapping[str, Clause]],
) -> Profile:
    file, body = bodies[name]
    clauses: Mapping[str, Clause] = {}
    if body.standard is not None:
        if body.standard not in standards:
            file.complain(f"{body.standard} is not a standard{did_you_mean(body.standard, standards)}", ("standard",))
        clauses = standards.get(body.standard, {})
    entries = _inherited(name, bodies)
    requirements = []
    for control_id, (where, entry) in entries.items():
        control = controls.get(control_id)
        if control is None:
            where.complain(
                f"{control_id} is not a control{did_you_mean(control_id, controls)}", ("controls", control_id)
            )
            continue
        for clause in entry.clauses:
            if clause not in clauses:
                where.complain(f"{clause} is not a clause of {body.standard}", ("controls", control_id, "clauses"))
        requirements.append(_required(where, control, entry))
    digest = hashlib.sha256(json.dumps([_deciding(r) for r in requirements], sort_keys=True).encode()).hexdigest()
    return Profile(
        name=name,
        title=body.title,
        title_zh=body.title_zh,
        standard=body.standard,
        requirements=tuple(requirements),
        clauses=clauses,
        digest=digest,
        requires_approval=_requires_approval(name, bodies),
    )


def _requires_approval(name: str, bodies: Mapping[str, tuple[YamlFile, ProfileBody]]) -> bool:
    """Tell whether a profile, or one that it extends, demands an approval: extending must not be a way around it."""
    met: set[str] = set()
    above: str | None = name
    while above is not None and above in bodies and above not in met:
        met.add(above)
        body = bodies[above][1]
        if body.requires_approval:
            return True
        above = body.extends
    return False


def _inherited(
    name: str, bodies: Mapping[str, tuple[YamlFile, ProfileBody]], above: tuple[str, ...] = ()
) -> dict[str, tuple[YamlFile, ProfileEntry]]:
    file, body = bodies[name]
    entries: dict[str, tuple[YamlFile, ProfileEntry]] = {}
    if body.extends is not None:
        if body.extends in (*above, name):
            file.complain(f"{name} extends itself through {' -> '.join((*above, name))}", ("extends",))
        elif body.extends not in bodies:
            file.complain(f"{body.extends} is not a profile{did_you_mean(body.extends, bodies)}", ("extends",))
        else:
            entries |= _inherited(body.extends, bodies, (*above, name))
    entries |= {control_id: (file, entry or ProfileEntry()) for control_id, entry in body.controls.items()}
    return entries


def _required(file: YamlFile, control: Control, entry: ProfileEntry) -> Requirement:
    if "want" in entry.model_fields_set:
        if entry.because is None and not at_least_as_strict(entry.want, control.want):
            file.complain(
                f"{control.id} is weaker here than in {control.source.file}:{control.source.line}; "
                "say `because: reason`, or ask for at least as much",
                ("controls", control.id, "want"),
            )
        found, bound = default_set(entry.want)
        set_to = entry.set_to if "set_to" in entry.model_fields_set else bound if found else control.set_to
        control = dataclasses.replace(control, want=entry.want, set_to=set_to)
    elif "set_to" in entry.model_fields_set:
        control = dataclasses.replace(control, set_to=entry.set_to)
    return Requirement(control=control, clauses=tuple(entry.clauses), because=entry.because)


def _deciding(requirement: Requirement) -> list[Any]:
    control = requirement.control
    return [
        control.id,
        control.kind,
        dict(control.params),
        control.want,
        control.set_to,
        control.manual,
        control.look_only,
    ]
