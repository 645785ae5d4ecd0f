"""The map of a network from outside: which of its classes is which of ours, and what its input and output mean.

[classes]                 # as in classes.toml; a class is named or numbered
"dust" = "contamination"
"0" = "background"        # background and ignore are painted nowhere

[input]                   # (gray level * scale - mean) / std; the defaults are those of a picture from 0 to 1
scale = 0.00392156862745098
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
size = [640, 640]         # height, width; only where the network leaves them open

[output]                  # only for import-segmentation
name = "out"              # only where the network has several outputs
values = "probabilities"  # or "logits", which is the default
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from endface.contract import Label
from endface.errors import ConfigurationError
from endface_build.data.label_folder import read_classes

_VALUES: Final = ("logits", "probabilities")
_KEYS: Final = {"input": {"scale", "mean", "std", "size"}, "output": {"name", "values"}}


@dataclass(frozen=True)
class NetworkMap:
    """What a network's input, output and classes mean.

    Attributes:
        path: The file that says so.
        classes: Our code for each of their classes, by name or number; codes that are no ``Label`` are to be ignored.
        scale: Factor on gray levels of 0 to 255; None for the usual one.
        mean: Subtracted after that, one number or one for each channel.
        std: Divided by after that.
        size: Height and width of the input where the network leaves them open.
        output: Name of the output to take; None where there is but one.
        values: ``logits`` or ``probabilities``.
    """

    path: Path
    classes: Mapping[str, int]
    scale: float | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    size: tuple[int, int] | None = None
    output: str | None = None
    values: str = "logits"

    def codes(self, names: Mapping[int, str], count: int) -> tuple[int, ...]:
        """Our label for each of the network's classes.

        Args:
            names: The names that the network has for its classes, by number; empty where it has none.
            count: How many classes it has.

        Returns:
            A ``Label`` code a class; ``BACKGROUND`` for what is to be ignored.

        Raises:
            ConfigurationError: A class is not in the map, or is in it twice; the map names a class that the network
                lacks; or no class is a defect.
        """
        keys = [{names.get(number, str(number)), str(number)} & self.classes.keys() for number in range(count)]
        spoken = [f"{number} ({names[number]})" if number in names else str(number) for number in range(count)]
        if strange := sorted(self.classes.keys() - set().union(*keys)):
            raise ConfigurationError(
                f"{self.path} names {', '.join(strange)}, but the network's classes are {', '.join(spoken)}: "
                "name those, by name or number."
            )
        if missing := [name for name, found in zip(spoken, keys, strict=True) if not found]:
            raise ConfigurationError(
                f"{self.path} says nothing of the network's class {', '.join(missing)}: "
                'add it, as "ignore" where it is no defect.'
            )
        if twice := [name for name, found in zip(spoken, keys, strict=True) if len(found) > 1]:
            raise ConfigurationError(f"{self.path} names class {', '.join(twice)} by name and by number: drop one.")
        codes = tuple(self.classes[key] for (key,) in keys)
        codes = tuple(code if code in set(map(int, Label)) else int(Label.BACKGROUND) for code in codes)
        if not any(codes):
            raise ConfigurationError(
                f"No class in {self.path} is a defect, so every face would pass: map at least one to scratch, pit, "
                "contamination or chip."
            )
        return codes


def read_map(path: Path) -> NetworkMap:
    """Read a network's map.

    Args:
        path: The TOML file.

    Raises:
        ConfigurationError: It is missing or broken, or names a class or a key that we do not have.
    """
    classes = read_classes(path)
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, table in tables.items():
        known = _KEYS.get(name, set(table) if name == "classes" else set())
        if not isinstance(table, dict) or (unknown := sorted(set(table) - known)) or name not in {"classes", *_KEYS}:
            wrong = f"[{name}] {', '.join(unknown)}" if isinstance(table, dict) else name
            raise ConfigurationError(
                f"{path} has {wrong}, which means nothing: known are [classes], [input] with "
                f"{', '.join(sorted(_KEYS['input']))} and [output] with {', '.join(sorted(_KEYS['output']))}."
            )
    given, output = tables.get("input", {}), tables.get("output", {})
    try:
        return NetworkMap(
            path,
            classes,
            scale=_numbers(given["scale"], (1,))[0] if "scale" in given else None,
            mean=_numbers(given.get("mean", 0.0), (1, 3)),
            std=_divisors(given.get("std", 1.0)),
            size=_size(given["size"]) if "size" in given else None,
            output=str(output["name"]) if "name" in output else None,
            values=_values(output.get("values", _VALUES[0])),
        )
    except (TypeError, ValueError) as exc:
        raise ConfigurationError(f"{path} cannot be used: {exc}.") from exc


def _numbers(value: Any, lengths: tuple[int, ...]) -> tuple[float, ...]:
    numbers = tuple(float(each) for each in (value if isinstance(value, list) else [value]))
    if len(numbers) not in lengths or not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{value} should be {' or '.join(map(str, lengths))} finite numbers")
    return numbers


def _divisors(value: Any) -> tuple[float, ...]:
    numbers = _numbers(value, (1, 3))
    if not all(number > 0 for number in numbers):
        raise ValueError(f"std = {value} should be above 0")
    return numbers


def _size(value: Any) -> tuple[int, int]:
    match value:
        case [int(height), int(width)] if height > 0 and width > 0:
            return height, width
    raise ValueError(f"size = {value} should be [height, width] in pixels")


def _values(value: Any) -> str:
    if value not in _VALUES:
        raise ValueError(f"values = {value!r} should be {' or '.join(_VALUES)}")
    return str(value)
