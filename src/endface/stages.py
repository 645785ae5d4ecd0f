"""The two pure stages around the network: encoded picture to square, label map to report.

    bytes -> picture -> fiber -> square, frame   |network|   labels, frame -> defects -> verdict -> report

A ``Frame`` carries what the second stage must know of the first: the request's wishes, the picture, the fiber, or the
problem that keeps the picture from being judged.  Such a picture still gets a square (black), so that its neighbours
in a batch go their way; its report is ``invalid``, never a pass.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface import __version__
from endface.contract import CLADDING_UM, META_PREFIX, PARAMETERS, SQUARE_PX
from endface.errors import (
    BadParameterError,
    CoarseScaleError,
    DefocusError,
    EndfaceError,
    PictureError,
    SaturatedError,
    ScaleMismatchError,
    UnknownProfileError,
)
from endface.geometry import Located, locate
from endface.image import Picture, Placement, Rect, check_size, decode, resample, sha256
from endface.measure import measure
from endface.profile import Profile, load_profile, profile_names
from endface.report import Calibration, Ellipse, Fiber, ImageInfo, ModelInfo, Problem, Report
from endface.rim import Rim
from endface.rules import judge, require_coverage
from endface.zones import coverage

CLADDING_RANGE_UM: Final = (50.0, 1000.0)
"""Cladding diameters that a request may name: from thin sensor fibers to large-core power fibers."""

SCALE_RANGE_UM: Final = (0.01, 10.0)
"""Scales in micrometres per pixel that a request may name."""

COARSEST_UM_PER_PX: Final = 1.0
"""A 2 um defect, the smallest that the limits count, must cover two pixels of the camera."""

MAX_PARAMETER_CHARS: Final = 65_536
"""Names and values of a request's parameters together: they travel with the picture through every stage."""

LARGEST_SCALE_ERROR: Final = 0.2
"""A requested scale may make the cladding this much wider or narrower than named; beyond, one is wrong."""

SOFTEST_EDGE_UM: Final = 3.0
"""10 to 90 % width of the cladding's edge from which a picture is out of focus.

Sharp photographs of two cameras lie below 1.4 um; at 3 um a 2 um defect has lost half of its contrast.
"""

MOST_SATURATED: Final = 0.3
"""Share of a judged zone that may be at an end of the gray scale; a lit core reached 0.21 in a good photograph."""


@dataclass(frozen=True)
class Options:
    """What a request asks for.

    Attributes:
        profile: Name of the profile to judge by.
        cladding_um: The fiber's cladding diameter, which gives the scale.
        um_per_px: Scale of the camera (geometric mean of x and y) instead of the one from the cladding.
        serial: The part's serial number, echoed.
        name: The picture's name, echoed.
        meta: Further values, echoed.
        profiles: Folder with the user's own profiles beside those of endface.
    """

    profile: str
    cladding_um: float = CLADDING_UM
    um_per_px: float | None = None
    serial: str = ""
    name: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    profiles: Path | None = None

    @classmethod
    def from_parameters(
        cls,
        parameters: Mapping[str, str | int | float | bool],
        default_profile: str = "",
        profiles: Path | None = None,
    ) -> Options:
        """Read a request's parameters; numbers may come as strings.

        Raises:
            UnknownProfileError: no profile is named and there is no default, or there is none of that name.
            BadParameterError: a parameter that does not exist, is no number, or lies out of range; or all of them
                together are too long.
        """
        length = sum(len(key) + len(str(value)) for key, value in parameters.items())
        if length > MAX_PARAMETER_CHARS:
            raise BadParameterError(
                f"the request's parameters have {length:,} characters, at most {MAX_PARAMETER_CHARS:,} are taken; "
                "keep long texts elsewhere, under the part's serial number"
            )
        meta = {key[len(META_PREFIX) :]: str(value) for key, value in parameters.items() if key.startswith(META_PREFIX)}
        own = {key: value for key, value in parameters.items() if not key.startswith(META_PREFIX)}
        for key in own:
            if key not in PARAMETERS:
                raise BadParameterError(f"there is no parameter {key!r}; known are {', '.join(PARAMETERS)} and meta.*")
        profile = str(own.get("profile", "") or default_profile)
        if not profile:
            names = ", ".join(profile_names(profiles))
            raise UnknownProfileError(f"the request names no profile and there is no default; known are {names}")
        load_profile(profile, profiles)
        scale = own.get("um_per_px")
        return cls(
            profile=profile,
            cladding_um=_number("cladding_um", own.get("cladding_um", CLADDING_UM), CLADDING_RANGE_UM),
            um_per_px=None if scale is None else _number("um_per_px", scale, SCALE_RANGE_UM),
            serial=str(own.get("serial", "")),
            name=str(own.get("name", "")),
            meta=meta,
            profiles=profiles,
        )


