"""A segmentation network's scores or class numbers become the label map that they stand for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from endface.contract import Label
from endface.engines.onnx_network import Network
from endface.errors import ConfigurationError
from endface_build.foreign.import_network import import_network
from endface_build.manifest import MODEL_FILE

Write = Callable[..., Path]
Bytes = NDArray[np.uint8]
LabelsOf = Callable[..., tuple[Bytes, Bytes]]
Chequered = tuple[Bytes, Bytes]

WHITE = np.full((1, 1, 512, 512), 255, np.uint8)
THREE = {"0": "background", "1": "scratch", "2": "contamination"}
PROBABLE = "[output]\nvalues = 'probabilities'"
SCORED = "gray = ReduceMean <axes = [1]> (image) low = Neg (gray)"
"""A picture's gray level as one channel, in ONNX's text; what follows makes scores of it."""
THREE_LOGITS = SCORED + " none = Sub (gray, gray) out = Concat <axis = 1> (none, gray, low)"
"""Class 1 where the picture that the network sees is above zero, class 2 where it is below."""


@pytest.fixture
def labels_of(tmp_path: Path, write_segmenter: Write, write_map: Write) -> LabelsOf:
    """Import a network made of nodes and show it squares."""

    def labels(
        nodes: str, squares: Bytes = WHITE, classes: dict[str, str] = THREE, more: str = "", **knobs: Any
    ) -> tuple[Bytes, Bytes]:
        path = write_segmenter(tmp_path / "unet.onnx", nodes, **knobs)
        import_network(path, write_map(classes, more), tmp_path / "out")
        return Network(tmp_path / "out" / MODEL_FILE).segment(squares)

    return labels


@pytest.fixture
def chequered() -> Chequered:
    """Squares of 8 x 8 pixels, black and white, and the labels of ``THREE`` where white is above zero, black below."""
    white = np.kron(np.indices((64, 64)).sum(axis=0) % 2, np.ones((8, 8))) > 0
    labels = np.where(white, Label.SCRATCH, Label.CONTAMINATION).astype(np.uint8)
    return (white * 255).astype(np.uint8)[None, None], labels


@pytest.mark.parametrize(
    "takes", ["float[1,3,512,512]", "float[N,1,512,512]", "float16[1,1,512,512]", "float[1,3,H,W]"]
)
def test_logits(labels_of: LabelsOf, chequered: Chequered, takes: str) -> None:
    """Each pixel has the label of its most probable mark; the confidence is the softmax of all marks together."""
    squares, labels = chequered
    found, confidence = labels_of(
        THREE_LOGITS,
        squares,
        more="[input]\nmean = 0.5",
        takes=takes,
        gives="float16[a,b,c,d]" if "16" in takes else "float[a,b,c,d]",
    )

    assert np.array_equal(found[0], labels)
    marks = np.exp(0.5) + np.exp(-0.5)
    assert np.abs(confidence.astype(int) - round(marks / (1 + marks) * 255)).max() <= 1


@pytest.mark.parametrize(("background", "label"), [(0.3, 3), (0.75, 3), (0.85, 0)])
def test_mark_that_is_less_probable_than_background(labels_of: LabelsOf, background: float, label: int) -> None:
    """The background takes no label away from a probability of 0.2 on; the confidence says where the outline is."""
    nodes = (
        f"flat = ReduceMean <axes = [1]> (image) none = Sub (flat, flat) a = Constant <value_float = {background}> ()"
        f" b = Constant <value_float = {0.6 * (1 - background)}> () c = Constant <value_float = {0.4 * (1 - background)}> ()"
        " p = Add (none, a) q = Add (none, b) r = Add (none, c) out = Concat <axis = 1> (p, r, q)"
    )
    found, confidence = labels_of(nodes, more=PROBABLE)

    assert (found == label).all()
    assert np.abs(confidence - 255 * (1 - background)).max() < 1


def test_normalization(labels_of: LabelsOf) -> None:
    """The network sees (gray * scale - mean) / std, a mean and std for each channel."""
    gray = np.full((1, 1, 512, 512), 102, np.uint8)  # 0.4 of white
    _, confidence = labels_of(
        "out = Identity (image)",
        gray,
        more="[input]\nmean = [0.1, 0.2, 0.3]\nstd = [0.1, 0.2, 0.1]",
    )

    scores = np.exp([3.0, 1.0, 1.0])
    assert set(np.unique(confidence)) == {round(255 * scores[1:].sum() / scores.sum())}


BYTES = """
    level = Cast <to = 1> (image) half = Constant <value_float = 127.5> () logit = Sub (level, half)
    low = Neg (logit) none = Sub (logit, logit) out = Concat <axis = 1> (none, logit, low)"""
CONDITION = """
    yes = Constant <value = bool {1}> () half = Constant <value_float = 0.5> () gray = If (yes) <
        then_branch = same () => (float[1,1,h,w] above) { above = Sub (image, half) },
        else_branch = other () => (float[1,1,h,w] below) { below = Neg (image) }>
    low = Neg (gray) none = Sub (gray, gray) out = Concat <axis = 1> (none, gray, low)"""


@pytest.mark.parametrize(
    ("nodes", "takes"), [(BYTES, "uint8[1,1,512,512]"), (CONDITION, "float[1,1,512,512]")], ids=["bytes", "condition"]
)
def test_other_graphs(labels_of: LabelsOf, chequered: Chequered, nodes: str, takes: str) -> None:
    """Bytes go in as gray levels, rounded; a condition that reaches for tensors outside stays whole."""
    squares, labels = chequered
    found, _ = labels_of(nodes, squares, takes=takes)

    assert np.array_equal(found[0], labels)


def test_classes_that_are_one_of_ours_are_added(labels_of: LabelsOf) -> None:
    """Dust at 0.3 and oil at 0.3 are contamination at 0.6, which outweighs the background at 0.4."""
    nodes = (
        "flat = ReduceMean <axes = [1]> (image) none = Sub (flat, flat) a = Constant <value_float = 0.4> ()"
        " b = Constant <value_float = 0.3> () p = Add (none, a) q = Add (none, b) out = Concat <axis = 1> (p, q, q)"
    )
    found, confidence = labels_of(
        nodes,
        classes={"clean": "background", "dust": "contamination", "oil": "contamination"},
        more='[output]\nvalues = "probabilities"',
        properties={"names": "{0: 'clean', 1: 'dust', 2: 'oil'}"},
    )

    assert (found == Label.CONTAMINATION).all()
    assert set(np.unique(confidence)) == {round(0.6 * 255)}


def test_smaller_output(labels_of: LabelsOf) -> None:
    """Scores at a quarter of the size are enlarged smoothly before the labels are taken."""
    square = np.zeros((512, 512), np.uint8)
    cv2.circle(square, (300, 200), 90, 255, -1)
    nodes = "small = AveragePool <kernel_shape = [4, 4], strides = [4, 4]> (image)" + THREE_LOGITS.replace(
        "(image)", "(small)"
    )
    found, _ = labels_of(nodes, square[None, None], more="[input]\nmean = 0.5", takes="float[1,1,512,512]")

    assert np.count_nonzero(found[0] == Label.SCRATCH) == pytest.approx(np.pi * 90.5**2, rel=0.02)
    assert found[0, 200, 300 - 86] == Label.SCRATCH
    assert found[0, 200, 300 - 95] == Label.CONTAMINATION


@pytest.mark.parametrize("gives", ["int64[1,h,w]", "int32[1,h,w]", "uint8[1,1,h,w]"])
def test_class_numbers(labels_of: LabelsOf, chequered: Chequered, gives: str) -> None:
    """An output of class numbers is translated number by number; a mark is certain."""
    squares, labels = chequered
    code = {"int64": 7, "int32": 6, "uint8": 2}[gives.split("[", maxsplit=1)[0]]
    numbers = (
        "logits = Identity (scores) best = ArgMax <axis = 1, keepdims = KEEP> (logits) out = Cast <to = CODE> (best)"
    )
    nodes = THREE_LOGITS.replace("out =", "scores =") + numbers.replace("CODE", str(code)).replace(
        "KEEP", "1" if "1,1" in gives else "0"
    )
    found, confidence = labels_of(nodes, squares, more="[input]\nmean = 0.5", takes="float[1,3,512,512]", gives=gives)

    assert np.array_equal(found[0], labels)
    assert (confidence == 255).all()


SOFT = THREE_LOGITS.replace("out =", "scores =") + " out = Softmax <axis = 1> (scores)"


@pytest.mark.parametrize(
    ("nodes", "knobs", "message"),
    [
        (SOFT, {}, "answers with probabilities .* takes them for logits"),
        (THREE_LOGITS, {"more": PROBABLE}, "answers with logits .* takes them for probabilities"),
        ("out = ReduceMean <axes = [1]> (image)", {}, "the background being a class too"),
        ("out = Flatten (image)", {"gives": "float[a,b]"}, "wanted are scores"),
        (
            "out = ArgMax <axis = 1, keepdims = 0> (image)",
            {"classes": {"scratch": "scratch"}, "gives": "int64[1,h,w]"},
            "by number",
        ),
        (THREE_LOGITS, {"more": "[output]\nname = 'aux'"}, "names output aux, but the network has"),
        (THREE_LOGITS, {"more": "[input]\nmean = [0, 0, 0]", "takes": "float[1,1,64,64]"}, "give one mean and one std"),
        (THREE_LOGITS, {"takes": "float[1,64,64,3]"}, r"wanted is one input \[1, 1 or 3, height, width\]"),
        (THREE_LOGITS, {"takes": "float[1] other, float[1,3,64,64]"}, "wanted is one input"),
        (THREE_LOGITS, {"more": "[input]\nsize = [32, 32]"}, "take the size out of the map"),
        ("out = Strange (image)", {}, "not a whole ONNX network"),
        (SCORED + " out = Concat <axis = 1> (gray, low)", {}, "names 2, but the network's classes are 0, 1"),
        (
            "gray = Cast <to = 1> (image) out = Concat <axis = 1> (gray, gray, gray)",
            {"takes": "uint8[1,1,64,64]", "more": "[input]\nscale = 0.5"},
            "takes gray levels as bytes",
        ),
        (
            "big = Constant <value_ints = [1, 3, 4096]> () out = Reshape (image, big)",
            {"gives": "float[a,b,c]"},
            "wanted are scores",
        ),
        (
            "big = Constant <value_ints = [7, 7]> () out = Reshape (image, big)",
            {"gives": "float[a,b,c]"},
            "ONNX Runtime cannot run",
        ),
    ],
)
def test_refused(labels_of: LabelsOf, tmp_path: Path, nodes: str, knobs: dict[str, Any], message: str) -> None:
    """What cannot be served is refused with a sentence, and nothing is written."""
    with pytest.raises(ConfigurationError, match=message):
        labels_of(nodes, **knobs)

    assert not (tmp_path / "out").exists()


def test_several_outputs(tmp_path: Path, write_segmenter: Write, write_map: Write) -> None:
    """Of several outputs the map names the one to take."""
    path = write_segmenter(
        tmp_path / "deep.onnx", THREE_LOGITS + " aux = Neg (out)", gives="float[1,c,h,w] aux, float[1,c,h,w]"
    )
    with pytest.raises(ConfigurationError, match=r"write \[output\] and the name of one"):
        import_network(path, write_map(THREE), tmp_path / "out")
    import_network(path, write_map(THREE, "[output]\nname = 'out'\n[input]\nmean = 0.5"), tmp_path / "out")

    found, _ = Network(tmp_path / "out" / MODEL_FILE).segment(WHITE)
    assert (found == Label.SCRATCH).all()
