"""The metrics count found, missed and false defects as one would by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from endface.contract import Label
from endface_build.evaluation.square_metrics import SquareTally

Labels = NDArray[np.uint8]


def square(*boxes: tuple[int, int, int, int, int]) -> Labels:
    """A label map with boxes (code, top, left, height, width), in pixels from a corner within zone D."""
    labels = np.zeros((512, 512), np.uint8)
    for code, top, left, height, width in boxes:
        labels[100 + top : 100 + top + height, 60 + left : 60 + left + width] = code
    return labels


def metrics(truth: Labels, found: Labels) -> dict[str, Any]:
    """Metrics of one pair."""
    tally = SquareTally()
    tally.add(truth, found)
    return tally.metrics()


def test_perfect() -> None:
    """What equals the truth is all found, all true and of the right type."""
    truth = square((Label.PIT, 10, 10, 8, 8), (Label.SCRATCH, 40, 5, 4, 80))
    result = metrics(truth, truth)

    assert result["recall"]["any"] == result["precision"]["any"] == result["iou"]["any"] == 1.0
    assert result["right_type"]["any"] == result["line_or_not"] == 1.0
    assert (result["defects"], result["alarms"]) == (2, 2)


def test_missed_and_false() -> None:
    """One of two defects missed and one alarm beside a true one: recall and precision one half."""
    truth = square((Label.PIT, 10, 10, 8, 8), (Label.CHIP, 60, 60, 10, 10))
    found = square((Label.PIT, 10, 10, 8, 8), (Label.PIT, 80, 10, 8, 8))
    result = metrics(truth, found)

    assert result["recall"]["any"] == result["precision"]["any"] == 0.5
    assert result["recall"]["pit"] == 1.0
    assert result["recall"]["chip"] == 0.0


def test_wrong_type_is_found_but_not_right() -> None:
    """A pit that is called contamination is found, of the wrong type, and rightly told from a line."""
    result = metrics(square((Label.PIT, 40, 5, 20, 20)), square((Label.CONTAMINATION, 40, 5, 20, 20)))

    assert result["recall"]["pit"] == result["line_or_not"] == 1.0
    assert result["right_type"]["pit"] == 0.0


def test_sizes_are_in_micrometers() -> None:
    """A square of 8 x 8 pixels of 0.5 um is 5.4 um across its corners and counts in the class from 5 um."""
    recall = metrics(square((Label.PIT, 10, 10, 8, 8)), square((Label.PIT, 10, 10, 8, 8)))["recall"]

    assert recall["5-10 um"] == 1.0
    assert recall["3-5 um"] is recall["> 10 um"] is None
