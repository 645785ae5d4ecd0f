"""TOML table of a profile, checked to the last key; each error says where in the file it is."""

from __future__ import annotations

import math
from typing import Any, cast


class TomlTable:
    """A table with all the keys that it needs, and no other than those that it may have.

    Args:
        values: what TOML gave.
        needed: keys that must be there.
        optional: keys that may be there.
        path: where the table stands in the file, such as ``zones[0]``; empty for the file itself.

    Raises:
        ValueError: it is no table, or a key is missing or unknown.  Each method raises it for a value of another type.
    """

    def __init__(self, values: object, needed: set[str], optional: set[str], path: str = "") -> None:
        if not isinstance(values, dict):
            raise ValueError(f"{path}: expected a table with {', '.join(sorted(needed))}")
        self._values = cast("dict[str, Any]", values)
        self._path = path
        if missing := sorted(needed - values.keys()):
            raise self.error(missing[0], "missing")
        if unknown := sorted(values.keys() - needed - optional):
            raise self.error(unknown[0], f"unknown key, expected one of {', '.join(sorted(needed | optional))}")

    def path(self, key: str) -> str:
        """Where a key stands in the file."""
        return f"{self._path}.{key}" if self._path else key

    def error(self, key: str, problem: str) -> ValueError:
        """The error of a key's value."""
        return ValueError(f"{self.path(key)}: {problem}")

    def value(self, key: str, default: object = None) -> Any:
        """A value of any type; the default where the key is missing."""
        return self._values.get(key, default)

    def text(self, key: str, default: str = "", expected: str = "a text") -> str:
        """A text."""
        value = self._values.get(key, default)
        if not isinstance(value, str):
            raise self.error(key, f"expected {expected}, not {value!r}")
        return value

    def um(self, key: str, default: float = math.nan) -> float:
        """Micrometers, 0 or more."""
        value = self._values.get(key, default)
        if type(value) not in (int, float) or not 0 <= value < math.inf:
            raise self.error(key, f"expected micrometers from 0 upward, not {value!r}")
        return float(value)

    def share(self, key: str, default: float) -> float:
        """A share, 0 to 1."""
        value = self._values.get(key, default)
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise self.error(key, f"expected a share from 0 to 1, not {value!r}")
        return float(value)

    def items(self, key: str, expected: str) -> list[Any]:
        """A list; empty where the key is missing."""
        value = self._values.get(key, [])
        if not isinstance(value, list):
            raise self.error(key, f"expected {expected}")
        return value
