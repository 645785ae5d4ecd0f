from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from endface.criteria.exposure import require_exposure
from endface.criteria.profile import load_profile
from endface.errors import SaturatedError

MM = load_profile("mm-pc")


def glare(level: int, *, radius_um: float, spots: bool = False) -> NDArray[np.uint8]:
    """A gray square with a burnt-out disc in its middle, or with specks of 1.5 um all over it."""
    square = np.full((512, 512), 128, np.uint8)
    if spots:
        square[::4, ::4] = square[1::4, ::4] = square[2::4, ::4] = level
        square[::4, 1::4] = square[1::4, 1::4] = square[2::4, 1::4] = level
        return square
    return np.asarray(cv2.circle(square, (256, 256), round(radius_um * 2), level, -1), np.uint8)


@pytest.mark.parametrize("level", [0, 255])
def test_burnt_out_core_is_refused(level: int) -> None:
    """White or black over a third of zone A, 65 um wide, hides what is there; over a quarter is judged."""
    require_exposure(MM, glare(level, radius_um=16.0))

    with pytest.raises(SaturatedError, match=r"of zone A is black or white, at most 30% .* change the exposure"):
        require_exposure(MM, glare(level, radius_um=19.0))


def test_specks_that_hide_no_deciding_mark_are_no_reason() -> None:
    """Half of the face is white in specks of 1 x 1.5 um: a scratch of 3 um, the smallest that decides, sticks out."""
    require_exposure(MM, glare(255, radius_um=0, spots=True))


def test_zone_without_limits_may_be_white() -> None:
    """Zone C is not judged: its glue may glare."""
    square = np.full((512, 512), 128, np.uint8)
    cv2.circle(square, (256, 256), 125, 255, 16)

    require_exposure(MM, square)
