"""Agreement of two networks: a verdict that changes is named and refused, a label map that differs is counted."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from endface.engines.onnx_network import SegmentSquares
from endface.errors import ConfigurationError, PlanError
from endface_build.data.drawn_pictures import draw_labelled
from endface_build.evaluation.agreement import Compared, Seen, agreement, compare
from endface_build.evaluation.golden import Golden

PASS, FAIL = 0, 2
"""Labels that a network gives to every pixel: a blind one passes everything, one that sees pits everywhere nothing."""


@pytest.fixture(scope="module")
def faces() -> list[Golden]:
    """Two drawn faces and a picture without a fiber."""
    drawn = [draw_labelled("multimode", index).data for index in range(2)]
    pictures = [Golden(f"face-{index}.png", data, "mm-pc") for index, data in enumerate(drawn)]
    return [*pictures, Golden("broken.png", drawn[0][:200], "mm-pc", expected="invalid")]


def network(label: int, *, other_px: int = 0) -> SegmentSquares:
    """A network that gives every pixel the same label, but for the first ones."""

    def segment(squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        labels = np.full((len(squares), 512, 512), label, np.uint8)
        labels.reshape(-1)[:other_px] = 3
        return labels, np.full_like(labels, 255)

    return segment


def test_equal_networks_agree(faces: list[Golden]) -> None:
    """Equal networks flip nothing; a picture that no network sees is compared by its verdict alone."""
    found = compare(network(FAIL), network(FAIL), faces)

    assert (found.parity.pictures, found.parity.labels_equal, found.flips) == (2, 1.0, ())
    assert [row.labels_equal for row in found.rows] == [1.0, 1.0, None]
    assert found.rows[2].candidate == "invalid"
    found.refuse_flips("The plan")


def test_labels_are_counted(faces: list[Golden]) -> None:
    """The share of equal labels is over all pixels of all pictures."""
    assert compare(network(FAIL), network(FAIL, other_px=2**16), faces).parity.labels_equal == 0.75


def test_a_flip_is_named_and_refused(faces: list[Golden]) -> None:
    """A verdict that changed is given with picture, new verdict and old one; one is enough to write no plan."""
    found = compare(network(FAIL), network(PASS), faces)

    assert found.parity.flips == ("face-0.png: pass for fail", "face-1.png: pass for fail")
    with pytest.raises(PlanError, match=r"The plan judges .* \(face-0.png: pass for fail, .*no plan was written"):
        found.refuse_flips("The plan")


def test_nothing_to_compare(faces: list[Golden]) -> None:
    """Without a picture that a network sees nothing is proven, so nothing passes."""
    with pytest.raises(ConfigurationError, match="No golden picture can be judged"):
        _ = compare(network(PASS), network(PASS), faces[2:]).parity


def test_answers_from_elsewhere() -> None:
    """Answers that engines gave in other processes are compared by name, with the mean and the worst share."""
    blank, quarter = np.zeros((512, 512), np.uint8), np.zeros((512, 512), np.uint8)
    quarter[:256, :256] = 1
    reference = {"a": Seen("pass", blank), "b": Seen("fail", quarter)}
    found = agreement(reference, {"a": Seen("pass", blank), "b": Seen("pass", blank)})

    assert found.to_json() == {"pictures": 2, "labels_equal": 0.875, "worst": 0.75, "flips": ["b"]}


@pytest.mark.parametrize(
    ("expected", "candidate", "wrong", "flip"),
    [("pass", "fail", True, False), ("fail", "fail", False, False), (None, "fail", False, True)],
)
def test_a_known_verdict_decides(expected: str | None, candidate: str, wrong: bool, flip: bool) -> None:
    """Where the right verdict is known, only a miss of it is wrong; elsewhere every difference is a flip."""
    row = Compared("a.png", "pass", candidate, 1.0, expected)

    assert (row.is_wrong, row.is_flip) == (wrong, flip)
