"""Editors that know JSON Schema complete what inspections, cleaning and resources read, and mark slips."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hardening.inspection.items import load_items
from hardening.inspection.kinds import kinds
from hardening.inspection.schemas import inspection_schemas
from hardening.resources.requests import EXAMPLE
from tests.command_line import ROOT, CommandLine

BASELINES = ROOT / "baselines"
ITEM = {
    "title": "File systems have room left",
    "title_zh": "文件系统剩余空间充足",
    "kind": "old_files",
    "with": {"directory": "/tmp", "days": 30},
    "critical_when": {"at_least": 90},
    "advice": "Find what grows.",
    "advice_zh": "查找增长来源。",
    "not_proven": "it belongs to the test",
}
PLAN = {
    "title": "Each day",
    "title_zh": "每日巡检",
    "items": ["log_errors"],
    "schedule": {"every": "day", "at": "08:00"},
}
RULE = {
    "title": "Old logs",
    "title_zh": "旧日志",
    "sort": "log",
    "directory": "/var/log",
    "names": ["*.gz"],
    "older_than_days": 180,
}
LINE = {
    "provider": "Carrier", "type": "internet", "bandwidth_mbps": 200, "end_a": "A", "end_b": "B", "department": "IT",
    "owner": "Li",
}  # fmt: skip


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    """Return what an editor has of the schema with this name."""
    schema = inspection_schemas(kinds(), load_items([BASELINES], kinds()).values())[f"{name}.schema.json"]
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def read(text: str) -> Any:
    """Return YAML as an editor sees it: dates are texts."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("inspection-items", "inspection/items/*.yml"),
        ("inspection-plan", "inspection/plans/*.yml"),
        ("response", "inspection/response.yml"),
        ("cleaning", "cleaning/*.yml"),
    ],
)
def test_editors_find_nothing_to_complain_about_in_what_we_ship(name: str, pattern: str) -> None:
    """Every file of each sort."""
    paths = sorted(BASELINES.glob(pattern))

    assert paths
    for path in paths:
        assert [str(error.message) for error in validator(name).iter_errors(read(path.read_text()))] == [], path


@pytest.mark.parametrize(
    ("name", "good", "slip"),
    [
        ("inspection-items", {"own_files": ITEM}, {"own_files": {**ITEM, "kind": "old_fils"}}),
        ("inspection-items", {"own_files": ITEM}, {"own_files": {**ITEM, "with": {"directory": 3, "days": 30}}}),
        ("inspection-items", {"own_files": ITEM}, {"own_files": {**ITEM, "advise": "x"}}),
        ("inspection-items", {"own_files": ITEM}, {"own_files": {**ITEM, "critical_when": {"at_lest": 3}}}),
        ("inspection-items", {"own_files": ITEM}, {"own_files": {**ITEM, "critical_when": None}}),
        ("inspection-items", {"own_files": ITEM}, {"own_files": {**ITEM, "not_proven": None}}),
        ("inspection-items", {"own_files": ITEM}, {"own": ITEM}),
        ("inspection-plan", PLAN, {**PLAN, "items": ["log_errrors"]}),
        ("inspection-plan", PLAN, {**PLAN, "categories": ["capasity"]}),
        ("inspection-plan", PLAN, {**PLAN, "schedule": {"every": "fortnight", "at": "08:00"}}),
        ("cleaning", {"app_logs": RULE}, {"app_logs": {**RULE, "older_than_days": "180"}}),
        ("cleaning", {"app_logs": RULE}, {"app_logs": {**RULE, "sort": "lgo"}}),
        ("resources", {"lines": {"a": LINE}}, {"lines": {"a": {**LINE, "type": "intranet"}}}),
        ("resources", {"lines": {"a": LINE}}, {"lines": {"a": {**LINE, "bandwith_mbps": 2}}}),
        ("request", read(EXAMPLE), {**read(EXAMPLE), "id": "a b"}),
    ],
)
def test_editors_are_told_of_a_slip(name: str, good: Any, slip: Any) -> None:
    """What loading refuses, the schema refuses as well."""
    assert [str(error.message) for error in validator(name).iter_errors(good)] == []
    assert not validator(name).is_valid(slip)


def test_a_check_of_the_baselines_writes_them_all(hardening: CommandLine, tmp_path: Path) -> None:
    """Beside those of the controls."""
    said = hardening("baseline", "check", "--schemas", "schemas")

    names = {path.name for path in (tmp_path / "schemas").iterdir()}
    assert said.code == 0
    assert {
        "controls.schema.json",
        "inspection-items.schema.json",
        "response.schema.json",
        "cleaning.schema.json",
    } <= names
