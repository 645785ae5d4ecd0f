"""The edge of a disc, followed along rays from its centre."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.ellipse import MAX_ASPECT, VOTE_SHARE, FloatArray, aspect, distance, from_fit, reweighted_fit, robust_fit
from endface.report import Ellipse

RAYS: Final = 360
MIN_RAYS_SEEN: Final = 0.4
"""Share of the circumference that must lie in the picture."""

MIN_SUPPORT: Final = 0.6
"""Share of the rays that must vote; the others may be chipped, dirty or bridged by glue."""

MIN_LEVELS: Final = 1.5
"""Weakest edge in gray levels; noise on the mean of all rays is about a tenth."""

SMOOTHING_PX: Final = 1.5
"""Standard deviation of the smoothing along rays."""

SIDE_PX: Final = 5.0
SIDE_SHARE: Final = 0.06
"""Distance from an edge, in pixels or as a share of the radius, at which the levels on its two sides are read."""


@dataclass(frozen=True)
class Rim:
    """A fitted edge.

    Attributes:
        ellipse: Where it is.
        support: Share of the rays that agree with it.
        levels: Median gray step from inside to outside; negative where the inside is brighter.
        width_px: Median width of the edge from 10 to 90 % of its step.
    """

    ellipse: Ellipse
    support: float
    levels: float
    width_px: float


def fit_rim(
    gray: NDArray[np.uint8], guess: Ellipse, *, reach: float, sign: float = 0.0, damaged: bool = False
) -> Rim | None:
    """Fit the steepest edges along rays within ``reach`` (a share of the radius) of a guess.

    ``sign`` is that of the step from inside to outside; 0 takes that between the ends of the rays.
    ``damaged`` expects arcs of the rim to be missing.
    """
    radius_px = float(np.mean(guess.radii_px))
    shares = 1 + np.linspace(-reach, reach, max(int(4 * reach * radius_px), 16) + 1)
    step_px = float(shares[1] - shares[0]) * radius_px
    rays, directions = sample_rays(gray, guess, shares, count=min(RAYS, int(4 * radius_px)))
    if rays is None:
        return None
    smooth = cv2.GaussianBlur(rays, (0, 0), sigmaX=SMOOTHING_PX / step_px, sigmaY=0.5)
    slopes = np.gradient(smooth, axis=1)
    sign = sign or float(np.sign(np.median(smooth[:, -1] - smooth[:, 0]))) or 1.0
    at = (sign * slopes).argmax(axis=1)
    points = np.array(guess.center_px, np.float64) + directions * shares[at, None]
    fit = robust_fit(points) if damaged else reweighted_fit(points)
    if fit is None or aspect(fit) > MAX_ASPECT:
        return None
    votes = np.flatnonzero(np.abs(distance(points, fit)) < max(VOTE_SHARE, 1 / radius_px))
    if len(votes) < MIN_SUPPORT * len(points):
        return None
    side = round(max(SIDE_PX, SIDE_SHARE * radius_px) / step_px)
    outside = smooth[votes, np.minimum(at[votes] + side, len(shares) - 1)]
    inside = smooth[votes, np.maximum(at[votes] - side, 0)]
    levels = float(np.median(outside - inside))
    if abs(levels) < MIN_LEVELS:
        return None
    slope = abs(float(np.median(slopes[votes, at[votes]]))) / step_px
    return Rim(from_fit(fit), len(votes) / len(points), levels, _edge_width_px(abs(levels), slope))


def _edge_width_px(levels: float, slope: float) -> float:
    """Width from 10 to 90 % of a Gaussian edge, which is its step over its slope, less our own smoothing."""
    blur_px = math.sqrt(2 * math.pi) * SMOOTHING_PX
    return math.sqrt(max((levels / slope) ** 2 - blur_px**2, 0.0))


def sample_rays(
    gray: NDArray[np.uint8], around: Ellipse, shares: FloatArray, *, count: int = RAYS
) -> tuple[NDArray[np.float32] | None, FloatArray]:
    """Levels along those rays that lie in the picture: float32 (rays, shares), and the rays' vectors (rays, 2).

    No levels where too few of the ``count`` rays do.
    """
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.array(around.radii_px)
    ends = np.array(around.center_px) + directions * shares[-1]
    directions = directions[((ends >= 0) & (ends <= np.array(gray.shape[::-1]) - 1)).all(axis=1)]
    if len(directions) < MIN_RAYS_SEEN * count:
        return None, directions
    at = (np.array(around.center_px) + directions[:, None, :] * shares[None, :, None]).astype(np.float32)
    levels = cv2.remap(gray, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return levels.astype(np.float32), directions
