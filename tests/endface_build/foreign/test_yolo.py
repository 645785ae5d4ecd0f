"""A YOLO network's boxes, scores and masks become the label map that they stand for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from endface.contract import CANDIDATE, OUTLINE, Label
from endface.engines.onnx_network import Network
from endface.errors import ConfigurationError
from endface_build.foreign.import_network import import_network
from endface_build.foreign.yolo import Thresholds
from endface_build.manifest import MODEL_FILE

Object = tuple[int, float, tuple[float, ...], Any]
Bytes = NDArray[np.uint8]
LabelsOf = Callable[..., tuple[Bytes, Bytes]]

DUST, SCRATCH = 0, 1
MAP = {"dust": "contamination", "scratch": "scratch"}
WHITE = np.full((1, 1, 512, 512), 255, np.uint8)
ALL = [1.0]
"""Coefficients of a mask that fills its box."""


@pytest.fixture
def labels_of(tmp_path: Path, write_yolo: Callable[..., Path], write_map: Callable[..., Path]) -> LabelsOf:
    """Import a network that sees the given objects, and show it squares; white ones see every score as it is."""

    def labels(
        objects: list[Object],
        squares: Bytes = WHITE,
        classes: dict[str, str] = MAP,
        thresholds: Thresholds | None = None,
        **knobs: Any,
    ) -> tuple[Bytes, Bytes]:
        path = write_yolo(tmp_path / "best.onnx", objects, **knobs)
        import_network(path, write_map(classes), tmp_path / "out", thresholds=thresholds)
        return Network(tmp_path / "out" / MODEL_FILE).segment(squares)

    return labels


def truth(*painted: tuple[int, float, slice, slice]) -> tuple[Bytes, Bytes]:
    """A label map and its confidence: rectangles (code, score, rows, columns), the later ones on top.

    Their masks are high everywhere, so the probability of a mark is (1 + score) / 2, less a byte's step at most.
    """
    labels, confidence = np.zeros((512, 512), np.uint8), np.zeros((512, 512), np.uint8)
    for code, score, rows, columns in painted:
        labels[rows, columns], confidence[rows, columns] = code, int((1 + score) / 2 * 255)
    return labels, confidence


def is_close(confidence: Bytes, sure: Bytes) -> bool:
    """Whether two maps of confidence differ by a byte's step at most."""
    return bool(np.abs(confidence.astype(int) - sure).max() <= 1)


def test_boxes_land_where_they_are(labels_of: LabelsOf) -> None:
    """Boxes of a 64 px input lie eight times as far out on the square; classes become ours, scores tell how sure."""
    found, confidence = labels_of([(DUST, 0.8, (8, 16, 24, 20), ALL), (SCRATCH, 0.4, (40, 40, 42, 60), ALL)])
    labels, sure = truth(
        (Label.CONTAMINATION, 0.8, slice(128, 160), slice(64, 192)),
        (Label.SCRATCH, 0.4, slice(320, 480), slice(320, 336)),
    )

    assert found.dtype == confidence.dtype == np.uint8
    assert np.array_equal(found[0], labels)
    assert is_close(confidence[0], sure)


def test_the_most_certain_lies_on_top(labels_of: LabelsOf) -> None:
    """Where objects of different classes overlap, the one with the higher score is seen, whatever their order."""
    found, confidence = labels_of(
        [(SCRATCH, 0.9, (20, 20, 28, 44), ALL), (DUST, 0.5, (8, 24, 40, 32), ALL), (DUST, 0.6, (24, 8, 30, 30), ALL)]
    )
    labels, sure = truth(
        (Label.CONTAMINATION, 0.5, slice(192, 256), slice(64, 320)),
        (Label.CONTAMINATION, 0.6, slice(64, 240), slice(192, 240)),
        (Label.SCRATCH, 0.9, slice(160, 352), slice(160, 224)),
    )

    assert np.array_equal(found[0], labels)
    assert is_close(confidence[0], sure)


def test_below_the_threshold(labels_of: LabelsOf) -> None:
    """What is not sure enough is not painted; the threshold is the user's."""
    objects = [(DUST, 0.3, (8, 8, 16, 16), ALL), (DUST, 0.2, (32, 32, 40, 40), ALL)]
    usual, _ = labels_of(objects)
    strict, _ = labels_of(objects, thresholds=Thresholds(confidence=0.35))
    lenient, _ = labels_of(objects, thresholds=Thresholds(confidence=0.1))

    assert np.count_nonzero(usual) == 64 * 64
    assert usual[0, 100, 100]
    assert not strict.any()
    assert np.count_nonzero(lenient) == 2 * 64 * 64


