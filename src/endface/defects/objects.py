"""Objects of a label map: which pixels make up each mark, found with hysteresis and split where the classes differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import CANDIDATE, SQUARE_PX, UM_PER_PX, Label
from endface.defects.curve import Floats, fit_curve
from endface.errors import ConfigurationError

SURE: Final = 128
"""Least confidence of a pixel that more likely than not belongs to a mark."""

MIN_AREA_PX: Final = 3
"""An object with fewer sure pixels is noise of the network: 0.75 um^2, a spot of 1 um, half of the smallest size that a
limit names."""

GAP_PX: Final = 2
"""Sure pixels no farther apart are one object: 1 um is about what a microscope of this field resolves, so the gap may
as well be the bright floor or flank of one pit; labeled pictures are read the same way."""

BRIDGE_PX: Final = 4
"""The same over candidates: there the network itself doubts that there is a gap."""

_FAINT_LENGTH_PX: Final = 20.0 / UM_PER_PX
"""Length from which a chain of candidates is a line although few of its pixels are sure: noise makes no such chains."""

FAINT: Final = 76
"""Least confidence along the middle of such a chain, a probability of 0.3."""

EVEN: Final = 0.9
"""Share of its length on which such a chain has at least half of its median confidence."""

LINE_RATIO: Final = 4.0
"""A line is at least this many times as long as wide."""

MIXED_SHARE: Final = 0.25
"""Share of a component from which a class is a defect of its own, and not what a network takes a rim for."""

PIECE_SHARE: Final = 0.1
"""Share of such a mixed component from which a separate piece of a class counts by itself."""

_Map = NDArray[np.uint8]
_Indices = NDArray[np.intp]
_Part = tuple[int, _Indices]


@dataclass(frozen=True)
class Objects:
    """Objects as pixels.

    Attributes:
        numbers: int32 (512, 512), 0 where there is none, else one more than the place in ``labels``.
        flat: their pixels, as indices in the flattened map.
        owners: the place of each such pixel's object.
        labels: class of each object.
        layers: tells objects that touch apart: no two of the same layer do.
        levels: probability at which each object's outline is drawn, one half or less.
    """

    numbers: NDArray[np.int32]
    flat: _Indices
    owners: _Indices
    labels: list[int]
    layers: _Indices
    levels: NDArray[np.float64]


def find_objects(labels: _Map, confidence: _Map) -> Objects:
    """Divide a label map into objects: connected pixels, split where the classes differ.

    Args:
        labels: uint8 (512, 512) of ``Label``, background where a pixel is no candidate.
        confidence: uint8 (512, 512), 255 where a pixel surely belongs to a mark.

    Raises:
        ConfigurationError: the map holds a value that is no ``Label``.
    """
    if labels.max() > max(Label):
        raise ConfigurationError(
            f"the network drew class {labels.max()} and the classes end at {max(Label)}: install this release's network"
        )
    components, levels = _components(labels, confidence)
    numbers = cv2.copyTo(components, (labels > 0).view(np.uint8))  # a tenth of the time of numpy's where
    flat = np.flatnonzero(numbers > 0)  # of a mask it is five times as fast
    owners, kinds = numbers.ravel()[flat], labels.ravel()[flat]
    told = confidence.ravel()[flat] >= levels[owners] * 255  # soft rims do not tell what an object is
    votes = np.bincount(owners[told] * len(Label) + kinds[told], minlength=len(levels) * len(Label))
    votes = votes.reshape(-1, len(Label))
    area, majority = votes.sum(axis=1), votes.argmax(axis=1)
    present = votes >= np.maximum(MIN_AREA_PX, MIXED_SHARE * area)[:, None]
    # Components keep their numbers, and the parts that leave them get the numbers after them.
    classes, layers = majority.tolist(), [0] * len(levels)
    sources = list(range(len(levels)))
    for component in np.flatnonzero(present.sum(axis=1) > 1).tolist():
        inside = owners == component
        pixels = flat[inside]
        for label, part in _parts(pixels, kinds[inside], np.flatnonzero(present[component]), classes[component]):
            numbers.ravel()[part] = len(classes)
            classes.append(label)
            layers.append(label)
            sources.append(component)
    owners = numbers.ravel()[flat]
    kept = np.bincount(owners[told], minlength=len(classes)) >= MIN_AREA_PX
    places = np.where(kept, np.cumsum(kept), 0)
    numbers.ravel()[flat] = places[owners]
    flat = flat[kept[owners]]
    owners = numbers.ravel()[flat].astype(np.intp) - 1
    return Objects(
        numbers=numbers.astype(np.int32, copy=False),
        flat=flat,
        owners=owners,
        labels=np.array(classes)[kept].tolist(),
        layers=np.array(layers)[kept],
        levels=np.minimum(levels[np.array(sources)[kept]], _half_heights(confidence.ravel()[flat], owners)),
    )


def _half_heights(confidence: _Map, owners: _Indices) -> Floats:
    """Half of the probability in the middle of each object: one half, and less where the network doubts all of it.

    The middle is the most probable quarter of the pixels that are at least as probable as not, three at least.
    """
    if not len(owners):
        return np.empty(0)
    counts = np.bincount(256 * owners + confidence, minlength=256 * (int(owners.max()) + 1)).reshape(-1, 256)
    most = np.maximum(counts[:, SURE:].sum(axis=1) // 4, MIN_AREA_PX)
    # A pixel adds one for each step up to its confidence.
    steps = np.minimum(counts[:, :0:-1].cumsum(axis=1), most[:, np.newaxis]).sum(axis=1)
    middle: Floats = steps / most / 255
    return np.maximum(middle / 2, CANDIDATE / 255)


def _components(labels: _Map, confidence: _Map) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Connected pixels of one number each, 0 where there is no object, and the level of each number's outline."""
    candidates = (labels > 0).view(np.uint8)
    sure = cv2.bitwise_and(candidates, (confidence >= SURE).view(np.uint8)).astype(np.uint8, copy=False)
    lines, levels_at = _lines(candidates, confidence)
    bridged = cv2.bitwise_and(_grown(sure, BRIDGE_PX), candidates)
    held = cv2.bitwise_or(cv2.bitwise_or(_grown(sure, GAP_PX), bridged), lines)
    count, components = cv2.connectedComponents(held, connectivity=8)
    levels = np.full(count, 0.5)
    for place, level in levels_at:
        levels[components[place]] = level
    return components.astype(np.int32, copy=False), levels


