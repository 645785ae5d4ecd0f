"""The two pure stages around the network: encoded picture to square, label map to report.

    bytes -> picture -> fiber -> square, frame   |network|   labels, frame -> defects -> verdict -> report

A ``Frame`` carries what the second stage must know of the first: the request's wishes, the picture, the fiber, or the
problem that keeps the picture from being judged.  Such a picture still gets a square (black), so that its neighbors
in a batch go their way; its report is ``invalid``, never a pass.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface import __version__
from endface.contract import MOST_FIBERS, SQUARE_PX
from endface.criteria.core import NO_CORE, check_core
from endface.criteria.exposure import require_exposure
from endface.criteria.overlay import require_no_overlay
from endface.criteria.profile import Profile, load_profile
from endface.criteria.scale import clear_marks, coarsest_um_per_px, refuse_coarse_pass, require_scale
from endface.criteria.sharpness import require_sharpness, with_blur
from endface.criteria.structure import find_structures, require_explained
from endface.criteria.verdict import judge, require_coverage
from endface.defects.measure import measure
from endface.defects.zones import coverage
from endface.errors import (
    AmbiguousCladdingError,
    EndfaceError,
    NegativeError,
    NoFiberError,
    PictureError,
    ProfileChangedError,
    ScaleMismatchError,
)
from endface.fiber.ellipse import moved
from endface.fiber.locate import Located, choose, locate_all
from endface.files import sha256
from endface.frame import Frame
from endface.options import Options
from endface.picture.decode import check_size, decode
from endface.picture.gray_paint import find_gray_paint
from endface.picture.negative import is_negative
from endface.picture.picture import Picture
from endface.picture.quality import measure_quality
from endface.picture.square import Placement, resample, resample_paint
from endface.report import Calibration, Ellipse, FoundFiber, ImageInfo, ModelInfo, Problem, Report

LARGEST_SCALE_ERROR: Final = 0.2
"""A requested scale may make the cladding this much wider or narrower than named; beyond, one is wrong."""


def preprocess(data: bytes, options: Options) -> tuple[NDArray[np.uint8], Frame]:
    """Encoded picture to the network's square uint8 (512, 512) and its frame.

    A picture that cannot be judged gives a black square and a frame with the problem.

    Raises:
        RequestError: the picture is empty or oversized, or the profile, one of the zones, or the fiber does not exist.
    """
    started = time.perf_counter()
    check_size(data)
    profile = load_profile(options.profile, options.profiles).confined_to(options.zones)
    frame = replace(_frame(data, options), profile_sha256=profile.criteria.sha256)
    square = np.zeros((SQUARE_PX, SQUARE_PX), np.uint8)
    try:
        picture = decode(data)
        height, width = picture.gray.shape
        frame = replace(frame, image=replace(frame.image, width=width, height=height))
        fibers = locate_fibers(picture)
        frame = replace(frame, fibers=_found(fibers))
        located = choose(fibers, options.fiber)
        if options.um_per_px is not None:
            located = located.of_radius(options.cladding_um / 2 / options.um_per_px)
        fiber = located.fiber
        calibration = _calibrate(fiber.cladding, options)
        um_per_px = max(calibration.um_per_px)
        screened = options.screen and um_per_px > coarsest_um_per_px(profile)
        frame = replace(frame, fiber=fiber, calibration=calibration, screened=screened)
        if not screened:
            _require_one_cladding(located, profile, options)
        require_scale(profile, um_per_px, screening=screened)
        placement = Placement(fiber.cladding.center_px, calibration.um_per_px)
        seen = placement.seen(picture.field, picture.circle)
        coverages = {zone.name: coverage(zone, seen) for zone in profile.zones}
        frame = replace(frame, seen_px=picture.field, seen_circle=picture.circle, coverage=coverages)
        require_coverage(profile, coverages)
        for paint in (picture.paint, find_gray_paint(picture.gray, fiber.cladding, fiber.core)):
            if paint is not None:
                painted = resample_paint(paint, picture, placement) & seen
                require_no_overlay(profile, painted, _width_um(fiber.cladding, calibration))
        resampled = resample(picture, placement)
        if picture.circle is not None:  # the black around it is no dirt
            resampled[~seen] = np.median(resampled[seen])
        quality = measure_quality(resampled, _width_um(fiber.cladding, calibration))
        frame = replace(frame, quality=quality)
        if not screened:
            require_sharpness(profile, quality)
        require_exposure(profile, resampled)
        _require_positive(located, resampled, calibration)
        notes = check_core(profile, fiber, resampled, placement, any_core=options.any_core, structure=located.structure)
        structures = find_structures(resampled, fiber, placement, profile, other_core=bool(notes))
        frame = replace(frame, notes=notes, structures=structures)
        square = resampled
    except PictureError as exc:
        frame = replace(frame, problem=Problem(exc.code, str(exc)))
    return square, replace(frame, timings_ms={"preprocess": _ms_since(started)})


def refuse(data: bytes, options: Options, error: EndfaceError) -> tuple[NDArray[np.uint8], Frame]:
    """Black square and frame of a picture that is malformed while its neighbors in the request are not."""
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
    whole = load_profile(frame.profile, profiles)
    problem = frame.problem or _changed_profile(frame, whole)
    blank = Report(
        verdict="invalid",
        error=problem or Problem("internal", "not judged yet"),
        image=frame.image,
        criteria=whole.criteria,
        software=f"endface {__version__}",
        serial=frame.serial,
        meta=frame.meta,
        calibration=frame.calibration,
        fiber=frame.fiber,
        fibers=frame.fibers,
        fiber_number=frame.fiber_number,
        quality=frame.quality,
        scope=whole.scope(frame.zones),
        notes=frame.notes,
        model=model,
        timings_ms=frame.timings_ms,
    )
    if problem is not None or frame.fiber is None or frame.calibration is None or frame.seen_px is None:
        return replace(blank, reasons=(blank.error.message,) if blank.error else ())
    placement = Placement(frame.fiber.cladding.center_px, frame.calibration.um_per_px)
    labels = labels * placement.seen(frame.seen_px, frame.seen_circle)  # the rest is made up: background, which is 0
    profile = whole.confined_to(frame.zones)
    defects = measure(labels, confidence, placement, whole.zones, size=whole.size)
    if frame.quality is not None:
        defects = with_blur(defects, frame.quality)
    um_per_px = max(frame.calibration.um_per_px)
    if frame.screened:
        defects = clear_marks(defects, um_per_px, _width_um(frame.fiber.cladding, frame.calibration))
    core_seen = frame.fiber.core is not None
    judgment = judge(defects, profile, frame.coverage, frame.quality, placement, core_seen=core_seen)
    if judgment.verdict == "pass":
        try:
            require_explained(frame.structures, labels, confidence)
            if frame.screened:
                raise refuse_coarse_pass(profile, um_per_px)
        except PictureError as exc:
            problem = Problem(exc.code, str(exc))
            timings_ms = dict(frame.timings_ms) | {"postprocess": _ms_since(started)}
            return replace(blank, error=problem, reasons=(str(exc),), defects=defects, timings_ms=timings_ms)
    return replace(
        blank,
        verdict=judgment.verdict,
        error=None,
        borderline=judgment.borderline,
        reasons=judgment.reasons,
        borderline_reasons=judgment.borderline_reasons,
        notes=blank.notes if core_seen else (*blank.notes, NO_CORE),
        zones=judgment.zones,
        defects=defects,
        timings_ms=dict(frame.timings_ms) | {"postprocess": _ms_since(started)},
    )


def _changed_profile(frame: Frame, profile: Profile) -> Problem | None:
    """The problem where both stages know different limits of the same name, or None."""
    if frame.profile_sha256 in ("", profile.criteria.sha256):
        return None
    error = ProfileChangedError(
        f"the profile {frame.profile} was changed while the server ran, and its stages know different limits "
        f"({frame.profile_sha256[:12]} and {profile.criteria.sha256[:12]}); restart the server"
    )
    return Problem(error.code, str(error))


def _frame(data: bytes, options: Options) -> Frame:
    image = ImageInfo(options.name, sha256(data))
    return Frame(options.profile, image, options.serial, options.meta, zones=options.zones, fiber_number=options.fiber)


def _found(fibers: Sequence[Located]) -> tuple[FoundFiber, ...]:
    """The fibers of a picture that shows several; none where it shows one."""
    claddings = [(fiber.cladding, fiber.cut_off) for fiber in fibers] if len(fibers) > 1 else []
    return tuple(
        FoundFiber(number, cladding.center_px, cladding.radii_px, cut_off)
        for number, (cladding, cut_off) in enumerate(claddings, 1)
    )


def locate_fibers(picture: Picture) -> tuple[Located, ...]:
    """Locate the fibers inside the camera's field, in pixels of the whole picture."""
    field, circle = picture.field, picture.circle
    round_field = None if circle is None else moved(circle, -field.x0, -field.y0)
    located = locate_all(picture.unpainted[field.y0 : field.y1, field.x0 : field.x1], round_field)
    if len(located) > MOST_FIBERS:
        raise NoFiberError(
            f"{len(located)} discs are in the picture, and no connector has more than {MOST_FIBERS} fibers; check that "
            "a connector is under the microscope"
        )
    return tuple(fiber.moved(field.x0, field.y0) for fiber in located)


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


