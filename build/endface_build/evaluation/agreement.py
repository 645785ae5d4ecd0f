"""How far an engine agrees with another one: labels pixel by pixel, and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endface.errors import ConfigurationError


@dataclass(frozen=True)
class Seen:
    """What an engine says of a picture.

    Attributes:
        verdict: The report's.
        labels: uint8 (512, 512); None where the picture was refused before any network saw it.
    """

    verdict: str
    labels: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Agreement:
    """What came of a comparison.

    Attributes:
        pictures: Pictures that the networks saw.
        labels_equal: Share of pixels with the same label.
        worst: The same in the picture where it is lowest.
        flips: Pictures whose verdict is another one.
    """

    pictures: int
    labels_equal: float
    worst: float
    flips: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self) | {"flips": list(self.flips)}


def agreement(wanted: Mapping[str, Seen], found: Mapping[str, Seen]) -> Agreement:
    """Compare two engines on the same pictures, known by their names.

    Raises:
        ConfigurationError: No picture was good enough for a network to see it.
    """
    shares = [
        float((seen.labels == found[name].labels).mean()) for name, seen in wanted.items() if seen.labels is not None
    ]
    if not shares:
        raise ConfigurationError("All pictures are refused before a network sees them: name better ones.")
    flips = tuple(name for name, seen in wanted.items() if seen.verdict != found[name].verdict)
    return Agreement(len(shares), round(fmean(shares), 6), round(min(shares), 6), flips)
