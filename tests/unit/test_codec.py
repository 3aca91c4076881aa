"""Model values survive JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardening import model
from hardening.codec import DecodeError, decode, encode, json_bytes, json_value
from tests.ledger_store import samples

TEXTS = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(samples.HARD_TEXTS)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8))])
MAPPINGS = st.dictionaries(TEXTS, JSON_VALUES, max_size=3)

st.register_type_strategy(str, TEXTS)
st.register_type_strategy(float, st.floats(allow_nan=False))
st.register_type_strategy(datetime, st.datetimes(timezones=ZONES))


def values_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Return values of a class of the model, every field filled."""
    hints = {field.name: field.type for field in dataclasses.fields(kind)}
    fields: dict[str, Any] = dict.fromkeys(hints, ...)
    fields |= {name: JSON_VALUES for name, hint in hints.items() if hint == "Json"}
    fields |= {name: MAPPINGS for name, hint in hints.items() if hint == "Mapping[str, Json]"}
    if "clauses" in hints and kind is model.Profile:
        fields["clauses"] = st.dictionaries(TEXTS, st.builds(model.Clause), max_size=2)
    if kind is model.Profile:
        fields["requirements"] = st.lists(values_of(model.Requirement), max_size=2).map(tuple)
    if kind is model.Requirement:
        fields["control"] = values_of(model.Control)
    if kind is model.Finding:
        fields |= {"observation": values_of(model.Observation), "requirement": values_of(model.Requirement)}
    if kind is model.Change:
        fields["touches"] = st.lists(values_of(model.Touch), max_size=2).map(tuple)
    return st.builds(kind, **fields)


STORED = (
    model.Campaign,
    model.Change,
    model.Control,
    model.Finding,
    model.HostSeen,
    model.Observation,
    model.Probe,
    model.Profile,
    model.Requirement,
    model.Touch,
    model.WaiverUse,
)


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.__name__)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_value_reads_back_equal(kind: type[Any], data: st.DataObject) -> None:
    """Every class that is stored survives its canonical bytes, whatever its texts hold."""
    value = data.draw(values_of(kind))

    read = decode(kind, json_value(json_bytes(encode(value))))

    assert read == value
    assert types_of(read) == types_of(value)


def types_of(value: Any) -> Any:
    """Return the types all the way down: 1, 1.0 and True are equal, but not the same."""
    if dataclasses.is_dataclass(value):
        return [type(value), [types_of(getattr(value, field.name)) for field in dataclasses.fields(value)]]
    if isinstance(value, Mapping):
        return {key: types_of(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [type(value), *map(types_of, value)]
    return [type(value), str(value) if isinstance(value, float) else None]


# Evidence itself is put together from these, and never stored.
PARTS = (
    "Campaign",
    "Profile",
    "HostSeen",
    "Finding",
    "Change",
    "Approval",
    "Attestation",
    "Import",
    "Tally",
    "Coverage",
)


@pytest.mark.parametrize("kind", [getattr(model, name) for name in PARTS])
def test_the_codec_knows_every_class_of_the_model(kind: type[Any]) -> None:
    """Also those that are shown and never stored; an empty object of them says what is missing."""
    with pytest.raises(DecodeError, match="missing"):
        decode(kind, {})


@pytest.mark.parametrize("text", [*samples.HARD_TEXTS, "x" * 1_000_000])
def test_hard_texts_survive(text: str) -> None:
    """NUL, lone surrogates and a megabyte are data."""
    assert json_value(json_bytes({"text": text, text: [text]})) == {"text": text, text: [text]}


def test_canonical_bytes_do_not_depend_on_the_order_of_keys() -> None:
    """Digests are taken over these bytes."""
    assert json_bytes({"b": 1, "a": [2, {"d": 3, "c": 4}]}) == b'{"a":[2,{"c":4,"d":3}],"b":1}'


def test_what_holds_its_default_is_not_written() -> None:
    """So a field that is added later reads as its default from older records."""
    assert "why_zh" not in encode(samples.control())
    assert json.loads(json_bytes(encode(model.Target(host="a", component="b")))) == {"host": "a", "component": "b"}


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"host": "a", "component": "b", "colour": "red"}, "no field 'colour'"),
        ({"host": "a"}, "component"),
        ({"host": 1, "component": "b"}, "str is expected"),
        (["a"], "as an object"),
    ],
)
def test_what_is_no_value_is_refused(written: model.Json, sentence: str) -> None:
    """Unknown, missing and wrong fields are errors; nothing is dropped or made up."""
    with pytest.raises(DecodeError, match=sentence):
        decode(model.Target, written)


def test_a_wrong_enum_or_moment_is_refused() -> None:
    """A damaged record is found where it is read."""
    written = encode(samples.campaign())

    for damage in ({"verb": "destroy"}, {"started_at": "yesterday"}, {"hosts": "web01"}, {"options": 3}):
        with pytest.raises(DecodeError, match=next(iter(damage))):
            decode(model.Campaign, {**written, **damage})


def test_a_moment_without_a_zone_is_refused() -> None:
    """It would be read back as another moment elsewhere."""
    with pytest.raises(ValueError, match="no zone"):
        encode(samples.campaign(started_at=datetime(2026, 1, 1)))


def test_minus_zero_is_not_taken_for_the_default() -> None:
    """It equals 0.0 and is not the same; what is left out reads as the default."""
    probe = model.HostSeen(name="a", address="b", facts={"load": -0.0})
    observation = dataclasses.replace(samples.finding(samples.profile().requirements[0]).observation, duration_s=-0.0)

    assert str(decode(model.HostSeen, encode(probe)).facts["load"]) == "-0.0"
    assert str(decode(model.Observation, encode(observation)).duration_s) == "-0.0"


def test_dates_are_written_as_dates() -> None:
    """An expiry is a day, not a moment."""
    assert encode(samples.waiver())["expires_on"] == date(2026, 12, 31).isoformat()
