"""Verdicts that a label map allows: limits by hand, and both readings where experts differ."""

from __future__ import annotations

import numpy as np
import pytest

from endface.contract import Label
from endface.criteria.profile import load_profile
from endface.picture.square import Placement
from endface_build.data.labelled import Either
from endface_build.evaluation.label_verdicts import LabelledObject, allowed_verdicts, is_near_limit, labelled_objects
from endface_build.evaluation.regions import Ground

MM = load_profile("mm-pc")
APC = load_profile("sm-apc")
SHAPE = (600, 600)
GROUND = Ground(SHAPE, Placement((300.0, 300.0), (0.5, 0.5)), MM)
ROW = 300

PASS, FAIL, BOTH = frozenset({"pass"}), frozenset({"fail"}), frozenset({"pass", "fail"})


def objects_of(*boxes: tuple[int, int, int, int, int], ground: Ground = GROUND) -> list[LabelledObject]:
    """Objects of boxes (code, x, y, width, height) in pixels of 0.5 um; the center is (300, 300)."""
    labels = np.zeros(SHAPE, np.uint8)
    for code, x, y, width, height in boxes:
        labels[y : y + height, x : x + width] = code
    return labelled_objects(labels, ground)


@pytest.mark.parametrize(
    ("boxes", "verdicts"),
    [
        ([], PASS),
        ([(Label.PIT, 310, 310, 9, 9)], FAIL),  # 6.2 um in zone A, limit 5
        ([(Label.PIT, 310, 310, 5, 5)], PASS),
        ([(Label.PIT, 310, 300 + 8 * k, 5, 5) for k in range(4)], PASS),  # four up to 5 um are allowed
        ([(Label.PIT, 310, 300 + 8 * k, 5, 5) for k in range(5)], FAIL),
        ([(Label.SCRATCH, 310, 300, 60, 5)], PASS),  # 2.5 um wide in zone A, limit 3
        ([(Label.SCRATCH, 310, 300, 60, 8)], FAIL),
        ([(Label.SCRATCH, 310, 430, 60, 8)], PASS),  # 4 um wide outside zone A, limit 5
        ([(255, 310, 310, 30, 30)], PASS),  # undecided counts for nothing
        ([(Label.CHIP, 420, 300, 20, 20)], PASS),  # zone C has no limits
    ],
)
def test_limits_by_hand(boxes: list[tuple[int, int, int, int, int]], verdicts: frozenset[str]) -> None:
    """The verdicts of boxes whose sizes stand in the table of mm-pc."""
    assert allowed_verdicts(objects_of(*boxes), MM) == verdicts


def test_a_mark_on_a_zone_rim_is_read_both_ways() -> None:
    """A spot of 8 um that reaches 0.5 um into zone A fails there and passes in zone B: either verdict is right."""
    spot = (Label.PIT, 300 + 64, ROW, 12, 12)  # zone A ends at 32.5 um, 65 pixels from the center

    assert allowed_verdicts(objects_of(spot), MM) == BOTH
    assert allowed_verdicts(objects_of((Label.PIT, 300 + 61, ROW, 12, 12)), MM) == FAIL


def test_an_either_object_is_read_both_ways() -> None:
    """A row of beads in zone A fails as five droplets and passes as one thin scratch."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[ROW : ROW + 3, 310:350] = Label.SCRATCH
    pixels = np.where(labels > 0, 101, 0).astype(np.uint8)
    for bead in range(5):
        pixels[ROW : ROW + 3, 310 + 9 * bead : 314 + 9 * bead] = 1
    either = Either(pixels * (labels > 0), (("scratch", "contamination"),))

    assert allowed_verdicts(labelled_objects(labels, GROUND), MM) == PASS
    assert allowed_verdicts(labelled_objects(labels, GROUND, either), MM) == BOTH


@pytest.mark.parametrize(("side_px", "near"), [(6, True), (4, False)])
def test_near_a_limit(side_px: int, near: bool) -> None:
    """A spot of 4.0 um is within a label's error of 1 um of the limit of 5, one of 2.6 um is not."""
    assert is_near_limit(objects_of((Label.PIT, 310, 310, side_px, side_px)), MM) is near


def test_limits_of_another_profile() -> None:
    """In sm-apc any spot in zone A fails, whatever its size."""
    ground = Ground(SHAPE, Placement((300.0, 300.0), (0.5, 0.5)), APC)
    spot = (Label.PIT, 302, 302, 2, 2)

    assert allowed_verdicts(objects_of(spot), MM) == PASS
    assert allowed_verdicts(objects_of(spot, ground=ground), APC) == FAIL
