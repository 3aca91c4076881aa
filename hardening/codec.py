"""Model values to JSON and back, without loss.

`encode` turns any value of `hardening.model` into plain JSON values; `decode` gives an equal value back. A field that
holds its default is left out, so that a field added later reads as its default from an older record. A field that
the model does not know is an error: leaving it out in silence would be a loss.

`json_bytes` is the one canonical form that digests are taken over: UTF-8, keys sorted, no spaces. Text that is no valid
Unicode (a lone surrogate, as Python reads an undecodable byte) keeps its code points through `surrogatepass`.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from hardening.model import Json

Value = TypeVar("Value")
Convert = Callable[[Any], Any]

NOTHING_LEFT_OUT: frozenset[str] = frozenset()
NOTHING_GIVEN: Mapping[str, Any] = types.MappingProxyType({})


class DecodeError(ValueError):
    """The JSON does not describe a value of the asked type; the message says which field and why."""


def encode(value: Any, *, leave_out: frozenset[str] = NOTHING_LEFT_OUT) -> dict[str, Json]:
    """Return the JSON object of a model value, without the fields named in `leave_out`.

    Raises ValueError for a value that could not be read back, such as a datetime without a zone.
    """
    encoded: dict[str, Json] = {}
    described: Any = type(value)
    for name, default, write, _ in _fields(described):
        if name in leave_out:
            continue
        held = getattr(value, name)
        # 0 and False, 0.0 and -0.0 are equal but not the same, so nothing that equals 0 is left out.
        if held is default or (type(held) is type(default) and held == default and held != 0):
            continue
        encoded[name] = write(held) if write else held
    return encoded


def decode(kind: type[Value], encoded: Json, *, given: Mapping[str, Any] = NOTHING_GIVEN) -> Value:
    """Return the model value of a JSON object; `given` supplies fields that were left out when encoding.

    Raises DecodeError for a field that is unknown, missing, or of another type.
    """
    if not isinstance(encoded, dict):
        raise DecodeError(f"{kind.__name__} is written as an object, not as {type(encoded).__name__}")
    arguments = dict(given)
    described: Any = kind
    readers = _readers(described)
    for name, held in encoded.items():
        if name not in readers:
            raise DecodeError(f"{kind.__name__} has no field {name!r}; a newer version may have written it")
        read = readers[name]
        try:
            arguments[name] = read(held) if read else held
        except (TypeError, ValueError, AttributeError) as error:
            raise DecodeError(f"{kind.__name__}.{name}: {error}") from error
    try:
        return kind(**arguments)
    except TypeError as error:
        raise DecodeError(f"{kind.__name__}: {error}") from error


def json_bytes(value: Json) -> bytes:
    """Return the canonical bytes of JSON values."""
    return _CANONICAL.encode(value).encode("utf-8", "surrogatepass")


def json_value(written: bytes) -> Json:
    """Return the JSON values of canonical bytes. Raises DecodeError."""
    try:
        value: Json = json.loads(written.decode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise DecodeError(f"not JSON: {error}") from error
    return value


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class _Field(NamedTuple):
    """How one field of a dataclass is written and read; None where a value is its own JSON."""

    name: str
    default: Any
    encode: Convert | None
    decode: Convert | None


@cache
def _fields(kind: Any) -> tuple[_Field, ...]:
    """Return the fields of a dataclass; worked out once per class, as hundreds of thousands of values follow."""
    if not isinstance(kind, type) or not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind} is no dataclass of the model")
    hints = get_type_hints(kind)
    described = []
    for field in dataclasses.fields(kind):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        described.append(_Field(field.name, default, *_converters(hints[field.name])))
    return tuple(described)


@cache
def _readers(kind: Any) -> Mapping[str, Convert | None]:
    """Return how the fields of a dataclass are read, by name."""
    return {field.name: field.decode for field in _fields(kind)}


def _converters(hint: Any) -> tuple[Convert | None, Convert | None]:
    """Return how values of a type are encoded and decoded; None means as they are."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin is tuple:
        return _tuple(arguments)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(arguments)
    if hint in (str, int, bool, float):
        return None, _of_type(hint)
    if hint is datetime:
        return _write_moment, _read_moment
    if hint is date:
        return date.isoformat, date.fromisoformat
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return encode, lambda held: decode(hint, held)
    raise TypeError(f"the codec knows no way to write {hint}")


def _union(arguments: tuple[Any, ...]) -> tuple[Convert | None, Convert | None]:
    """Return the converters of `X | None`, and of Json, which is kept as it is."""
    if str in arguments and bool in arguments:
        return None, None
    others = [argument for argument in arguments if argument is not type(None)]
    if len(others) != 1 or len(others) == len(arguments):
        raise TypeError(f"the codec reads `X | None` and Json, no other union: {arguments}")
    write, read = _calling(others[0])
    return (
        lambda held: None if held is None else write(held),
        lambda held: None if held is None else read(held),
    )


def _calling(hint: Any) -> tuple[Convert, Convert]:
    """Return converters that can be called."""
    write, read = _converters(hint)
    return write or _same, read or _same


def _tuple(arguments: tuple[Any, ...]) -> tuple[Convert, Convert]:
    if len(arguments) != 2 or arguments[1] is not Ellipsis:
        raise TypeError(f"the codec reads tuples of one type: {arguments}")
    write, read = _calling(arguments[0])

    def read_all(held: Any) -> tuple[Any, ...]:
        if not isinstance(held, list):
            raise DecodeError(f"a list is expected, not {type(held).__name__}")
        return tuple(map(read, held))

    return (lambda held: list(map(write, held))), read_all


def _mapping(arguments: tuple[Any, ...]) -> tuple[Convert, Convert]:
    """Return the converters of a mapping whose keys are text (or an enum of text)."""
    write_key, read_key = _calling(arguments[0])
    write, read = _calling(arguments[1])
    if arguments[0] is str and write is _same and read is _same:
        # A mapping of JSON, as it stands in hundreds of thousands of observations.
        return dict, _read_json_mapping
    return (
        lambda held: {write_key(key): write(value) for key, value in held.items()},
        lambda held: {read_key(key): read(value) for key, value in held.items()},
    )


def _same(held: Any) -> Any:
    return held


def _of_type(hint: type[Any]) -> Convert:
    """Return a reader that insists on a type, so that a damaged record is found where it is read."""
    allowed = (int, float) if hint is float else (hint,)

    def read(held: Any) -> Any:
        if type(held) not in allowed:
            raise DecodeError(f"{hint.__name__} is expected, not {type(held).__name__}")
        return held

    return read


def _read_json_mapping(held: Any) -> Any:
    if not isinstance(held, dict):
        raise DecodeError(f"an object is expected, not {type(held).__name__}")
    return held


def _enum(hint: type[Enum]) -> tuple[Convert, Convert]:
    members = {member.value: member for member in hint}
    values = {member: member.value for member in hint}

    def read(held: Any) -> Enum:
        try:
            return members[held]
        except (KeyError, TypeError):
            raise DecodeError(f"{held!r} is none of {', '.join(map(str, members))}") from None

    return values.__getitem__, read


def _write_moment(held: datetime) -> str:
    if held.tzinfo is None:
        raise ValueError(f"{held.isoformat()} names no zone; moments are UTC")
    return held.isoformat()


def _read_moment(held: str) -> datetime:
    return datetime.fromisoformat(held)
