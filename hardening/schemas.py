"""JSON Schemas of the catalogue's files, for editors: they know every kind, what it takes, and every matcher.

What `baseline check` finds beyond them (stricter values, clauses, a `set` that is missing) needs more than one file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hardening.catalogue_files import ControlBody, ProfileBody, StandardBody
from hardening.judge import MATCHERS
from hardening.kinds import Kind

Schema = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_WANT = {"$ref": "#/$defs/Want"}


def json_schemas(kinds: Mapping[str, Kind], controls: Iterable[str]) -> dict[str, Schema]:
    """Return the schemas by file name. `controls` are the ids that a profile may name."""
    return {
        "controls.schema.json": _controls(kinds),
        "profile.schema.json": _profile(sorted(controls)),
        "standard.schema.json": {"$schema": _DRAFT, **StandardBody.model_json_schema(by_alias=True)},
    }


def _controls(kinds: Mapping[str, Kind]) -> Schema:
    control = ControlBody.model_json_schema(by_alias=True)
    definitions = control.pop("$defs", {})
    properties = control["properties"]
    properties["kind"] = {"enum": [*sorted(kinds), None]}
    properties["want"] = _WANT
    by_a_person = {"required": ["manual"], "properties": {"manual": {"type": "string"}}}
    fixed = [{"required": [shown]} for shown in ("broken", "break", "look_only")]
    control["allOf"] = [
        {
            "if": by_a_person,
            "then": {"not": {"anyOf": [{"required": ["kind"]}, {"required": ["want"]}]}},
            "else": {"required": ["kind", "want"], "anyOf": fixed},
        },
        *(_what_a_kind_takes(kind) for _, kind in sorted(kinds.items())),
    ]
    return {
        "$schema": _DRAFT,
        "title": "Controls of a component",
        "type": "object",
        "propertyNames": {"pattern": "^[a-z][a-z0-9]*(_[a-z0-9]+)+$"},
        "additionalProperties": control,
        "$defs": {**definitions, "Want": _want()},
    }


def _what_a_kind_takes(kind: Kind) -> Schema:
    params = kind.params.model_json_schema()
    needed = {"required": ["with"]} if params.get("required") else {}
    return {
        "if": {"required": ["kind"], "properties": {"kind": {"const": kind.name}}},
        "then": {"properties": {"with": params}, **needed},
    }


def _profile(controls: list[str]) -> Schema:
    schema = ProfileBody.model_json_schema(by_alias=True)
    schema["properties"]["controls"]["propertyNames"] = {"enum": controls}
    schema["$defs"]["ProfileEntry"]["properties"]["want"] = _WANT
    schema["$defs"]["Want"] = _want()
    return {"$schema": _DRAFT, **schema}


def _want() -> Schema:
    """Return what `want` may be: a scalar, or matchers; `each` holds another `want`."""
    matchers: dict[str, Schema] = {name: {} for name in MATCHERS}
    matchers |= {"each": _WANT, "absent": {"type": "boolean"}, "present": {"type": "boolean"}}
    return {
        "anyOf": [
            {"type": ["string", "number", "boolean", "null"]},
            {"type": "object", "properties": matchers, "additionalProperties": False, "minProperties": 1},
        ]
    }
