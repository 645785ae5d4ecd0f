"""Random places, strengths and courses of marks.

Every function takes its random generator first, so one seed fixes a whole face.
"""

from __future__ import annotations

import math

import numpy as np

from endface_build.drawing.faces import Face

Point = tuple[float, float]
"""x and y in micrometers from the fiber's center."""

FIELD_UM = 132.0
"""Half side of the field in which marks are placed: a little more than the square."""


def random_tone(rng: np.random.Generator, low: float, high: float, *, bright: float = 0.15) -> float:
    """Random tone, log-uniform between two strengths; positive in a share ``bright`` of cases."""
    strength = math.exp(rng.uniform(math.log(low), math.log(high)))
    return float(strength * 0.7 if rng.random() < bright else -strength)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number whose logarithm is uniform between those of two bounds."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def random_place(rng: np.random.Generator, face: Face) -> Point:
    """A place: one in three on the fiber, the others anywhere."""
    if rng.random() < 0.35:
        radius_um, angle = face.cladding_um / 2 * math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)
        return radius_um * math.cos(angle), radius_um * math.sin(angle)
    return float(rng.uniform(-FIELD_UM, FIELD_UM)), float(rng.uniform(-FIELD_UM, FIELD_UM))


def random_seed(rng: np.random.Generator) -> int:
    """A seed for a mark's own details."""
    return int(rng.integers(2**31))


def random_curve(
    rng: np.random.Generator, start: Point, length_um: float, *, bend: float, step_um: float = 6.0
) -> list[Point]:
    """A smooth curve as points ``step_um`` apart, whose curvature wanders with ``bend`` (radians a step)."""
    heading, turn, points = rng.uniform(0, 2 * math.pi), rng.normal(0, bend), [start]
    for _ in range(max(2, round(length_um / step_um))):
        turn = 0.8 * turn + 0.6 * rng.normal(0, bend)
        heading += turn
        points.append((points[-1][0] + step_um * math.cos(heading), points[-1][1] + step_um * math.sin(heading)))
    return points
