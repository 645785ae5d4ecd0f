"""Whether a drawn picture can be judged at all: its focus and its light are known, so its right verdict is, too.

Where a picture cannot be judged, ``invalid`` is the only right verdict; where that is open, it is one of several.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface_build.evaluation.regions import Ground

INVALID: Final = frozenset({"invalid"})

SPOT_OF_BLUR: Final = 2.35
"""A spot as wide as this many deviations of the blur keeps half of its contrast; a narrower one looks as wide as it."""

SHARP_UM: Final = 2.0 / SPOT_OF_BLUR
"""Blur up to which a picture must be judged: spots of 2 um, the smallest that a limit counts, keep half of their
contrast."""

BLURRED_UM: Final = 3.0 / SPOT_OF_BLUR
"""Blur from which none may be: a scratch of 3 um, the narrowest that alone decides, looks as wide as any narrower one.
"""

SATURATED: Final = (0.2, 0.4)
"""Shares of a zone at an end of the gray scale up to which a picture must be judged, and from which none may be."""


def right_verdicts(
    by_labels: frozenset[str], blur_um: float, gray: NDArray[np.uint8], ground: Ground
) -> frozenset[str]:
    """The verdicts that are right for a drawn picture.

    Args:
        by_labels: Those that the limits give for its labels.
        blur_um: Deviation of the blur of optics and pixels on the face.
        gray: The picture, uint8 (H, W).
        ground: Its zones.

    Returns:
        ``by_labels``, with ``invalid`` where the picture may be refused, or ``invalid`` alone where it must be.
    """
    saturated = max(_ends(gray, ground))
    if blur_um >= BLURRED_UM or saturated >= SATURATED[1]:
        return INVALID
    if blur_um > SHARP_UM or saturated > SATURATED[0]:
        return by_labels | INVALID
    return by_labels


def _ends(gray: NDArray[np.uint8], ground: Ground) -> list[float]:
    """Share of each zone with limits that is black or white."""
    ends = (gray <= 1) | (gray >= 254)
    zones = [ground.ring(row.zone) for row in ground.profile.rows if row.limited]
    return [float(ends[ring].mean()) if ring.any() else 0.0 for ring in zones]
