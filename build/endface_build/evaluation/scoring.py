"""One picture's report against its labels: which labelled defects were found, which reported ones are true.

The conventions, in the camera's pixels:

- A labelled defect is found where reported defects that are true cover at least 40 % of it.
- A reported defect is true where at least 30 % of it lies on something labelled; what is undecided counts as labelled.
- Outlines may stray by 2 pixels.
- Only zones that have limits are judged; a defect belongs to the innermost zone that it touches.
- A defect's size is the diameter of the smallest circle around its pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import Label
from endface.criteria.profile import Profile
from endface.picture.square import Placement
from endface.report import Defect
from endface_build.drawing.canvas import UNDECIDED

FOUND_SHARE: Final = 0.4
"""Share of a labelled defect that true reported ones must cover."""

TRUE_SHARE: Final = 0.3
"""Share of a reported defect that must lie on something labelled."""

STRAY_PX: Final = 2
"""How far an outline may stray."""

RING_PX: Final = (3, 6)
"""A defect's surroundings begin and end this far from it; its contrast is measured against their median."""

CONTRAST_QUANTILE: Final = 0.9
"""A defect's contrast is that of its strongest tenth: many have a weak middle or a bright side."""

CODES: Final = {label.name.lower(): int(label) for label in Label if label != Label.BACKGROUND}
NAMES: Final = {code: name for name, code in CODES.items()}

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LabelledDefect:
    """A defect of the labels: what it is, whether it was found, and the type that was said ("" where missed).

    ``contrast`` is in gray levels, None where no picture was given.
    """

    kind: str
    zone: str
    size_um: float
    found: bool
    said: str
    contrast: float | None
    center_px: tuple[float, float]


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
class Score:
    """One picture: every labelled and every reported defect in judged zones, and the overlap of their pixels.

    ``iou`` is None where neither labels nor report have a pixel there.
    """

    labelled: tuple[LabelledDefect, ...]
    reported: tuple[ReportedDefect, ...]
    iou: float | None


@dataclass(frozen=True)
class _Spot:
    """A defect's pixels: a mask and the window of the picture in which it lies."""

    window: tuple[slice, slice]
    mask: Mask

    @property
    def pixels(self) -> NDArray[np.intp]:
        """Rows and columns (2, N) in the picture."""
        rows, columns = np.nonzero(self.mask)
        return np.stack([rows + self.window[0].start, columns + self.window[1].start])

    @property
    def center_px(self) -> tuple[float, float]:
        row, column = self.pixels.mean(axis=1)
        return round(float(column), 1), round(float(row), 1)


class _Ground:
    """Zones and scale of a picture."""

    def __init__(self, shape: tuple[int, int], placement: Placement, profile: Profile):
        self._um = np.array(placement.um_per_px)
        offsets = [
            (np.arange(size) - c) * um for size, c, um in zip(shape[::-1], placement.center_px, self._um, strict=True)
        ]
        self._diameters = 2 * np.hypot(offsets[0][None, :], offsets[1][:, None])
        self._rows = profile.rows
        outer_um = max(row.zone.outer_um for row in profile.rows)
        self.inside: Mask = self._diameters < outer_um
        self.judged: Mask = np.zeros(shape, np.bool_)
        for row in profile.rows:
            if row.limited:
                zone = row.zone
                self.judged |= (self._diameters >= zone.inner_um) & (self._diameters < zone.outer_um)

    def zone(self, spot: _Spot) -> str | None:
        """The innermost zone that a spot touches; None where that has no limits or there is none."""
        nearest = self._diameters[spot.window][spot.mask].min()
        row = next((row for row in self._rows if nearest < row.zone.outer_um), None)
        return row.zone.name if row is not None and row.limited else None

    def size_um(self, spot: _Spot) -> float:
        """Diameter of the smallest circle around the pixels."""
        points = (spot.pixels[::-1].T * self._um).astype(np.float32)
        return 2 * cv2.minEnclosingCircle(points)[1] + math.sqrt(self._um.prod())