def _lines(candidates: _Map, confidence: _Map) -> tuple[_Map, list[tuple[tuple[int, int], float]]]:
    """Chains of candidates that are lines: their pixels, and for each a pixel and the level of its outline.

    A line is drawn at half of its own ridge, the confidence along its middle: a faint line is not thinner than a clear
    one, only less sure.
    """
    lines = np.zeros_like(candidates)
    found: list[tuple[tuple[int, int], float]] = []
    contours, _ = cv2.findContours(_grown(candidates, GAP_PX), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        x, y, columns, rows = cv2.boundingRect(contour)
        if math.hypot(columns, rows) < _FAINT_LENGTH_PX:
            continue
        window = (slice(y, y + rows), slice(x, x + columns))
        whole = np.zeros((rows, columns), np.uint8)
        cv2.drawContours(whole, [contour - (x, y)], -1, (1,), cv2.FILLED)
        at_y, at_x = np.divmod(np.flatnonzero(cv2.bitwise_and(whole, candidates[window]).view(np.bool_)), columns)
        if len(at_x) * LINE_RATIO > columns**2 + rows**2:
            continue
        points = np.stack([at_x, at_y], axis=1).astype(np.float64)
        curve = fit_curve(points)
        if curve.length < _FAINT_LENGTH_PX or curve.width * LINE_RATIO > curve.length:
            continue
        ridge = _ridge(curve.place(points)[0], confidence[window][at_y, at_x])
        if ridge < FAINT:
            continue
        lines[window] |= whole
        level = min(0.5, max(ridge / 2, CANDIDATE) / 255)
        found.append(((int(at_y[0]) + y, int(at_x[0]) + x), level))
    return lines, found


def _ridge(along: Floats, confidence: _Map) -> float:
    """Median confidence along the middle of a chain; 0 where it is a row of beads, whose gaps are no part of them."""
    place = np.round(along - along.min()).astype(np.intp)
    middle = np.zeros(int(place.max()) + 1)
    rising = np.argsort(confidence, kind="stable")
    middle[place[rising]] = confidence[rising]  # the last one stays, which is the largest
    ordered = np.sort(middle)
    ridge = float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2  # numpy's median takes 30 us
    return ridge if np.count_nonzero(middle >= ridge / 2) / len(middle) >= EVEN else 0.0


def _parts(flat: _Indices, labels: _Map, present: _Indices, majority: int) -> list[_Part]:
    """Parts of a component that are defects of their own; its remainder is one of the majority's class."""
    parts: list[_Part] = []
    for label in present.tolist():
        own = flat[labels == label]
        if label == Label.SCRATCH:
            pieces = [own]
        else:
            pieces = [piece for piece in _pieces(own) if len(piece) >= max(MIN_AREA_PX, PIECE_SHARE * len(flat))]
        parts += [(label, piece) for piece in pieces[1 if label == majority else 0 :]]
    return parts


def _pieces(flat: _Indices) -> list[_Indices]:
    """The connected pieces of the pixels listed, the largest first."""
    mask, x, y = crop(flat)
    count, numbers = cv2.connectedComponents(_grown(mask, GAP_PX), connectivity=8)
    rows, columns = np.divmod(flat, SQUARE_PX)
    owners = numbers[rows - y, columns - x]
    return sorted((flat[owners == number] for number in range(1, count)), key=len, reverse=True)


def _grown(mask: _Map, gap_px: int) -> _Map:
    """A mask whose parts touch where gaps of so many pixels, an even number, separated them."""
    return cv2.dilate(mask, np.ones((gap_px + 1, gap_px + 1), np.uint8)).astype(np.uint8, copy=False)


def crop(flat: _Indices) -> tuple[_Map, int, int]:
    """The smallest part of the map that holds the pixels listed, 1 on them, and its first column and row."""
    rows, columns = np.divmod(flat, SQUARE_PX)
    y, x = int(rows.min()), int(columns.min())
    mask = np.zeros((int(rows.max()) - y + 1, int(columns.max()) - x + 1), np.uint8)
    mask[rows - y, columns - x] = 1
    return mask, x, y
