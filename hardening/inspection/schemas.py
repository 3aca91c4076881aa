"""JSON Schemas of what inspections, cleaning and resources read, for editors: they know every kind and what it takes.

What loading finds beyond them (a plan that names nothing, two files of one id) needs more than one file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hardening.cleaning.rules import RuleBody
from hardening.inspection.items import Item, ItemBody
from hardening.inspection.kinds import Kind
from hardening.inspection.plans import PlanBody
from hardening.inspection.response import ResponseTable
from hardening.resources.register import register_schema
from hardening.resources.requests import Request

Schema = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def inspection_schemas(kinds: Mapping[str, Kind], items: Iterable[Item]) -> dict[str, Schema]:
    """Return the schemas by file name. `items` are those that a plan may name."""
    return {
        "inspection-items.schema.json": _items(kinds),
        "inspection-plan.schema.json": _plan(tuple(items)),
        "response.schema.json": {"$schema": _DRAFT, **ResponseTable.model_json_schema(by_alias=True)},
        "cleaning.schema.json": _mapping("Rules of cleaning", RuleBody.model_json_schema(by_alias=True)),
        "resources.schema.json": register_schema(),
        "request.schema.json": {"$schema": _DRAFT, **Request.model_json_schema(by_alias=True)},
    }


def _items(kinds: Mapping[str, Kind]) -> Schema:
    item = ItemBody.model_json_schema(by_alias=True)
    item["properties"]["kind"] = {"enum": sorted(kinds)}
    # A null says nothing, as in the models; what says something must be there.
    bounds = [{"required": [name], "properties": {name: {"type": "object"}}} for name in ("warn_when", "critical_when")]
    proofs = [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in ("fault", "not_proven")]
    item["allOf"] = [
        {"anyOf": bounds},
        {"oneOf": proofs},
        *(_what_a_kind_takes(kind) for _, kind in sorted(kinds.items())),
    ]
    made = _mapping("Inspection items of a category", item)
    made["propertyNames"] = {"pattern": "^[a-z][a-z0-9]*(_[a-z0-9]+)+$"}
    return made


def _what_a_kind_takes(kind: Kind) -> Schema:
    params = kind.params.model_json_schema()
    needed = {"required": ["with"]} if params.get("required") else {}
    return {
        "if": {"required": ["kind"], "properties": {"kind": {"const": kind.name}}},
        "then": {"properties": {"with": params}, **needed},
    }


def _plan(items: tuple[Item, ...]) -> Schema:
    schema = PlanBody.model_json_schema(by_alias=True)
    names = {"enum": sorted(item.id for item in items)}
    for key in ("items", "without"):
        schema["properties"][key]["items"] = names
    schema["properties"]["categories"]["items"] = {"enum": sorted({item.category for item in items})}
    return {"$schema": _DRAFT, **schema}


def _mapping(title: str, entry: Schema) -> Schema:
    """Return the schema of a file that maps names to entries."""
    definitions = entry.pop("$defs", {})
    return {"$schema": _DRAFT, "title": title, "type": "object", "additionalProperties": entry, "$defs": definitions}