def _require_one_cladding(located: Located, profile: Profile, options: Options) -> None:
    """Refuse a picture in which two outlines may be the cladding, and no scale tells which is."""
    if located.rival is None or options.um_per_px is not None:
        return
    inner_px, outer_px = sorted(sum(each.radii_px) for each in (located.cladding, located.rival.cladding))
    if options.cladding_um / outer_px > coarsest_um_per_px(profile):
        return  # the picture is too coarse either way
    raise AmbiguousCladdingError(
        f"two circles may be the cladding, {inner_px:.0f} and {outer_px:.0f} pixels wide: a fiber in its ferrule or "
        "field of view, or a core or dirt in a fiber; name the camera's scale (um_per_px), which tells"
    )


def _require_positive(located: Located, square: NDArray[np.uint8], calibration: Calibration) -> None:
    """Refuse a negative: its chips and dirt look like none."""
    bright = located.edge is not None and located.edge.levels < 0
    if bright and is_negative(square, _width_um(located.cladding, calibration)):
        raise NegativeError(
            "the fiber is much brighter than the ferrule, as in a negative, where dirt is bright and would be missed; "
            "if the camera saves negatives, save positives; if the ferrule is a dark one, use less light, and look for "
            "a dark pit in the middle of the core by eye"
        )


def _width_um(cladding: Ellipse, calibration: Calibration) -> float:
    """The cladding's diameter on the square."""
    return sum(radius * scale for radius, scale in zip(cladding.radii_px, calibration.um_per_px, strict=True))


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