@dataclass(frozen=True)
class Frame:
    """What ``postprocess`` must know of ``preprocess``; travels as JSON.

    Attributes:
        profile: Name of the profile to judge by.
        image: The picture, its size 0 while it is not decoded.
        serial: Echoed.
        meta: Echoed.
        problem: Why the picture cannot be judged; None where it can.
        calibration: Camera scale, where a fiber was found.
        fiber: The fiber, where one was found.
        seen_px: The part of the picture inside the camera's black frame.
        coverage: Share of each zone that the camera saw.
        timings_ms: Time spent so far.
    """

    profile: str
    image: ImageInfo
    serial: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    problem: Problem | None = None
    calibration: Calibration | None = None
    fiber: Fiber | None = None
    seen_px: Rect | None = None
    coverage: Mapping[str, float] = field(default_factory=dict)
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(vars(self), default=vars, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Frame:
        """Read what ``to_json`` wrote."""
        values = json.loads(text)
        problem, scale, fiber, seen = (values[key] for key in ("problem", "calibration", "fiber", "seen_px"))
        parsed = {
            "image": ImageInfo(**values["image"]),
            "problem": Problem(**problem) if problem else None,
            "calibration": Calibration.from_dict(scale) if scale else None,
            "fiber": Fiber.from_dict(fiber) if fiber else None,
            "seen_px": Rect(**seen) if seen else None,
        }
        return cls(**values | parsed)


def preprocess(data: bytes, options: Options) -> tuple[NDArray[np.uint8], Frame]:
    """Encoded picture to the network's square uint8 (512, 512) and its frame.

    A picture that cannot be judged gives a black square and a frame with the problem.

    Raises:
        RequestError: the picture is empty or oversized, or the profile does not exist.
    """
    started = time.perf_counter()
    check_size(data)
    profile = load_profile(options.profile, options.profiles)
    frame = _frame(data, options)
    square = np.zeros((SQUARE_PX, SQUARE_PX), np.uint8)
    try:
        picture = decode(data)
        height, width = picture.gray.shape
        frame = replace(frame, image=replace(frame.image, width=width, height=height))
        located = _locate(picture)
        fiber = Fiber(located.cladding.ellipse, located.core)
        frame = replace(frame, fiber=fiber, calibration=_calibrate(fiber.cladding, options))
        square, frame = _place(picture, located.cladding, frame, profile)
    except PictureError as exc:
        frame = replace(frame, problem=Problem(exc.code, str(exc)))
    return square, replace(frame, timings_ms={"preprocess": _ms_since(started)})


def refuse(data: bytes, options: Options, error: EndfaceError) -> tuple[NDArray[np.uint8], Frame]:
    """Black square and frame of a picture that is malformed while its neighbours in the request are not."""
    frame = replace(_frame(data, options), problem=Problem(error.code, str(error)))
    return np.zeros((SQUARE_PX, SQUARE_PX), np.uint8), frame


def postprocess(
    labels: NDArray[np.uint8],
    confidence: NDArray[np.uint8],
    frame: Frame,
    model: ModelInfo | None = None,
    *,
    profiles: Path | None = None,
) -> Report:
    """The network's label map and confidence, uint8 (512, 512), to the report."""
    started = time.perf_counter()
    profile = load_profile(frame.profile, profiles)
    blank = Report(
        verdict="invalid",
        error=frame.problem or Problem("internal", "not judged yet"),
        image=frame.image,
        criteria=profile.criteria,
        software=f"endface {__version__}",
        serial=frame.serial,
        meta=frame.meta,
        calibration=frame.calibration,
        fiber=frame.fiber,
        model=model,
        timings_ms=frame.timings_ms,
    )
    if frame.problem is not None or frame.fiber is None or frame.calibration is None or frame.seen_px is None:
        return replace(blank, reasons=(blank.error.message,) if blank.error else ())
    placement = Placement(frame.fiber.cladding.center_px, frame.calibration.um_per_px)
    labels = labels * placement.seen(frame.seen_px)  # the rest is made up: background, which is 0
    defects = measure(labels, confidence, placement, profile.zones, size=profile.size)
    judgement = judge(defects, profile, frame.coverage)
    return replace(
        blank,
        verdict=judgement.verdict,
        error=None,
        borderline=judgement.borderline,
        reasons=judgement.reasons,
        zones=judgement.zones,
        defects=defects,
        timings_ms=dict(frame.timings_ms) | {"postprocess": _ms_since(started)},
    )


def _frame(data: bytes, options: Options) -> Frame:
    image = ImageInfo(options.name, sha256(data))
    return Frame(options.profile, image, options.serial, options.meta)


def _locate(picture: Picture) -> Located:
    """Locate the fiber inside the camera's field, in pixels of the whole picture."""
    field = picture.field
    located = locate(picture.gray[field.y0 : field.y1, field.x0 : field.x1])

    def moved(ellipse: Ellipse) -> Ellipse:
        return replace(ellipse, center_px=(ellipse.center_px[0] + field.x0, ellipse.center_px[1] + field.y0))

    cladding = replace(located.cladding, ellipse=moved(located.cladding.ellipse))
    return Located(cladding, moved(located.core) if located.core else None)


def _calibrate(cladding: Ellipse, options: Options) -> Calibration:
    """Scale from the cladding's diameter, or as requested; the ratio of x to y is always the ellipse's."""
    radius_um = options.cladding_um / 2
    x, y = (radius_um / radius_px for radius_px in cladding.radii_px)
    if options.um_per_px is None:
        return Calibration((x, y), "cladding")
    factor = options.um_per_px / math.sqrt(x * y)
    if not 1 / (1 + LARGEST_SCALE_ERROR) <= factor <= 1 + LARGEST_SCALE_ERROR:
        raise ScaleMismatchError(
            f"at {options.um_per_px:g} um per pixel the cladding is {options.cladding_um * factor:.0f} um wide, "
            f"not {options.cladding_um:g} um; correct um_per_px or cladding_um"
        )
    return Calibration((x * factor, y * factor), "request")


def _place(picture: Picture, cladding: Rim, frame: Frame, profile: Profile) -> tuple[NDArray[np.uint8], Frame]:
    """Resample the square and refuse what cannot be judged on it."""
    assert frame.calibration is not None
    scale = frame.calibration.um_per_px
    if max(scale) > COARSEST_UM_PER_PX:
        raise CoarseScaleError(
            f"a pixel is {max(scale):.2f} um, at most {COARSEST_UM_PER_PX:g} um can be judged; use a stronger objective"
        )
    edge_um = cladding.width_px * math.sqrt(scale[0] * scale[1])
    if edge_um > SOFTEST_EDGE_UM:
        raise DefocusError(
            f"the cladding's edge is {edge_um:.1f} um wide, at most {SOFTEST_EDGE_UM:g} um is in focus; focus again"
        )
    placement = Placement(cladding.ellipse.center_px, scale)
    seen = placement.seen(picture.field)
    frame = replace(frame, seen_px=picture.field, coverage={zone.name: coverage(zone, seen) for zone in profile.zones})
    require_coverage(profile, frame.coverage)
    square = resample(picture, placement)
    _require_contrast(square, profile)
    return square, frame


def _require_contrast(square: NDArray[np.uint8], profile: Profile) -> None:
    ends = (square <= 1) | (square >= 254)
    for row in profile.rows:
        share = coverage(row.zone, ends)
        if row.limited and share > MOST_SATURATED:
            raise SaturatedError(
                f"{share:.0%} of zone {row.zone.name} is black or white, at most {MOST_SATURATED:.0%} can be judged; "
                "change the exposure or the light in the core"
            )


def _number(key: str, value: str | int | float | bool, bounds: tuple[float, float]) -> float:
    low, high = bounds
    try:
        number = float(value)
    except ValueError as exc:
        raise BadParameterError(f"{key} is {value!r}, it must be a number from {low:g} to {high:g}") from exc
    if isinstance(value, bool) or not low <= number <= high:
        raise BadParameterError(f"{key} is {value}, it must be a number from {low:g} to {high:g}")
    return number


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