def test_the_weaker_of_two_boxes_is_dropped(labels_of: LabelsOf) -> None:
    """Of two boxes of one class that nearly coincide the better one stays; boxes of two classes both stay."""
    near = (DUST, 0.6, (10, 10, 31, 30), ALL)  # 400 of 420 square pixels in common with the better one
    same, _ = labels_of([near, (DUST, 0.8, (10, 10, 30, 30), ALL)])
    kept, _ = labels_of([near, (DUST, 0.8, (10, 10, 30, 30), ALL)], thresholds=Thresholds(overlap=0.97))
    other, _ = labels_of([near, (SCRATCH, 0.8, (10, 10, 30, 30), ALL)])

    assert np.count_nonzero(same) == 160 * 160
    assert np.count_nonzero(kept) == 160 * 168
    assert np.count_nonzero(other == Label.SCRATCH) == 160 * 160
    assert np.count_nonzero(other == Label.CONTAMINATION) == 160 * 8


@pytest.mark.parametrize("score", [0.3, 0.9])
def test_round_mask(labels_of: LabelsOf, score: float) -> None:
    """A disc of prototypes 10 px in radius comes out as a disc of 10 / 64 of the square, whatever its score."""
    rows, columns = np.mgrid[:16, :16] * 4 + 2
    disc = 0.2 * (10 - np.hypot(rows - 32, columns - 32))  # its edge is where the sigmoid is one half
    found, confidence = labels_of([(SCRATCH, score, (0, 0, 64, 64), [1.0])], prototypes=disc[None])

    assert np.count_nonzero(confidence >= OUTLINE) == pytest.approx(np.pi * 80**2, rel=0.04)
    assert min(confidence[0, 256, 256 - 76], confidence[0, 256 - 76, 256]) > OUTLINE
    assert max(confidence[0, 256, 256 - 84], confidence[0, 256 - 84, 256]) < OUTLINE
    assert np.array_equal(found == Label.SCRATCH, confidence >= CANDIDATE)
    middle = 1 / (1 + np.exp(-disc.max()))
    assert confidence.max() == pytest.approx(255 * (0.5 + score * (middle - 0.5)), abs=1)


def overlap_of(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    common = np.prod(np.maximum(high - low, 0))
    return float(common / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - common))


def decoded(objects: list[Object], prototypes: NDArray[Any], side_px: int) -> Bytes:
    """A label map by plain loops: the surest first, unless a surer one of its class covers it; none paints over it."""
    labels, kept = np.zeros((512, 512), np.uint8), list[tuple[int, NDArray[Any]]]()
    middle = (np.arange(512) + 0.5) * side_px / 512
    for theirs, score, box, weights in sorted(objects, key=lambda each: -each[1]):
        corners = np.array(box)
        if score <= 0.25 or any(overlap_of(corners, other) > 0.7 for of, other in kept if of == theirs):
            continue
        kept.append((theirs, corners))
        likely = 1 / (1 + np.exp(-np.tensordot(weights, prototypes, 1)))
        mask = cv2.resize(likely, (512, 512), interpolation=cv2.INTER_LINEAR) > 0.5
        mask &= np.logical_and.outer((middle >= box[1]) & (middle < box[3]), (middle >= box[0]) & (middle < box[2]))
        labels[mask & (labels == 0)] = (Label.CONTAMINATION, Label.SCRATCH)[theirs]
    return labels


@pytest.mark.parametrize("seed", range(2))
def test_many_random_objects(labels_of: LabelsOf, seed: int) -> None:
    """Dozens of overlapping objects come out as plain loops over them paint them."""
    rng = np.random.default_rng(seed)
    prototypes = np.stack([cv2.GaussianBlur(rng.normal(0, 9, (40, 40)), (0, 0), 2) for _ in range(32)])
    objects: list[Object] = []
    for center, size in zip(rng.uniform(20, 140, (30, 2)), rng.uniform(6, 70, (30, 2)), strict=True):
        for shift in (0.0, rng.uniform(0, 6)):  # each with a neighbour that it may have to give way to
            box = np.float32([*(center - size / 2 + shift), *(center + size / 2 + shift)])
            objects.append((int(rng.integers(2)), float(rng.uniform(0.1, 1)), tuple(box), rng.normal(0, 1, 32)))
    labels, confidence = labels_of(objects, prototypes=prototypes, size=(160, 160))
    found = np.where(confidence > OUTLINE, labels, 0)

    assert (found[0] != decoded(objects, prototypes, 160)).mean() < 1e-3  # pixels on an edge may round either way
    assert set(np.unique(found)) == {Label.BACKGROUND, Label.SCRATCH, Label.CONTAMINATION}