def score(
    labels: NDArray[np.uint8],
    defects: Sequence[Defect],
    placement: Placement,
    profile: Profile,
    gray: NDArray[np.uint8] | None = None,
) -> Score:
    """Compare a report with the labels.

    Args:
        labels: uint8 (H, W) in the camera's pixels: ``Label`` codes and ``UNDECIDED``.
        defects: The report's defects, with polygons in the same pixels; none for a picture that was not judged.
        placement: Where the fiber really lies.
        profile: Its zones and which of them have limits.
        gray: The picture, uint8 (H, W), to measure contrast in; None to leave that out.
    """
    shape = (labels.shape[0], labels.shape[1])
    ground = _Ground(shape, placement, profile)
    something = _grown(labels > 0)
    drawn = np.zeros(shape, np.uint8)
    covered = np.zeros(shape, np.bool_)
    reported = []
    for defect, spot in _spots_of(defects, shape):
        drawn[spot.window][spot.mask] = CODES[defect.type]
        if not ground.inside[spot.window][spot.mask].any():
            continue
        true = bool(something[spot.window][spot.mask].mean() >= TRUE_SHARE)
        if true:
            covered[spot.window][spot.mask] = True
        if (zone := ground.zone(spot)) is not None:
            size_um = ground.size_um(spot)
            reported.append(ReportedDefect(defect.type, zone, size_um, defect.confidence, true, spot.center_px))
    near = _grown(covered)
    labelled = []
    for code, spot in _spots_in(labels):
        if ground.inside[spot.window][spot.mask].any() and (zone := ground.zone(spot)) is not None:
            found = bool(near[spot.window][spot.mask].mean() >= FOUND_SHARE)
            said = _said(spot, drawn) if found else ""
            contrast = None if gray is None else _contrast(spot, labels, gray)
            size_um = ground.size_um(spot)
            labelled.append(LabelledDefect(NAMES[code], zone, size_um, found, said, contrast, spot.center_px))
    return Score(tuple(labelled), tuple(reported), _iou(labels, drawn, ground.judged))


def _spots_of(defects: Iterable[Defect], shape: tuple[int, int]) -> Iterator[tuple[Defect, _Spot]]:
    """The pixels of each reported defect, as far as they lie in the picture."""
    for defect in defects:
        rings = [np.round(np.array(ring)).astype(np.int32) for ring in defect.polygon_px]
        points = np.concatenate(rings)
        x0, y0 = np.maximum(points.min(axis=0), 0)
        x1, y1 = np.minimum(points.max(axis=0) + 1, shape[::-1])
        if x0 >= x1 or y0 >= y1:
            continue
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(mask, [ring - (x0, y0) for ring in rings], [1])
        if mask.any():
            yield defect, _Spot((slice(int(y0), int(y1)), slice(int(x0), int(x1))), mask.astype(np.bool_))


def _spots_in(labels: NDArray[np.uint8]) -> Iterator[tuple[int, _Spot]]:
    """The labelled defects, type by type; gaps of up to two pixels do not separate."""
    for code in NAMES:
        of_type = labels == code
        joined = cv2.dilate(of_type.astype(np.uint8), np.ones((3, 3), np.uint8))
        count, numbers, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        for number in range(1, count):
            x, y, width, height = (int(value) for value in boxes[number, :4])
            window = (slice(y, y + height), slice(x, x + width))
            yield code, _Spot(window, (numbers[window] == number) & of_type[window])


def _said(spot: _Spot, drawn: NDArray[np.uint8]) -> str:
    """The type that most reported pixels on and around a spot have."""
    window, mask = _widened(spot, STRAY_PX, drawn.shape)
    votes = np.bincount(drawn[window][_grown(mask)], minlength=max(NAMES) + 1)[1 : max(NAMES) + 1]
    return NAMES[int(votes.argmax()) + 1]


def _contrast(spot: _Spot, labels: NDArray[np.uint8], gray: NDArray[np.uint8]) -> float | None:
    """Difference of a spot's strongest tenth from the median of its unlabelled surroundings, in gray levels."""
    window, mask = _widened(spot, RING_PX[1], gray.shape)
    near, far = (_grown(mask, reach_px) for reach_px in RING_PX)
    ring = far & ~near & (labels[window] == 0)
    if not ring.any():
        return None
    background = np.median(gray[window][ring])
    return float(np.quantile(np.abs(gray[window][mask] - background), CONTRAST_QUANTILE))


def _iou(labels: NDArray[np.uint8], drawn: NDArray[np.uint8], judged: Mask) -> float | None:
    decided = judged & (labels != UNDECIDED)
    truth, said = (labels > 0) & decided, (drawn > 0) & decided
    union = int((truth | said).sum())
    return int((truth & said).sum()) / union if union else None


def _widened(spot: _Spot, by_px: int, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], Mask]:
    """A spot in a window that is wider by some pixels, as far as the picture reaches."""
    rows, columns = (
        slice(max(0, span.start - by_px), min(size, span.stop + by_px))
        for span, size in zip(spot.window, shape[:2], strict=True)
    )
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
    row, column = spot.window[0].start - rows.start, spot.window[1].start - columns.start
    mask[row : row + spot.mask.shape[0], column : column + spot.mask.shape[1]] = spot.mask
    return (rows, columns), mask


def _grown(mask: Mask, by_px: int = STRAY_PX) -> Mask:
    """A mask grown by a disc."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by_px + 1, 2 * by_px + 1))
    return cv2.dilate(mask.astype(np.uint8), disc).astype(np.bool_)
