from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from endface.picture.picture import Picture, Rect


@pytest.mark.parametrize(
    ("face", "field"),
    [
        pytest.param({"frame_px": 10}, Rect(14, 14, 706, 562), id="black frame and its sharpened border"),
        pytest.param({"levels": (20, 60, 80)}, Rect(0, 0, 720, 576), id="dark ferrule, no frame"),
    ],
)
def test_field_is_what_the_camera_saw(draw_face: Callable[..., Any], face: dict[str, Any], field: Rect) -> None:
    """A black frame is left out; a dark picture is none."""
    assert Picture(draw_face(**face).gray).field == field


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 20_000)])
def test_narrow_pictures_have_a_field(shape: tuple[int, int]) -> None:
    """A single line has nothing further in to compare with."""
    height, width = shape

    assert Picture(np.full(shape, 90, np.uint8)).field == Rect(0, 0, width, height)
