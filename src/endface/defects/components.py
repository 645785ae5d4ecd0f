"""Connected components of a label map: the pixels of each defect, split where the classes differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_PX, Label
from endface.errors import ConfigurationError

MIN_AREA_PX: Final = 3
"""Smaller parts are noise of the network: 0.75 um^2, a spot of 1 um, half of the smallest size that a limit names."""

GAP_PX: Final = 2
"""Parts no farther apart are one defect: 1 um is about what a microscope of this field resolves, so the gap may as well
be the bright floor or flank of one pit; labeled pictures are read the same way."""

MIXED_SHARE: Final = 0.25
"""Share of a component from which a class is a defect of its own, and not what a network takes a rim for."""

PIECE_SHARE: Final = 0.1
"""Share of such a mixed component from which a separate piece of a class counts by itself."""

_Part = tuple[int, NDArray[np.intp]]


@dataclass(frozen=True)
class Objects:
    """Defects as pixels.

    ``numbers`` int32 (512, 512) is 0 where there is none, else one more than the place in ``labels``.  ``flat`` and
    ``owners`` list the pixels: index in the flattened map, and place of its defect.  ``layers`` tells defects that
    touch apart: no two of the same layer do.
    """

    numbers: NDArray[np.int32]
    flat: NDArray[np.intp]
    owners: NDArray[np.int32]
    labels: list[int]
    layers: list[int]
    areas_px: list[int]


def find_objects(labels: NDArray[np.uint8]) -> Objects:
    """Divide a label map uint8 (512, 512) into defects: connected pixels, split where the classes differ.

    Raises:
        ConfigurationError: the map holds a value that is no ``Label``.
    """
    if labels.max() > max(Label):
        raise ConfigurationError(
            f"the network drew class {labels.max()} and the classes end at {max(Label)}: install this release's network"
        )
    foreground = labels > 0
    count, numbers = _joined(foreground.view(np.uint8))
    flat = np.flatnonzero(foreground)
    owners = numbers.ravel()[flat]
    votes = np.bincount(owners * len(Label) + labels.ravel()[flat], minlength=count * len(Label))
    votes = votes.reshape(count, len(Label))
    area, majority = votes.sum(axis=1), votes.argmax(axis=1)
    kept = area >= MIN_AREA_PX
    present = votes >= np.maximum(MIN_AREA_PX, MIXED_SHARE * area)[:, None]
    parts: list[_Part] = []
    for component in np.flatnonzero(kept & (present.sum(axis=1) > 1)):
        pixels = flat[owners == component]
        parts += _parts(pixels, labels.ravel()[pixels], np.flatnonzero(present[component]), int(majority[component]))
    # In place: the components that stay are numbered first, in their order, then the parts that leave them.
    numbers.ravel()[flat] = np.where(kept, np.cumsum(kept), 0)[owners]
    found = majority[kept].tolist()
    for number, (_, part) in enumerate(parts, start=len(found) + 1):
        numbers.ravel()[part] = number
    flat = flat[kept[owners]]
    owners = numbers.ravel()[flat] - 1
    layers = [0] * len(found) + [label for label, _ in parts]
    areas = np.bincount(owners, minlength=len(layers)).tolist()
    return Objects(numbers, flat, owners, found + [label for label, _ in parts], layers, areas)


def _parts(flat: NDArray[np.intp], labels: NDArray[np.uint8], present: NDArray[np.intp], majority: int) -> list[_Part]:
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


def _pieces(flat: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The connected pieces of the pixels listed, the largest first."""
    mask, x, y = crop(flat)
    count, numbers = _joined(mask)
    rows, columns = np.divmod(flat, SQUARE_PX)
    owners = numbers[rows - y, columns - x]
    return sorted((flat[owners == number] for number in range(1, count)), key=len, reverse=True)


def _joined(mask: NDArray[np.uint8]) -> tuple[int, NDArray[np.int32]]:
    """Components of a mask with gaps up to ``GAP_PX`` bridged: their number, background included, and the map."""
    bridged = cv2.dilate(mask, np.ones((GAP_PX + 1, GAP_PX + 1), np.uint8))
    count, components = cv2.connectedComponents(bridged, connectivity=8)
    own = cv2.copyTo(components, mask)  # 0 elsewhere; a tenth of the time of numpy's where
    return count, own.astype(np.int32, copy=False)


def crop(flat: NDArray[np.intp]) -> tuple[NDArray[np.uint8], int, int]:
    """The smallest part of the map that holds the pixels listed, 1 on them, and its first column and row."""
    rows, columns = np.divmod(flat, SQUARE_PX)
    y, x = int(rows.min()), int(columns.min())
    mask = np.zeros((int(rows.max()) - y + 1, int(columns.max()) - x + 1), np.uint8)
    mask[rows - y, columns - x] = 1
    return mask, x, y