def test_batch_of_three(labels_of: LabelsOf) -> None:
    """Each square of a batch is judged by itself, though the network was exported for one picture."""
    squares = np.concatenate([WHITE, WHITE // 2, WHITE * 0])
    found, confidence = labels_of([(DUST, 0.8, (8, 8, 16, 16), ALL), (SCRATCH, 0.4, (32, 32, 40, 40), ALL)], squares)

    assert found.shape == confidence.shape == (3, 512, 512)
    assert [set(np.unique(labels)) for labels in found] == [{0, 1, 3}, {0, 3}, {0}]
    assert confidence[1, 100, 100] == pytest.approx((1 + 0.8 * 127 / 255) / 2 * 255, abs=1)


def test_ignored_classes(labels_of: LabelsOf) -> None:
    """What is to be ignored is not painted, hides nothing below it, and its candidates speak for no other class."""
    found, _ = labels_of(
        [(DUST, 0.9, (0, 0, 64, 64), ALL), (SCRATCH, 0.5, (8, 8, 16, 16), ALL)],
        classes={"dust": "ignore", "scratch": "scratch"},
    )

    assert np.array_equal(found[0], truth((Label.SCRATCH, 0.5, slice(64, 128), slice(64, 128)))[0])


def test_more_objects_than_are_painted(labels_of: LabelsOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many objects the most certain are painted."""
    monkeypatch.setattr("endface_build.foreign.yolo.MOST_OBJECTS", 2)
    found, _ = labels_of([(DUST, 0.3 + 0.1 * k, (8 * k, 8, 8 * k + 8, 16), ALL) for k in range(4)])

    assert set(np.nonzero(found[0])[1] // 64) == {2, 3}


@pytest.mark.parametrize("size", [(64, 96), (96, 64)])
def test_letterboxed_input(labels_of: LabelsOf, size: tuple[int, int]) -> None:
    """In an oblong input the square lies in the middle, and comes back from there."""
    top, left = (size[0] - 64) // 2, (size[1] - 64) // 2
    whole = (0, 0, size[1], size[0])
    found, _ = labels_of([(DUST, 0.8, (left + 8, top + 16, left + 24, top + 20), ALL)], size=size)
    filled, _ = labels_of([(DUST, 0.9, whole, ALL)], size=size)

    assert np.array_equal(found[0], truth((Label.CONTAMINATION, 0.8, slice(128, 160), slice(64, 192)))[0])
    assert (filled == Label.CONTAMINATION).all()


def test_letterbox_is_padded_with_gray(labels_of: LabelsOf) -> None:
    """Beside the square lies the gray 114 that the trainer pads with: black squares make a third of it on average."""
    _, confidence = labels_of(
        [(DUST, 1.0, (0, 0, 96, 64), ALL)], WHITE * 0, size=(64, 96), thresholds=Thresholds(confidence=0.1)
    )

    assert np.ptp(confidence) == 0
    assert confidence[0, 0, 0] == pytest.approx((255 + 114 / 3) / 2, abs=1)


@pytest.mark.parametrize(
    "knobs",
    [
        {"opset": 11},
        {"opset": 12},
        {"opset": 20},
        {"kind": "float16"},
        {"batch": "batch"},
        {"declared": "height,width", "properties": {"names": "['dust', 'scratch']", "imgsz": "[64, 64]"}},
        {"properties": {}, "classes": {"0": "contamination", "1": "scratch"}},
    ],
    ids=["oldest", "old", "new", "half", "dynamic batch", "dynamic size", "no names"],
)
def test_ways_of_exporting(labels_of: LabelsOf, knobs: dict[str, Any]) -> None:
    """However the network was exported, the same objects come out."""
    found, _ = labels_of([(DUST, 0.8, (8, 16, 24, 20), ALL)], np.repeat(WHITE, 2, axis=0), **knobs)

    expected, _ = truth((Label.CONTAMINATION, 0.8, slice(128, 160), slice(64, 192)))
    assert np.array_equal(found, [expected, expected])


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        (
            {"names": ("a", "b"), "properties": {"names": "{0: 'a'}"}},
            r"\(1, 38, 84\) .* names 1 classes; wanted are \[1, 4",
        ),
        ({"objects": [(DUST, 9.0, (8, 8, 16, 16), ALL)]}, "scores.*wanted are 0 to 1"),
        ({"size": (64, 68)}, "sides that 32 divides"),
        ({"declared": "64,32"}, r"\(1, 32, 16, 16\) to 64 x 32 pixels"),
        ({"objects": [(DUST, 0.8, (0, 0, 1, 1), ALL)], "filler": 0.5}, "boxes .* are shares of the picture"),
        ({"candidates": 6 + 32}, "export it with nms=False and end2end=False"),
        ({"batch": "4"}, "4 pictures at a time: export it with batch=1"),
        ({"declared": "height,width"}, r"leaves its input's size open: write \[input\] and size"),
        ({"classes": {"dust": "contamination"}}, r"says nothing of the network's class 1 \(scratch\)"),
        ({"classes": MAP | {"oil": "contamination"}}, r"names oil, but the network's classes are 0 \(dust\)"),
        ({"classes": MAP | {"0": "pit"}}, r"names class 0 \(dust\) by name and by number"),
        ({"classes": {"dust": "ignore", "scratch": "background"}}, "every face would pass"),
    ],
)
def test_refused(labels_of: LabelsOf, tmp_path: Path, knobs: dict[str, Any], message: str) -> None:
    """What cannot be served is refused with a sentence, and nothing is written."""
    objects = knobs.pop("objects", [(DUST, 0.8, (8, 16, 24, 20), ALL)])
    with pytest.raises(ConfigurationError, match=message):
        labels_of(objects, **knobs)

    assert not (tmp_path / "out").exists()
