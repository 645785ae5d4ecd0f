"""Matches of a report's defects with labelled objects: which labels are found, which reported defects are true.

These conventions hold wherever defects are counted: in evaluation, in the eight-bit gate, and in docs/accuracy.md.

- A labelled object is found where true reported defects cover at least 40 % of its visible pixels.
- A reported defect is true where at least 30 % of it lies on something labelled; what is undecided counts as labelled.
- Outlines may stray by 2 pixels.
- Objects that may be read in two ways ("either") count once, and either type is right.
- A defect belongs to the innermost zone that it touches. Zones without limits are left out, and so is a label that
  reaches less than 1 um from such a zone into another one.
- A defect's size is the diameter of the smallest circle around its pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.report import Defect
from endface_build.drawing.canvas import UNDECIDED
from endface_build.evaluation.label_verdicts import CODES, EITHER, LabelledObject
from endface_build.evaluation.regions import Ground, Mask, Region, grown, reported_regions

FOUND_SHARE: Final = 0.4
"""Share of a labelled object that true reported defects must cover."""

TRUE_SHARE: Final = 0.3
"""Share of a reported defect that must lie on something labelled."""

STRAY_PX: Final = 2
"""How far an outline may stray."""

RING_PX: Final = (3, 7)
"""A defect's surroundings begin and end this far from it; its contrast is measured against their median."""

CONTRAST_PERCENTILE: Final = 90
"""A defect's contrast is that of its strongest tenth: many have a weak middle or a bright side."""

_NAMES: Final = {code: name for name, code in CODES.items()}


@dataclass(frozen=True)
class LabelledDefect:
    """A labelled object: what it is, whether it was found, and the type that was reported ("" where missed).

    ``types`` holds both types of an "either" object; ``contrast`` is in gray levels, None where no picture was given.
    """

    types: tuple[str, ...]
    zone: str
    size_um: float
    found: bool
    said: str
    contrast: float | None
    center_px: tuple[float, float]

    @property
    def kind(self) -> str:
        """Its type, or ``either``."""
        return self.types[0] if len(self.types) == 1 else EITHER

    @property
    def told_line(self) -> bool:
        """Whether the report is right about its being a line or not."""
        return (self.said == "scratch") in {type_ == "scratch" for type_ in self.types}


@dataclass(frozen=True)
class ReportedDefect:
    """A defect of the report, and whether it is true."""

    kind: str
    zone: str
    size_um: float
    confidence: float
    true: bool
    center_px: tuple[float, float]


@dataclass(frozen=True)
class Match:
    """One picture: every labelled and every reported defect in zones with limits, and the overlap of their pixels.

    ``iou`` is None where neither labels nor report have a pixel there.
    """

    labelled: tuple[LabelledDefect, ...]
    reported: tuple[ReportedDefect, ...]
    iou: float | None


def match_defects(
    labels: NDArray[np.uint8],
    objects: Sequence[LabelledObject],
    defects: Sequence[Defect],
    ground: Ground,
    gray: NDArray[np.uint8] | None = None,
) -> Match:
    """Compare a report with the labels.

    Args:
        labels: uint8 (H, W) in the camera's pixels: ``Label`` codes and ``UNDECIDED``.
        objects: Their objects.
        defects: The report's defects, with polygons in the same pixels; none for a picture that was not judged.
        ground: Zones and scale.
        gray: The picture, uint8 (H, W), to measure contrast in; None to leave that out.
    """
    something = grown(labels > 0, STRAY_PX)
    drawn = np.zeros(ground.shape, np.uint8)
    covered = np.zeros(ground.shape, np.bool_)
    reported = []
    for defect, region in reported_regions(defects, ground.shape):
        window, mask = region.window, region.mask
        drawn[window][mask] = CODES[defect.type]
        if not ground.has(region):
            continue
        true = bool(something[window][mask].mean() >= TRUE_SHARE)
        covered[window][mask] |= true
        zone = ground.zone(region)
        if zone is not None and ground.is_limited(zone):
            size_um = ground.size_um(region)
            reported.append(ReportedDefect(defect.type, zone, size_um, defect.confidence, true, region.center_px))
    labelled = tuple(_labelled(objects, grown(covered, STRAY_PX), drawn, ground, gray))
    return Match(labelled, tuple(reported), _iou(labels, drawn, ground.judged))


def _labelled(
    objects: Sequence[LabelledObject],
    covered: Mask,
    drawn: NDArray[np.uint8],
    ground: Ground,
    gray: NDArray[np.uint8] | None,
) -> Iterator[LabelledDefect]:
    for each in objects:
        zone, outer = each.zones
        if zone is None or not (ground.is_limited(zone) and ground.is_limited(outer)):
            continue
        found = bool(covered[each.seen.window][each.seen.mask].mean() >= FOUND_SHARE)
        yield LabelledDefect(
            types=each.types,
            zone=zone,
            size_um=each.size_um,
            found=found,
            said=_said(each.seen, drawn) if found else "",
            contrast=None if gray is None else _contrast(each.seen, gray),
            center_px=each.seen.center_px,
        )


def _said(region: Region, drawn: NDArray[np.uint8]) -> str:
    """The type that most reported pixels on and around a region have."""
    wide = region.widened(STRAY_PX, drawn.shape)
    votes = np.bincount(drawn[wide.window][grown(wide.mask, STRAY_PX)], minlength=len(CODES) + 1)[1:]
    return _NAMES[int(votes.argmax()) + 1]


def _contrast(region: Region, gray: NDArray[np.uint8]) -> float:
    """Difference of a region's strongest tenth from the median of its surroundings, in gray levels."""
    wide = region.widened(RING_PX[1], gray.shape)
    mask, box = wide.mask.astype(np.uint8), np.ones((3, 3), np.uint8)
    near, far = (cv2.dilate(mask, box, iterations=reach_px) > 0 for reach_px in RING_PX)
    level = gray[wide.window].astype(float)
    ring = far & ~near
    background = np.median(level[ring if ring.any() else ~wide.mask])
    return float(np.percentile(np.abs(level[wide.mask] - background), CONTRAST_PERCENTILE))


def _iou(labels: NDArray[np.uint8], drawn: NDArray[np.uint8], judged: Mask) -> float | None:
    decided = judged & (labels != UNDECIDED)
    truth, said = (labels > 0) & decided, (drawn > 0) & decided
    union = int((truth | said).sum())
    return int((truth & said).sum()) / union if union else None
