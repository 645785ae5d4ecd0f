"""Dataclasses from the values that JSON gave, by the types of their fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass
from functools import cache
from types import NoneType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

_Kind = TypeVar("_Kind")
_Reader = Callable[[Any], Any]


def from_json_values(kind: type[_Kind], values: object) -> _Kind:
    """A dataclass from a JSON object; keys that the class does not have are ignored.

    A field may be a dataclass, a tuple, or one of them or None.  Tuples of a fixed length hold plain values, which stay
    as JSON gave them and are not checked.

    Args:
        kind: the dataclass.
        values: a field's value by its name.

    Raises:
        TypeError: a key is missing, or a value is no object or no array where one should be.
        ValueError: an array has another length than its tuple.
    """
    made: _Kind = _reader(cast("Any", kind))(values)
    return made


@cache
def _reader(kind: Any) -> _Reader:
    """What makes a value of a type; worked out once, since a report may have thousands of points."""
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    parts = get_args(kind)
    if get_origin(kind) is tuple:
        return _tuple_reader(parts)
    if NoneType in parts:
        (read,) = (_reader(part) for part in parts if part is not NoneType)
        return lambda value: None if value is None else read(value)
    return _unchanged


def _dataclass_reader(kind: Any) -> _Reader:
    readers = {name: _reader(hint) for name, hint in get_type_hints(kind).items()}

    def read(values: Any) -> Any:
        if not isinstance(values, dict):
            raise TypeError(f"{kind.__name__} is {values!r}, not an object")
        return kind(**{key: readers[key](value) for key, value in values.items() if key in readers})

    return read


def _tuple_reader(parts: tuple[Any, ...]) -> _Reader:
    if parts[-1] is Ellipsis:
        read_part = _reader(parts[0])
        return lambda values: tuple(map(read_part, values))

    def read(values: Any) -> tuple[Any, ...]:
        if len(values) != len(parts):
            raise ValueError(f"{values!r} does not have {len(parts)} values")
        return tuple(values)

    return read


def _unchanged(value: Any) -> Any:
    return value
