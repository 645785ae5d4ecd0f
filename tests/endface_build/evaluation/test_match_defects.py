"""Found, missed and false defects on hand-made maps, as one would count them with a ruler."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from endface.contract import Label
from endface.criteria.profile import load_profile
from endface.picture.square import Placement
from endface.report import Defect, DefectType
from endface_build.data.labelled import Either
from endface_build.drawing.canvas import UNDECIDED
from endface_build.evaluation.label_verdicts import labelled_objects
from endface_build.evaluation.match_defects import Match, match_defects
from endface_build.evaluation.regions import Ground

Labels = NDArray[np.uint8]
Box = tuple[int, float, float, int, int]

SIDE_PX = 560
PLACEMENT = Placement((280.0, 280.0), (0.5, 0.5))
MM = load_profile("mm-pc")


def labels_with(*boxes: Box) -> Labels:
    """A label map with boxes (code, x, y, width, height), micrometers from the center to a corner, pixels wide."""
    labels = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    for code, x_um, y_um, width, height in boxes:
        x, y = (round(280 + um / 0.5) for um in (x_um, y_um))
        labels[y : y + height, x : x + width] = code
    return labels


def reported(kind: DefectType, x_um: float, y_um: float, width: int, height: int) -> Defect:
    """A report's defect: the box through the centers of its outermost pixels."""
    x, y = (round(280 + um / 0.5) for um in (x_um, y_um))
    ring = ((x, y), (x + width - 1, y), (x + width - 1, y + height - 1), (x, y + height - 1))
    return Defect(1, kind, "A", ("A",), 0.9, (x, y, width, height), (ring,), (x_um, y_um), 1, 1, 1, 1, 0)


def matched(
    labels: Labels,
    defects: list[Defect],
    placement: Placement = PLACEMENT,
    gray: Labels | None = None,
    either: Either | None = None,
) -> Match:
    """The match of a label map and reported defects in the zones of mm-pc."""
    ground = Ground((labels.shape[0], labels.shape[1]), placement, MM)
    return match_defects(labels, labelled_objects(labels, ground, either), defects, ground, gray)


def test_the_same() -> None:
    """What equals the label is found, true, of its type, and overlaps wholly."""
    result = matched(labels_with((Label.PIT, 0, 0, 10, 10)), [reported("pit", 0, 0, 10, 10)])

    assert [(d.kind, d.zone, d.found, d.said) for d in result.labelled] == [("pit", "A", True, "pit")]
    assert [(d.kind, d.zone, d.true, d.confidence) for d in result.reported] == [("pit", "A", True, 0.9)]
    assert result.iou == 1.0


@pytest.mark.parametrize(
    ("box", "um_per_px", "size_um"),
    [
        ((Label.SCRATCH, 0, 0, 21, 1), (0.5, 0.5), 10.5),  # from outer edge to outer edge
        ((Label.SCRATCH, 0, 0, 1, 21), (0.5, 0.25), 20 * 0.25 + (0.5 * 0.25) ** 0.5),  # pixels that are not square
    ],
)
def test_size_is_the_circle_around_the_pixels(box: Box, um_per_px: tuple[float, float], size_um: float) -> None:
    """Micrometers count, not pixels: 0.25 um high pixels make a column half as long as a row."""
    result = matched(labels_with(box), [], Placement((280.0, 280.0), um_per_px))

    assert result.labelled[0].size_um == pytest.approx(size_um, abs=0.01)


@pytest.mark.parametrize(
    ("truth", "report", "found", "true"),
    [
        ((Label.SCRATCH, 0, 0, 20, 3), ("scratch", 0, 0, 7, 3), True, True),  # 7 + 2 of stray cover 9, found from 8
        ((Label.SCRATCH, 0, 0, 20, 3), ("scratch", 0, 0, 5, 3), False, True),  # 5 + 2 cover 7
        ((Label.PIT, 0, 0, 8, 8), ("pit", 0, 0, 30, 8), True, True),  # lies on 8 + 2 by a third, true from 0.3
        ((Label.PIT, 0, 0, 8, 8), ("pit", 0, 0, 45, 8), False, False),  # by less; what is false finds nothing
        ((Label.SCRATCH, 0, 0, 40, 1), ("scratch", 0, 1.0, 40, 1), True, True),  # beside it by two pixels
        ((Label.SCRATCH, 0, 0, 40, 1), ("scratch", 0, 1.5, 40, 1), False, False),  # by three
        ((Label.SCRATCH, 0, 0, 40, 4), ("contamination", 0, 0, 40, 4), True, True),  # of another type
    ],
)
def test_found_and_true_by_overlap(
    truth: Box, report: tuple[DefectType, float, float, int, int], found: bool, true: bool
) -> None:
    """Found from two fifths, true from three tenths, within two pixels of stray; what was said is kept."""
    result = matched(labels_with(truth), [reported(*report)])

    assert [(defect.found, defect.said) for defect in result.labelled] == [(found, report[0] if found else "")]
    assert [defect.true for defect in result.reported] == [true]


