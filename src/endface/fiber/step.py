"""A bright disc whose rim has lines and halos that cannot be followed, fitted by the light on both sides."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.fiber.edge import MIN_LEVELS, MIN_SUPPORT, Edge
from endface.fiber.ellipse import MAX_ASPECT, aspect, distances, from_fit, robust_fit
from endface.fiber.rays import sample_rays, unwrap
from endface.order import median
from endface.report import Ellipse

END_SHARE: Final = 1 / 6
"""Part of a ray at each end on which the levels of the two sides are read."""

MIN_STEP_SHARE: Final = 0.33
"""A ray shows the step where it has at least this share of the median one."""

TOLERANCE: Final = 0.03
"""A ray agrees within this share of the radius: an uneven line along the rim moves the light, but not far."""

MIN_DISC_SUPPORT: Final = 0.8
MIN_DISC_LEVELS: Final = 8.0
"""Share of the rays that must agree on a disc, and by how many levels it is brighter than what is around it."""

AROUND: Final = (0.88, 0.95, 1.05, 1.12)
MIN_SHARP: Final = 0.75
"""Of the light that is lost between the outer two of these shares of the radius this part is lost between the inner
two: drawn discs have at least 0.8 there, glare and the lenses of receivers at most 0.65."""


def fit_bright_disc(gray: NDArray[np.uint8], guess: Ellipse, *, reach: float) -> Edge | None:
    """Fit a disc that is brighter than all around it within ``reach`` (a share of the radius) of a guess.

    A last resort: at a rim with an uneven dark line inside and a halo outside this is right within some hundredths of
    the radius, which an edge that can be followed is always better than.
    """
    first = fit_step(gray, guess, reach=reach)
    edge = None if first is None else fit_step(gray, first.ellipse, reach=reach)
    if edge is None or -edge.levels < MIN_DISC_LEVELS or edge.support < MIN_DISC_SUPPORT:
        return None
    rays, _ = sample_rays(gray, edge.ellipse, np.array(AROUND))
    if rays is None:
        return None
    inside, near, beyond, outside = np.median(rays, axis=0)
    return edge if near - beyond >= MIN_SHARP * (inside - outside) else None


def fit_step(gray: NDArray[np.uint8], guess: Ellipse, *, reach: float) -> Edge | None:
    """Fit the places near a guess where a sharp step would leave as much light along each ray as the picture shows.

    Lines and halos along a rim move them less than they move the steepest slope.  None where the levels on both sides
    do not differ clearly, or change slowly from one to the other.
    """
    strip = unwrap(gray, guess, reach)
    if strip is None:
        return None
    end = max(round(END_SHARE * len(strip.shares)), 2)
    inside, outside = (strip.levels[:, part].mean(axis=1) for part in (slice(end), slice(-end, None)))
    levels = float(median(outside - inside))
    rays = np.flatnonzero((outside - inside) * np.sign(levels) > max(MIN_STEP_SHARE * abs(levels), MIN_LEVELS))
    if len(rays) < MIN_SUPPORT * len(inside):
        return None
    left = (strip.levels[rays] - outside[rays, None]) / (inside - outside)[rays, None]
    shares = strip.shares[0] + (left.sum(axis=1) - 0.5) * (strip.shares[1] - strip.shares[0])
    points = np.array(strip.around.center_px, np.float64) + strip.directions[rays] * shares[:, None]
    tolerance = max(TOLERANCE, 1 / strip.radius_px)
    fit = robust_fit(points, tolerance / 2)
    if not aspect(fit) <= MAX_ASPECT:  # NaN where there is no fit
        return None
    votes = rays[np.abs(distances(points, fit[None])[0]) < tolerance]
    support = len(votes) / len(inside)
    return Edge(from_fit(fit), support, levels) if support >= MIN_SUPPORT else None
