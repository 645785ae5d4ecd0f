"""Sensitivity: which size and contrast a defect must have to be found, and how well its size is measured then, from
spots of known diameter and tone.

Unlike random faces, whose faint marks nobody could label, every spot here counts: the table says where seeing ends.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from endface.report import Defect, Report
from endface_build.data.drawn_pictures import encode, random_fiber
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.marks import Blob, pit
from endface_build.drawing.random_places import Point
from endface_build.drawing.squares import random_camera

SIZES_UM: Final = (1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0)
CONTRASTS: Final = (10, 20, 40, 80)
"""Gray levels that a spot takes from the glass or the ferrule under it; the noise of the cameras is 0.4 to 3.5."""

SPOTS: Final = 16
"""Spots on a face: no more, so that none touches another."""

APART_UM: Final = 14.0
"""Least distance of two spots' centers."""

RADII_UM: Final = ((14.0, 54.0), (72.0, 118.0))
"""Spots lie in the zones B and D, clear of core and rim: there their contrast is what it says."""

OPTICS: Final = ("width_px", "height_px", "um_per_px", "blur_um", "noise", "noise_grain_px", "jpeg_quality")
"""What is random in the cameras; the light and the tone curve are not."""

SEED: Final = 20_004

_TO_DEVIATION: Final = 1.4826
"""A normal distribution's standard deviation over the median distance from its median."""


def sensitivity(
    inspect: Callable[[bytes], Report], *, faces: int, progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Recall by size and contrast, and the error of the sizes.

    Args:
        inspect: Gives the report of an encoded picture.
        faces: How many faces to draw, each by another random camera.
        progress: Called after each face with the number done.

    Returns:
        ``faces``, ``invalid`` of them, ``sizes_um``, ``contrasts``, and ``recall``: a row a contrast, a column a size,
        each the share found, the count, and of the found ones the median error of the size and its standard deviation,
        robust against spots that merge with something else (1.48 times the median distance from the median).
    """
    errors_um: dict[tuple[int, float], list[float | None]] = defaultdict(list)
    invalid = 0
    for index in range(faces):
        rng = np.random.default_rng((SEED, index))
        picture, spots, contrasts = draw(rng)
        report = inspect(encode(picture))
        invalid += report.verdict == "invalid"
        for spot, contrast in zip(spots, contrasts, strict=True):
            found = [defect.size_um for defect in report.defects if _covers(defect, spot)]
            errors_um[contrast, spot.length_um].append(found[0] - spot.length_um if found else None)
        if progress is not None:
            progress(index + 1)
    table = [[_cell(errors_um[contrast, size_um]) for size_um in SIZES_UM] for contrast in CONTRASTS]
    return {
        "faces": faces,
        "invalid": invalid,
        "sizes_um": list(SIZES_UM),
        "contrasts": list(CONTRASTS),
        "recall": table,
    }


def draw(rng: np.random.Generator) -> tuple[NDArray[np.uint8], list[Blob], list[int]]:
    """A single-mode face with spots.

    Args:
        rng: Source of every choice.

    Returns:
        The picture uint8 (H, W), the spots, and the contrast of each in gray levels before the optics' blur.
    """
    face = random_fiber(rng, "single-mode")
    seen = random_camera(rng)
    # An even light and a plain tone curve, or a spot's contrast would not be what it says.
    camera = Camera(**{name: getattr(seen, name) for name in OPTICS})
    spots, contrasts = [], []
    for place in _places(rng):
        ground = face.zones[0].level if math.hypot(*place) < face.cladding_um / 2 else face.ferrule
        possible = [contrast for contrast in CONTRASTS if contrast < 0.9 * ground]
        contrasts.append(int(rng.choice(possible)))
        spots.append(pit(place, float(rng.choice(SIZES_UM)), tone=-contrasts[-1] / ground))
    face = type(face)(zones=face.zones, ferrule=face.ferrule, rim=face.rim, grain=0.0, marks=tuple(spots))
    return photograph(face, camera, seed=int(rng.integers(2**31))).picture, spots, contrasts


def _places(rng: np.random.Generator) -> list[Point]:
    """Places in the judged zones, apart from one another."""
    places: list[Point] = []
    while len(places) < SPOTS:
        low, high = RADII_UM[rng.integers(len(RADII_UM))]
        radius_um, angle = rng.uniform(low, high), rng.uniform(0, 2 * math.pi)
        place = (radius_um * math.cos(angle), radius_um * math.sin(angle))
        if all(math.dist(place, other) >= APART_UM for other in places):
            places.append(place)
    return places


def _covers(defect: Defect, spot: Blob) -> bool:
    """Whether a reported defect is this spot: nearer than its radius and a micrometer of stray."""
    return math.dist(defect.center_um, spot.center_um) <= spot.length_um / 2 + 1.0


def _cell(errors_um: list[float | None]) -> dict[str, Any]:
    """What a size and a contrast came to; None is a spot that was missed."""
    found = [error for error in errors_um if error is not None]
    bias = statistics.median(found) if found else None
    spread = statistics.median(abs(error - bias) for error in found) if bias is not None else None
    return {
        "share": round(len(found) / len(errors_um), 4) if errors_um else None,
        "count": len(errors_um),
        "bias_um": None if bias is None else round(bias, 2),
        "sigma_um": None if spread is None else round(_TO_DEVIATION * spread, 2),
    }
