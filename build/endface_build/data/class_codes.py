"""Classes of labels from outside, and which of ours each of them is."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from endface.contract import Label
from endface.errors import ConfigurationError
from endface_build.data.polygons import TEXT
from endface_build.drawing.canvas import UNDECIDED

CLASSES_FILE: Final = "classes.toml"

OURS: Final = {label.name.lower(): int(label) for label in Label} | {"ignore": UNDECIDED}
"""What a class map's right side may say."""

AS_THEY_ARE: Final = OURS | {str(code): code for code in OURS.values()}
"""Classes that need no class map: our own names, and our own codes in PNG maps."""

Codes = dict[str, int]


def read_classes(path: Path) -> Codes:
    """Their class names to our codes.

    Args:
        path: A TOML file with a table ``classes``.

    Raises:
        ConfigurationError: The file is missing or broken, or names a class that we do not have.
    """
    try:
        table = tomllib.loads(path.read_text(encoding=TEXT))["classes"]
        pairs = {str(theirs): str(ours) for theirs, ours in table.items()}
    except (OSError, ValueError, KeyError, AttributeError) as exc:
        raise ConfigurationError(
            f'No class map in {path}: it needs a table [classes] with lines such as "dust" = "contamination". ({exc})'
        ) from exc
    if unknown := sorted(set(pairs.values()) - set(OURS)):
        raise ConfigurationError(f"{path} names {', '.join(unknown)}; classes are {', '.join(OURS)}.")
    return {theirs: OURS[ours] for theirs, ours in pairs.items()}
