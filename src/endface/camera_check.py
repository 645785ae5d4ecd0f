"""What a camera's picture allows: scale, field, focus, light and noise, and which profiles can judge it.

The profiles' answer is that of ``preprocess`` itself; no network is needed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from endface.criteria.profile import load_profile
from endface.defects.zones import Zone, coverage
from endface.errors import PictureError
from endface.fiber.locate import Located
from endface.options import Options
from endface.picture.decode import decode
from endface.picture.picture import Picture
from endface.picture.quality import measure_quality
from endface.picture.square import Placement, diameters_um, resample
from endface.report import Point, Problem, Quality
from endface.stages import locate_fibers, preprocess

_JUDGED_UM: Final = 250.0
"""Diameter within which light is measured: the outer bound of the zones of the standard."""


@dataclass(frozen=True)
class Light:
    """Gray levels of what is seen within 250 um around the fiber.

    Attributes:
        darkest: the level that one pixel of a hundred is below.
        brightest: the level that one pixel of a hundred is above.
        saturated: share of pixels at an end of the gray scale.
    """

    darkest: int
    brightest: int
    saturated: float


@dataclass(frozen=True)
class CameraCheck:
    """What one picture of a camera allows; where no fiber was found, only ``problem`` and ``fibers`` say something.

    Attributes:
        problem: why nothing can be measured; None where a fiber was found.
        fibers: how many there are.
        cut_off: how many of them the picture's border cuts through.
        um_per_px: the scale in x and y.
        field_um: width and height of what the camera sees.
        coverage: share that is seen of each zone, around the fiber that is measured; of zones of one name in several
            profiles the smallest.
        quality: blur and noise.
        light: gray levels.
        profiles: for each profile why it cannot judge the picture; None where it can.
    """

    problem: Problem | None = None
    fibers: int = 0
    cut_off: int = 0
    um_per_px: Point = (0.0, 0.0)
    field_um: Point = (0.0, 0.0)
    coverage: Mapping[str, float] = field(default_factory=dict)
    quality: Quality | None = None
    light: Light | None = None
    profiles: Mapping[str, Problem | None] = field(default_factory=dict)

    @property
    def judged_by(self) -> tuple[str, ...]:
        """Names of the profiles that can judge the picture."""
        return tuple(name for name, problem in self.profiles.items() if problem is None)


def check_camera(data: bytes, profiles: Sequence[str], options: Options) -> CameraCheck:
    """Measure one picture of a camera.  Of several fibers it measures the whole one nearest to the middle.

    Args:
        data: the encoded picture.
        profiles: names of the profiles that may judge it.
        options: zones, cladding or scale, and the folder of the user's own profiles.  Its profile does not matter, nor
            does the kind of fiber that the picture happens to show.

    Raises:
        RequestError: the picture is empty or oversized, or a profile does not exist.
    """
    try:
        picture = decode(data)
        fibers = locate_fibers(picture)
    except PictureError as exc:
        problem = Problem(exc.code, str(exc))
        return CameraCheck(problem, profiles=dict.fromkeys(profiles, problem))
    number, fiber = _nearest(picture, fibers)
    chosen = replace(options, fiber=number if len(fibers) > 1 else None, any_core=True)
    frames = {name: preprocess(data, replace(chosen, profile=name))[1] for name in profiles}
    scale = next((frame.calibration.um_per_px for frame in frames.values() if frame.calibration), None)
    problems = {name: frame.problem for name, frame in frames.items()}
    found = CameraCheck(None, fibers=len(fibers), cut_off=sum(each.cut_off for each in fibers), profiles=problems)
    if scale is None:
        return replace(found, problem=next(iter(problems.values())))
    zones = [zone for name in profiles for zone in load_profile(name, options.profiles).zones]
    return _measured(found, picture, fiber, scale, zones)


def _nearest(picture: Picture, fibers: Sequence[Located]) -> tuple[int, Located]:
    """The fiber that is measured, and its number."""
    seen = picture.field
    middle = ((seen.x0 + seen.x1) / 2, (seen.y0 + seen.y1) / 2)
    return min(enumerate(fibers, 1), key=lambda pair: (pair[1].cut_off, math.dist(pair[1].cladding.center_px, middle)))


def _measured(
    found: CameraCheck, picture: Picture, fiber: Located, um_per_px: Point, zones: Iterable[Zone]
) -> CameraCheck:
    """Scale, field, blur, noise and light of a picture whose scale is known."""
    placement = Placement(fiber.cladding.center_px, um_per_px)
    seen = placement.seen(picture.field, picture.circle)
    shares: dict[str, float] = {}
    for zone in zones:
        shares[zone.name] = min(shares.get(zone.name, 1.0), coverage(zone, seen))
    square = resample(picture, placement)
    levels = square[seen & (diameters_um() < _JUDGED_UM)]
    if picture.circle is not None:
        square[~seen] = np.median(square[seen])
    cladding_um = sum(radius * scale for radius, scale in zip(fiber.cladding.radii_px, um_per_px, strict=True))
    darkest, brightest = np.percentile(levels, (1, 99))
    field_px = (picture.field.x1 - picture.field.x0, picture.field.y1 - picture.field.y0)
    return replace(
        found,
        um_per_px=um_per_px,
        field_um=(field_px[0] * um_per_px[0], field_px[1] * um_per_px[1]),
        coverage=dict(sorted(shares.items())),
        quality=measure_quality(square, cladding_um),
        light=Light(round(float(darkest)), round(float(brightest)), float(((levels <= 1) | (levels >= 254)).mean())),
    )


def advice(checks: Sequence[CameraCheck]) -> list[str]:
    """Plain sentences about a camera out of its pictures; the last one says what to change, or that nothing is."""
    total = len(checks)
    names = dict.fromkeys(name for check in checks for name in check.profiles)
    judged: dict[int, list[str]] = {}
    for name in names:
        judged.setdefault(sum(name in check.judged_by for check in checks), []).append(name)
    shares = (f"{count} of {total} by {', '.join(judged[count])}" for count in sorted(judged, reverse=True))
    sentences = [f"can be judged: {'; '.join(shares)}"]
    if several := sum(check.fibers > 1 for check in checks):
        sentences.append(
            f"{several} of {total} show several fibers: inspect them with endface inspect --connector, or name one "
            "with --fiber"
        )
    refused = Counter(problem.code for check in checks for problem in check.profiles.values() if problem)
    if not refused:
        return [*sentences, "nothing to change: every profile can judge every picture"]
    ((code, _),) = refused.most_common(1)
    concerned = [
        problem
        for check in checks
        for problem in check.profiles.values()
        if problem is not None and problem.code == code
    ]
    pictures = sum(any(problem and problem.code == code for problem in check.profiles.values()) for check in checks)
    return [*sentences, f"to change first ({code}, {pictures} of {total}): {concerned[0].message}"]