def test_undecided_counts_neither_way() -> None:
    """A report on something undecided is true; nobody misses what is undecided, and it has no part in the overlap."""
    truth = labels_with((UNDECIDED, 0, 0, 10, 10))
    result = matched(truth, [reported("pit", 0, 0, 10, 10)])

    assert [defect.true for defect in result.reported] == [True]
    assert result.labelled == ()
    assert result.iou is None


@pytest.mark.parametrize(
    ("x_um", "zone"),
    [(0, "A"), (32, "A"), (33, "B"), (56, "B"), (58, None), (66, None), (68, "D"), (124, "D"), (126, None)],
)
def test_the_innermost_zone_counts(x_um: int, zone: str | None) -> None:
    """A defect belongs to the zone of its innermost pixel; the adhesive and what lies outside are left out."""
    truth = labels_with((Label.PIT, x_um, 0, 4, 2))
    result = matched(truth, [reported("pit", x_um, 0, 4, 2)])

    assert [defect.zone for defect in result.labelled] == ([zone] if zone else [])
    assert [defect.zone for defect in result.reported] == ([zone] if zone else [])


def test_overlap_of_halves() -> None:
    """A report of the left half of a label has half of the union."""
    truth = labels_with((Label.PIT, 0, 0, 20, 10))

    assert matched(truth, [reported("pit", 0, 0, 10, 10)]).iou == pytest.approx(0.5)


def test_pieces_two_pixels_apart_are_one() -> None:
    """A broken scratch is one defect where the gap is two pixels, two where it is wider."""
    joined, split = (
        matched(labels_with((Label.SCRATCH, 0, 0, 10, 2), (Label.SCRATCH, gap_um, 0, 10, 2)), [])
        for gap_um in (6.0, 7.0)
    )

    assert len(joined.labelled) == 1
    assert len(split.labelled) == 2


@pytest.mark.parametrize(("x_um", "counts"), [(56.0, True), (57.0, False)])
def test_a_label_at_the_adhesive_is_left_out(x_um: float, counts: bool) -> None:
    """Less than 1 um inside zone C's rim at 57.5 um a label may belong to C, which has no limits: it counts nowhere."""
    result = matched(labels_with((Label.PIT, x_um, 0, 8, 2)), [])

    assert [defect.zone for defect in result.labelled] == (["B"] if counts else [])


@pytest.mark.parametrize("kind", ["scratch", "contamination"])
def test_either_reading_of_an_object_is_right(kind: DefectType) -> None:
    """Three beads that may be a scratch or droplets count once, and both types are right."""
    beads = [(Label.SCRATCH, 0.0 + 5 * number, 0.0, 4, 2) for number in range(3)]
    labels = labels_with((Label.SCRATCH, 0.0, 0.0, 24, 2))
    pixels = np.where(labels_with(*beads) > 0, 1, np.where(labels > 0, 101, 0)).astype(np.uint8)
    either = Either(pixels, (("scratch", "contamination"),))
    result = matched(labels, [reported(kind, 5 * number, 0, 4, 2) for number in range(2)], either=either)
    (defect,) = result.labelled

    assert (defect.kind, defect.types) == ("either", ("scratch", "contamination"))
    assert (defect.found, defect.said, defect.told_line) == (True, kind, True)
    assert defect.size_um == pytest.approx(12.0, abs=0.1)


def test_contrast_in_gray_levels() -> None:
    """The contrast is the difference from the surroundings, whatever lies further away."""
    truth = labels_with((Label.PIT, 0, 0, 10, 10))
    gray = np.full(truth.shape, 120, np.uint8)
    gray[:, :200] = 10
    gray[truth > 0] = 85

    assert matched(truth, [], gray=gray).labelled[0].contrast == pytest.approx(35)


def test_a_defect_beyond_the_picture() -> None:
    """A reported polygon that leaves the picture counts with what is in it, or not at all."""
    outside = reported("pit", 300, 0, 10, 10)
    result = matched(labels_with(), [outside, reported("pit", -150, 0, 60, 10)])

    assert [defect.zone for defect in result.reported] == ["D"]
