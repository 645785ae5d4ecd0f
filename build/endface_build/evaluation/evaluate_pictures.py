"""Evaluation of inspections on labelled pictures: reports, made here or by a server, against the labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PureWindowsPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.criteria.profile import Profile, load_profile
from endface.errors import ConfigurationError
from endface.picture.decode import decode
from endface.picture.square import Placement
from endface.report import Ellipse, Report
from endface_build.data.labelled import Labelled, placement_of
from endface_build.evaluation.judgeable import INVALID, right_verdicts
from endface_build.evaluation.label_verdicts import allowed_verdicts, is_near_limit, labelled_objects
from endface_build.evaluation.match_defects import match_defects
from endface_build.evaluation.metrics import EvaluatedPicture
from endface_build.evaluation.regions import Ground

Inspect = Callable[[Labelled], Report]
"""Gives a labelled picture's report: an inspector's, or one that a server made before."""

CENTER_UM: Final = 1.5
RADIUS_SHARE: Final = 0.02
"""A fiber is found where center and radii are this close to the labelled ones."""


def evaluate_pictures(
    pictures: Iterable[Labelled],
    inspections: Mapping[str, Inspect],
    profile: str,
    progress: Callable[[int], None] | None = None,
) -> dict[str, list[EvaluatedPicture]]:
    """Several inspections of the same pictures against their labels.

    Args:
        pictures: The pictures with their labels.
        inspections: What is evaluated, by name: the network, the classical baseline.
        profile: The limits.
        progress: Called after each picture with the number done.

    Returns:
        The evaluated pictures of each inspection, by its name.
    """
    limits = load_profile(profile)
    evaluated: dict[str, list[EvaluatedPicture]] = {name: [] for name in inspections}
    for number, labelled in enumerate(pictures, start=1):
        gray = decode(labelled.data).gray
        for name, inspect in inspections.items():
            evaluated[name].append(evaluate_report(labelled, inspect(labelled), limits, gray))
        if progress is not None:
            progress(number)
    return evaluated


def evaluate_report(
    labelled: Labelled, report: Report, profile: Profile, gray: NDArray[np.uint8] | None = None
) -> EvaluatedPicture:
    """One report against its picture's labels.

    Where the labels do not say where the fiber lies, the report's own fiber places the zones. Of a drawn picture that
    cannot be judged, or is rightly refused, only the verdict counts.

    Args:
        labelled: The picture with its labels.
        report: What was reported of it.
        profile: The limits that verdicts go by.
        gray: The decoded picture, to measure contrast in and to see whether it can be judged; None to leave that out.
    """
    placement = _placement(labelled, report)
    refusal = report.error.code if report.error is not None else ""
    if placement is None:
        truth = frozenset({"fail" if (labelled.labels > 0).any() else "pass"})
        return EvaluatedPicture(labelled.name, None, report.verdict, truth, refusal=refusal)
    height, width = labelled.labels.shape
    ground = Ground((height, width), placement, profile)
    objects = labelled_objects(labelled.labels, ground, labelled.either)
    truth = allowed_verdicts(objects, profile)
    if labelled.blur_um is not None and gray is not None:
        truth = right_verdicts(truth, labelled.blur_um, gray, ground)
        if truth == INVALID or report.verdict in truth & INVALID:
            return EvaluatedPicture(labelled.name, None, report.verdict, truth, refusal=refusal)
    return EvaluatedPicture(
        name=labelled.name,
        match=match_defects(labelled.labels, objects, report.defects, ground, gray),
        verdict=report.verdict,
        truth=truth,
        near=is_near_limit(objects, profile),
        localized=is_localized(report, labelled.claddings) if labelled.claddings else None,
        refusal=refusal,
    )


def drawn_verdict(labels: NDArray[np.uint8], placement: Placement, profile: Profile) -> str:
    """The verdict that the limits give for drawn labels, whose outlines are exact; undecided marks do not count.

    Args:
        labels: uint8 (H, W) in the camera's pixels.
        placement: Where the fiber lies.
        profile: The limits.
    """
    ground = Ground((labels.shape[0], labels.shape[1]), placement, profile)
    (verdict,) = allowed_verdicts(labelled_objects(labels, ground, reach_um=0.0), profile)
    return verdict


def is_localized(report: Report, claddings: Iterable[Ellipse]) -> bool:
    """Whether a report's fiber lies where one of the known claddings does."""
    if report.verdict == "invalid" or report.fiber is None:
        return False
    found = report.fiber.cladding
    return any(_is_near(found, known) for known in claddings)


def read_reports(path: Path) -> Inspect:
    """Reports that a server made, one JSON object a line, as an inspection.

    Args:
        path: The file; ``image.name`` says which picture a report belongs to.

    Raises:
        ConfigurationError: The file is missing, holds something else or two reports of a name, or, when asked, no
            report of a picture.
    """
    reports: dict[str, Report] = {}
    try:
        for report in map(Report.from_json, filter(str.strip, path.read_text(encoding="utf-8").splitlines())):
            name = PureWindowsPath(report.image.name).name  # which reads the slashes of either system
            if name in reports:
                raise ConfigurationError(f"{path} has two reports of {name}: inspect the folder again into a new file.")
            reports[name] = report
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"No reports in {path}: make them with `endface inspect --json`. ({exc})") from exc
    by_stem: dict[str, list[str]] = {}
    for name in reports:
        by_stem.setdefault(Path(name).stem, []).append(name)

    def inspect(labelled: Labelled) -> Report:
        if labelled.name in reports:
            return reports[labelled.name]
        names = by_stem.get(labelled.stem, [])
        if not names:
            raise ConfigurationError(f"{path} has no report of {labelled.name}: inspect the whole folder again.")
        if len(names) > 1:
            raise ConfigurationError(
                f"{path} has reports of {' and '.join(names)}, none of {labelled.name}: rename one."
            )
        return reports[names[0]]

    return inspect


def _placement(labelled: Labelled, report: Report) -> Placement | None:
    if labelled.claddings:
        return placement_of(labelled.claddings[0])
    if report.fiber is None or report.calibration is None:
        return None
    return Placement(report.fiber.cladding.center_px, report.calibration.um_per_px)


def _is_near(found: Ellipse, known: Ellipse) -> bool:
    um_per_px = placement_of(known).um_per_px
    off = [(f - k) * um for f, k, um in zip(found.center_px, known.center_px, um_per_px, strict=True)]
    ratios = [f / k for f, k in zip(found.radii_px, known.radii_px, strict=True)]
    return math.hypot(*off) <= CENTER_UM and all(abs(ratio - 1) <= RADIUS_SHARE for ratio in ratios)
