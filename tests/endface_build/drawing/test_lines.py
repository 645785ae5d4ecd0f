"""Lines are seen and labelled whole: faint ones by their length, beads with their gaps, pieces across zones."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from endface.contract import Label
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.canvas import UNDECIDED
from endface_build.drawing.faces import Disc, Face, RimLook
from endface_build.drawing.line_marks import LineMark
from endface_build.drawing.marks import scratch
from endface_build.drawing.random_beads import GAP_BEADS, random_beads

PLAIN = Face(zones=(Disc(125.0, 100.0),), ferrule=100.0, rim=RimLook(dark=0, bright=0))
BEADS = tuple((2.0 + 5.0 * number, 2.0) for number in range(12))


def labels_of(line: LineMark, face: Face = PLAIN, noise: float = 2.0) -> NDArray[np.uint8]:
    """The label map of a face with one line."""
    camera = Camera(um_per_px=(0.4, 0.4), noise=noise, vignette=0.0)
    return photograph(Face(face.zones, face.ferrule, rim=face.rim, marks=(line,)), camera, seed=1).labels


def pieces(labels: NDArray[np.uint8]) -> int:
    """In how many pieces a label map's marks lie."""
    return int(cv2.connectedComponents((labels > 0).astype(np.uint8), connectivity=8)[0]) - 1


@pytest.mark.parametrize(
    ("length_um", "tone", "expected"),
    [
        (60.0, -0.03, Label.SCRATCH),
        (60.0, -0.015, UNDECIDED),
        (60.0, -0.006, Label.BACKGROUND),
        (7.0, -0.05, UNDECIDED),
        (7.0, -0.015, Label.BACKGROUND),
        (7.0, -0.12, Label.SCRATCH),
    ],
)
def test_a_long_line_is_labelled_where_a_short_one_is_not(length_um: float, tone: float, expected: int) -> None:
    """What a line's pixels do not show, its length does: three gray levels in noise of two are a scratch over 60 um."""
    labels = labels_of(scratch((-length_um / 2, 20.0), (length_um / 2, 20.0), 2.0, tone=tone))

    assert set(np.unique(labels)) == {int(Label.BACKGROUND), int(expected)}


@pytest.mark.parametrize("angle_deg", [0.0, 30.0, 45.0, 90.0])
@pytest.mark.parametrize("flipped", [0.0, 0.5])
def test_a_row_of_beads_is_one_scratch(angle_deg: float, flipped: float) -> None:
    """Beads with gaps of one and a half of their length are drawn apart and labelled as one line, in any direction."""
    x, y = 30 * math.cos(math.radians(angle_deg)), 30 * math.sin(math.radians(angle_deg))
    line = LineMark(Label.SCRATCH, ((-x, -y), (x, y)), 2.0, -0.5, beads_um=BEADS, flipped=flipped, seed=1)
    labels = labels_of(line)

    assert pieces(labels) == 1
    assert (labels == Label.SCRATCH).sum() * 0.4**2 == pytest.approx(59 * 2.0, rel=0.25)


def test_beads_are_drawn_apart() -> None:
    """On the picture the gaps between beads are as bright as the glass."""
    line = LineMark(Label.SCRATCH, ((-30.0, 20.0), (30.0, 20.0)), 2.0, -0.5, beads_um=BEADS, seed=1)
    face = Face(PLAIN.zones, PLAIN.ferrule, rim=PLAIN.rim, marks=(line,))
    picture = photograph(face, Camera(um_per_px=(0.4, 0.4), noise=0.5, vignette=0.0), seed=1).picture
    row = picture[round(431.5 + 20 / 0.4), round(575.5 - 30 / 0.4) : round(575.5 + 30 / 0.4)]
    starts = int((np.diff((row < 92).astype(int)) == 1).sum())

    assert int((row > 95).sum()) > len(row) / 3
    assert starts >= len(BEADS) - 1


def test_a_line_that_changes_its_sign_at_core_and_rim_is_one_scratch() -> None:
    """A line dark on ferrule and core and bright on the glass between is one piece from end to end."""
    face = Face((Disc(125.0, 90.0), Disc(50.0, 160.0)), 180.0, rim=RimLook(dark=0, bright=0))
    line = LineMark(Label.SCRATCH, ((-100.0, 5.0), (100.0, 5.0)), 2.0, -0.2, 0.2, core_tone=-0.2, core_um=25.0)
    labels = labels_of(line, face)

    assert set(np.unique(labels)) == {int(Label.BACKGROUND), int(Label.SCRATCH)}
    assert pieces(labels) == 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("gap", [0.2, 1.5, 3.0])
def test_random_beads_fill_the_line(seed: int, gap: float) -> None:
    """A row of beads reaches from end to end, and no gap is longer than the convention's three beads."""
    beads_um = random_beads(np.random.default_rng(seed), 80.0, 3.0, gap)
    line = LineMark(Label.SCRATCH, ((0.0, 0.0), (80.0, 0.0)), 2.0, beads_um=beads_um)

    assert beads_um[0][0] - beads_um[0][1] / 2 == pytest.approx(0)
    assert beads_um[-1][0] > 80 - (GAP_BEADS + 2) * 3
    assert line.gap_um <= GAP_BEADS * 3 + 1e-6
