"""The map of a foreign network: which of its classes is which of ours, and what its input and output mean.

[classes]                 # as in classes.toml; a class is named or numbered
"dust" = "contamination"
"0" = "background"        # background and ignore are painted nowhere

[input]                   # (gray level * scale - mean) / std; the defaults are those of a picture from 0 to 1
scale = 0.00392156862745098
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
size = [640, 640]         # height, width; only where the network leaves them open

[output]
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
from endface_build.data.class_codes import read_classes

_KEYS: Final = {"input": {"scale", "mean", "std", "size"}, "output": {"name", "values"}}


@dataclass(frozen=True)
class NetworkMap:
    """Meaning of a network's input, output and classes.

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
        labels = [f"{number} ({names[number]})" if number in names else str(number) for number in range(count)]
        if strange := sorted(self.classes.keys() - set().union(*keys)):
            raise ConfigurationError(
                f"{self.path} names {', '.join(strange)}, but the network's classes are {', '.join(labels)}: "
                "name those, by name or number."
            )
        for label, found in zip(labels, keys, strict=True):
            if not found:
                raise ConfigurationError(
                    f"{self.path} says nothing of the network's class {label}: "
                    'add it, as "ignore" where it is no defect.'
                )
            if len(found) > 1:
                raise ConfigurationError(f"{self.path} names class {label} by name and by number: drop one.")
        codes = tuple(self.classes[key] for (key,) in keys)
        codes = tuple(code if code in set(map(int, Label)) else int(Label.BACKGROUND) for code in codes)
        if not any(codes):
            raise ConfigurationError(
                f"No class in {self.path} is a defect, so every face would pass: map at least one to scratch, pit, "
                "contamination or chip."
            )
        return codes


def read_map(path: Path) -> NetworkMap:
    """The map in a TOML file.

    Raises:
        ConfigurationError: It is missing or broken, or names a class or a key that we do not have.
    """
    classes = read_classes(path)
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    del tables["classes"]
    unknown = [f"[{name}] {key}" for name, table in tables.items() for key in table if key not in _KEYS.get(name, ())]
    if unknown:
        known = " and ".join(f"[{name}] with {', '.join(sorted(keys))}" for name, keys in _KEYS.items())
        raise ConfigurationError(f"{path} has {', '.join(unknown)}, which means nothing: known are [classes], {known}.")
    given, output = tables.get("input", {}), tables.get("output", {})
    try:
        return NetworkMap(
            path,
            classes,
            scale=_numbers("scale", given["scale"], (1,), above_zero=True)[0] if "scale" in given else None,
            mean=_numbers("mean", given.get("mean", 0.0), (1, 3)),
            std=_numbers("std", given.get("std", 1.0), (1, 3), above_zero=True),
            size=_size(given.get("size")),
            output=output.get("name"),
            values=_values(output.get("values", "logits")),
        )
    except (TypeError, ValueError) as exc:
        raise ConfigurationError(f"{path} cannot be used: {exc}.") from exc


def _numbers(key: str, value: Any, lengths: tuple[int, ...], *, above_zero: bool = False) -> tuple[float, ...]:
    numbers = tuple(float(each) for each in (value if isinstance(value, list) else [value]))
    if len(numbers) not in lengths or not all(math.isfinite(each) and (each > 0 or not above_zero) for each in numbers):
        kind = "numbers above 0" if above_zero else "numbers"
        raise ValueError(f"{key} = {value} should be {' or '.join(map(str, lengths))} finite {kind}")
    return numbers


def _size(value: Any) -> tuple[int, int] | None:
    match value:
        case None:
            return None
        case [int(height), int(width)] if height > 0 and width > 0:
            return height, width
    raise ValueError(f"size = {value} should be [height, width] in pixels")


def _values(value: Any) -> str:
    if value not in ("logits", "probabilities"):
        raise ValueError(f"values = {value!r} should be logits or probabilities")
    return str(value)
