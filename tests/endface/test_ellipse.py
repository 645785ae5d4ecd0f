from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from endface.ellipse import fit_ellipse, robust_fit


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

    fit = fit_ellipse(points)

    assert fit is not None
    assert fit == approx([*center, *radii], rel=1e-5, abs=1e-3)


def test_points_on_a_line_are_no_ellipse() -> None:
    """Where no ellipse passes, none is invented."""
    at = np.linspace(0, 10, 20)

    assert fit_ellipse(np.stack([at, at], axis=1)) is None


@pytest.mark.parametrize("first", [0, 90, 200, 300])
def test_displaced_third_of_the_points_is_outvoted(first: int) -> None:
    """An arc of 100 degrees that lies 12 % too far out does not move the ellipse that the others agree on."""
    angles = np.deg2rad(np.arange(360))
    arc = (np.arange(360) - first) % 360 < 100
    points = np.array([300.0, 250.0]) + np.stack([100 * np.cos(angles), 110 * np.sin(angles)], axis=1) * (
        1 + 0.12 * arc[:, None]
    )

    assert robust_fit(points) == approx([300, 250, 100, 110], abs=0.05)
