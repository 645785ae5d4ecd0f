"""Labels follow their picture onto the square, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from endface.contract import Label
from endface.errors import PictureError
from endface.options import Options
from endface.picture.square import Placement
from endface.report import Ellipse
from endface_build.data.drawn_pictures import labelled_of
from endface_build.data.labelled import Labelled, placement_of, resample_labels, to_square
from endface_build.drawing.camera import ANAMORPHIC, Camera, photograph
from endface_build.drawing.canvas import UNDECIDED
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import pit


def test_labels_keep_their_place() -> None:
    """A pixel 10 um right of and 20 um below the center lands 20 and 40 pixels from the square's center."""
    labels = np.zeros((400, 500), np.uint8)
    labels[219:222, 259:262] = Label.CHIP  # 0.5 um pixels around (260, 220)
    square = resample_labels(labels, Placement((240.0, 180.0), (0.5, 0.5)))
    rows, columns = np.nonzero(square == Label.CHIP)

    assert (columns.mean() - 255.5, rows.mean() - 255.5) == (pytest.approx(20, abs=0.51), pytest.approx(40, abs=0.51))
    assert len(rows) == 9


def test_unseen_is_undecided() -> None:
    """What the camera did not see can be neither clean nor a defect."""
    square = resample_labels(np.zeros((200, 200), np.uint8), Placement((99.5, 99.5), (0.5, 0.5)))

    assert square[0, 0] == square[255, 0] == UNDECIDED
    assert square[255, 255] == 0


def test_placement_of_an_ellipse() -> None:
    """The cladding's radii are half its diameter in micrometers."""
    placement = placement_of(Ellipse((10.0, 20.0), (125.0, 62.5)))

    assert placement == Placement((10.0, 20.0), (0.5, 1.0))


@pytest.mark.parametrize("camera", [Camera(), ANAMORPHIC])
def test_picture_and_labels_fit(camera: Camera) -> None:
    """After the server's own localization, dark pits lie where the labels say."""
    face = Face(marks=(pit((60.0, -60.0), 8.0), pit((-30.0, 10.0), 8.0)))
    square, labels = to_square(labelled_of(photograph(face, camera, seed=1), face, "a.png"), Options("mm-pc"))
    background = np.median(square[labels == 0])

    assert np.count_nonzero(labels == Label.PIT) == pytest.approx(2 * np.pi * (4 / 0.5) ** 2, rel=0.15)
    assert square[labels == Label.PIT].mean() < 0.65 * background


def test_a_picture_that_cannot_be_judged(wall: Labelled) -> None:
    """Without a fiber there is nothing to train on; the error names the picture and why."""
    with pytest.raises(PictureError, match=r"wall\.png"):
        to_square(wall, Options("mm-pc"))
