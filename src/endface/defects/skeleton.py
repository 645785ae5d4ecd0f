"""The middle line of a mark, one pixel wide, and its length.

Thinning after Guo and Hall (1989, "Parallel thinning with two-subiteration algorithms", algorithm A1): it keeps strokes
of two pixels along a diagonal, which the better known algorithm of Zhang and Suen erases.  A pixel's eight
neighbors make one byte, so each sub-iteration is a filter and a look-up table.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_NEIGHBOR_BITS: Final = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)
"""Bit of each neighbor: north is bit 0, then clockwise."""

_CORNER_PX: Final = (1 + math.sqrt(2) - math.sqrt(5)) / 2
"""What a chain of pixels is too long by at each turn between a straight and a diagonal step.

From the line of slope 1/2, which takes such a turn at every pixel; so the length is exact along rows, columns,
diagonals and that slope, and at most 3 % too long between them (0.091 in Vossepoel and Smeulders, 1982, whose
three weights spread that error evenly instead).
"""


def thin(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Thin a mark to its middle line.

    Args:
        mask: uint8 (H, W), 1 on the mark and 0 elsewhere; outside the array counts as 0.

    Returns:
        uint8 (H, W) of 0 and 1 with the same connected parts.
    """
    count = -1
    while count != (count := cv2.countNonZero(mask)):
        for keep in _KEEP:
            mask = cv2.bitwise_and(mask, cv2.LUT(_codes(mask), keep)).astype(np.uint8, copy=False)
    return mask


def length_px(skeleton: NDArray[np.uint8]) -> float:
    """Length of all branches of a middle line together, between the centers of its end pixels, in pixels."""
    return float(_LENGTHS[_codes(skeleton)[skeleton > 0]].sum())


def stroke_px(mask: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean width and length of a line mark, in pixels.

    The length is that of all branches together: a longest path would leave the area of the side branches to the main
    one and make it too wide.  Thinning takes half a width off each end, so a mark of middle line ``m`` and width ``w``
    is ``m + w`` long and covers ``w * (m + w)``; the width is the root of that equation.  Where a
    stroke ends in sharp corners the middle line forks into them: six pixels wide and 200 long it then reads up to 8 %
    too narrow, a quarter of a micrometer; with the round ends of real marks 3 %.

    Args:
        mask: uint8 (H, W), 1 on the mark and 0 elsewhere.

    Returns:
        Width and length; their product is the mark's area.
    """
    area = cv2.countNonZero(mask)
    middle = length_px(thin(mask))
    width = (math.sqrt(middle**2 + 4 * area) - middle) / 2
    return width, area / width


def _codes(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.filter2D(mask, cv2.CV_8U, _NEIGHBOR_BITS, borderType=cv2.BORDER_CONSTANT).astype(np.uint8, copy=False)


def _keep_tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For both sub-iterations: 1 where a pixel with these neighbors stays (p2 is north, p3 to p9 clockwise)."""
    bits = [(np.arange(256) >> bit & 1).astype(bool) for bit in range(8)]
    p2, p3, p4, p5, p6, p7, p8, p9 = bits
    crossings = sum((~a & (b | c)).astype(int) for a, b, c in ((p2, p3, p4), (p4, p5, p6), (p6, p7, p8), (p8, p9, p2)))
    clockwise = (p3 | p4).astype(int) + (p5 | p6) + (p7 | p8) + (p9 | p2)
    counter = (p2 | p3).astype(int) + (p4 | p5) + (p6 | p7) + (p8 | p9)
    neighbors = np.minimum(clockwise, counter)
    removable = (crossings == 1) & (neighbors >= 2) & (neighbors <= 3)
    first = removable & ~((p6 | p7 | ~p9) & p8)
    second = removable & ~((p2 | p3 | ~p5) & p4)
    return (~first).astype(np.uint8), (~second).astype(np.uint8)


def _length_table() -> NDArray[np.float64]:
    """Half the length of the steps that meet in a pixel with these neighbors, less what a turn there saves."""
    bits = [(np.arange(256) >> bit & 1).astype(bool) for bit in range(8)]
    straight = sum(bits[k].astype(int) for k in (0, 2, 4, 6))
    # A diagonal step counts only where no pair of straight steps leads to the same pixel.
    diagonal = sum((bits[k] & ~bits[k - 1] & ~bits[(k + 1) % 8]).astype(int) for k in (1, 3, 5, 7))
    turns = (straight == 1) & (diagonal == 1)
    return np.asarray((straight + math.sqrt(2) * diagonal) / 2 - _CORNER_PX * turns, np.float64)


_KEEP: Final = _keep_tables()
_LENGTHS: Final = _length_table()
