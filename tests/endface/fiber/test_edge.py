from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest import approx

from endface.fiber.edge import Edge, fit_cladding_edge, fit_edge, fit_twice
from endface.fiber.rays import sample_rays
from endface.report import Ellipse

CENTER_PX, RADIUS_PX = (350.3, 290.8), 110.0


GUESS = Ellipse((352, 290), (108, 111))

Y, X = np.mgrid[:576, :720].astype(np.float64)
OFF_PX = np.hypot(X - CENTER_PX[0], Y - CENTER_PX[1]) - RADIUS_PX
"""How far each pixel lies outside the edge."""


def _rim(inside: float, outside: float, line: float, halo: float, *, uneven: float = 0.0) -> NDArray[np.uint8]:
    """A disc's edge with a dark line inside and a bright halo outside, ``uneven`` around the circumference."""
    strength = 1 + uneven * np.sin(3 * np.arctan2(Y - CENTER_PX[1], X - CENTER_PX[0]))
    levels = outside + (inside - outside) / (1 + np.exp(np.clip(2 * OFF_PX, -30, 30)))
    levels -= line * strength * np.exp(-(((OFF_PX + 2.5) / 2) ** 2))
    levels += halo * strength * np.exp(-(((OFF_PX - 2.5) / 2) ** 2))
    noise = np.random.default_rng(4).normal(0, 1, levels.shape)
    return np.clip(np.round(levels + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("uneven", [0.0, 0.5])
@pytest.mark.parametrize(
    "levels",
    [
        pytest.param((90, 180, 40, 40), id="bright-ferrule"),
        pytest.param((120, 60, 60, 60), id="dark-ferrule-line-and-halo"),
        pytest.param((110, 85, 0, 120), id="dark-ferrule-halo"),
        pytest.param((120, 100, 90, 0), id="dark-ferrule-line"),
        pytest.param((120, 120, 40, 40), id="ferrule-like-the-cladding"),
    ],
)
def test_edge_lies_between_line_and_halo(levels: tuple[float, float, float, float], uneven: float) -> None:
    """Whichever is darker, ferrule or cladding: the edge is where the dark line turns into the bright halo."""
    rim = fit_cladding_edge(_rim(*levels, uneven=uneven), GUESS, reach=0.09)

    assert rim is not None
    assert rim.ellipse.center_px == approx(CENTER_PX, abs=0.4)
    assert rim.ellipse.radii_px == approx((RADIUS_PX, RADIUS_PX), rel=0.01)


def test_plain_step_into_a_dark_ferrule_is_met_in_its_middle() -> None:
    """With neither line nor halo the edge is the middle of the step down."""
    rim = fit_cladding_edge(_rim(120, 60, 0, 0), GUESS, reach=0.09)

    assert rim is not None
    assert rim.levels == approx(-60, abs=2)
    assert rim.ellipse.radii_px == approx((RADIUS_PX, RADIUS_PX), abs=0.3)


def test_flat_surroundings_have_no_rim() -> None:
    """Where nothing changes there is no edge."""
    assert fit_cladding_edge(np.full((576, 720), 128, np.uint8), GUESS, reach=0.09) is None


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_sign_chooses_between_rise_and_fall(draw_face: Callable[..., Any], sign: float) -> None:
    """A bright ring has a rise at its inner and a fall at its outer edge; the sign names the one to fit."""
    radius_px = 100.0 if sign > 0 else 112.0
    ring = draw_face(center=CENTER_PX, radii=(112.0, 112.0), levels=(100, 180, 100), core_share=100 / 112)

    rim = fit_edge(ring.gray, Ellipse(CENTER_PX, (106.0, 106.0)), reach=0.12, sign=sign)

    assert rim is not None
    assert rim.ellipse.radii_px == approx((radius_px, radius_px), abs=0.3)


NEAR, NEARER = (Ellipse(CENTER_PX, (radius_px, radius_px)) for radius_px in (109.0, 110.0))


@pytest.mark.parametrize(
    ("fits", "options", "kept"),
    [
        pytest.param([None], {}, None, id="none"),
        pytest.param([Edge(NEAR, 0.95, 80)], {}, NEAR, id="clear at once"),
        pytest.param([Edge(NEAR, 0.7, 80), Edge(NEARER, 0.95, 80)], {}, NEARER, id="better from the first one"),
        pytest.param([Edge(NEAR, 0.7, 80), None], {}, NEAR, id="the second fit fails"),
        pytest.param([Edge(NEAR, 0.95, 80), Edge(NEARER, 0.95, 80)], {"far_off": 0.05}, NEARER, id="far off"),
        pytest.param([Edge(NEAR, 0.95, 80), None], {"far_off": 0.05}, NEAR, id="far off, and the second fit fails"),
        pytest.param([Edge(NEAR, 0.8, 80), None], {"keep_from": 0.8}, NEAR, id="good enough to stay"),
        pytest.param([Edge(NEAR, 0.7, 80), None], {"keep_from": 0.8}, None, id="too poor to stay"),
    ],
)
def test_second_fit_never_costs_a_good_first(
    fits: list[Edge | None], options: dict[str, float], kept: Ellipse | None
) -> None:
    """What some rays disagree with, or what was far off, is fitted again from where it is; a good fit stays found."""
    left, guesses = iter(fits), []

    def fit(guess: Ellipse) -> Edge | None:
        guesses.append(guess)
        return next(left)

    rim = fit_twice(fit, Ellipse(CENTER_PX, (100.0, 100.0)), **options)

    assert (rim and rim.ellipse) == kept
    assert len(guesses) == len(fits)
    assert guesses[1:] in ([], [NEAR])


def test_rays_out_of_the_picture_are_left_out() -> None:
    """Of a circle at the picture's left border only the rays to the right are sampled; of one outside none."""
    gray = np.zeros((200, 300), np.uint8)
    shares = np.array([0.5, 1.0])

    rays, directions = sample_rays(gray, Ellipse((10.0, 100.0), (50.0, 50.0)), shares, count=100)
    none, _ = sample_rays(gray, Ellipse((-60.0, 100.0), (50.0, 50.0)), shares, count=100)

    assert rays is not None
    assert rays.shape == (len(directions), 2)
    assert 50 < len(directions) < 60
    assert none is None
