from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from endface.fiber.ellipse import FloatArray, fit_ellipses, robust_fit

_TURN = np.linspace(-1, 1, 360)


@given(
    center=st.tuples(st.floats(-500, 1500), st.floats(-500, 1500)),
    radii=st.tuples(st.floats(20, 800), st.floats(20, 800)),
    first=st.floats(0, 6.28),
)
def test_ellipse_through_exact_points_is_exact(
    center: tuple[float, float], radii: tuple[float, float], first: float
) -> None:
    """Five or more points of half an ellipse give that ellipse back."""
    angles = np.linspace(first, first + np.pi, 40)
    points = np.array(center) + np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.array(radii)

    (fit,) = fit_ellipses(points[None])

    assert fit == approx([*center, *radii], rel=1e-5, abs=1e-3)


def _points(center: tuple[float, float], radii: tuple[float, float], count: int = 360) -> FloatArray:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.array(center) + np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.array(radii)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(np.stack([np.arange(360.0)] * 2, axis=1), id="on a line"),
        pytest.param(np.full((360, 2), 7.0), id="one point"),
        pytest.param(
            np.stack([np.cosh(_TURN), np.sinh(_TURN)], axis=1) * np.resize([[1], [-1]], (360, 1)), id="hyperbola"
        ),
    ],
)
def test_points_on_no_ellipse_leave_their_neighbors_alone(other: FloatArray) -> None:
    """Where no ellipse passes, none is invented, and those that are fitted at the same time stay what they are."""
    fits = fit_ellipses(np.stack([_points((30, 20), (10, 12)), other, _points((5, 6), (3, 3))]))

    assert np.isnan(fits[1]).all()
    assert fits[[0, 2]] == approx(np.array([[30, 20, 10, 12], [5, 6, 3, 3]]))


def test_point_without_weight_does_not_count() -> None:
    """An outlier of weight 0 leaves the ellipse where it is."""
    points = _points((30, 20), (10, 12))
    points[5] = 100, 100

    (fit,) = fit_ellipses(points[None], np.arange(360)[None] != 5)

    assert fit == approx([30, 20, 10, 12])


@pytest.mark.parametrize("first", [0, 90, 200, 300])
def test_displaced_third_of_the_points_is_outvoted(first: int) -> None:
    """An arc of 100 degrees that lies 12 % too far out does not move the ellipse that the others agree on."""
    arc = (np.arange(360) - first) % 360 < 100
    points = (_points((0, 0), (100, 110))) * (1 + 0.12 * arc[:, None]) + (300, 250)

    assert robust_fit(points) == approx([300, 250, 100, 110], abs=0.05)


def test_points_on_no_ellipse_have_no_robust_fit() -> None:
    """A line stays a line, whichever arc is left out."""
    assert np.isnan(robust_fit(np.stack([np.arange(360.0)] * 2, axis=1))).all()
