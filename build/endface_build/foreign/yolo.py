"""YOLO segmentation networks, as their usual exporter writes them: how they are recognized, and their outputs.

For every candidate one output holds the box in pixels of the input (center and size), a score from 0 to 1 for each
class, and coefficients; the candidate's mask is the sigmoid of the other output's prototypes weighted with them.  A
candidate speaks for its best class alone.  Those below the threshold are left out, and so are those that overlap too
much with a better one of their class; of the rest the most certain lies on top.

The outline of an object is where its mask is one half, whatever its score: an object that counts is there.  Inside, the
probability of a mark rises with mask and score, to (1 + score) / 2.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from endface.contract import SQUARE_PX
from endface.errors import ConfigurationError
from endface_build.foreign.read_network import Foreign
from endface_build.foreign.wrap import FLOAT, SIDES, Op, Tensor, constant, enlarge, to_bytes, value

MOST_OBJECTS: Final = 300
"""The most certain objects of a face that are painted: the bound of YOLO's own predictor."""

PADDING: Final = 114.0
"""Gray level beside a letterboxed picture: what YOLO's trainer pads with."""

_STRIDE: Final = 4
"""Pixels of the input a pixel of the prototypes."""

_PIXELS: Final = 2.0
"""Boxes none of which reaches further are shares of the picture, not pixels."""

_WANTED: Final = "wanted are [1, 4 + classes + masks, candidates] and [1, masks, height / 4, width / 4]"


@dataclass(frozen=True)
class Thresholds:
    """Which candidates count; the defaults are those of YOLO's own predictor.

    Attributes:
        confidence: The least score.
        overlap: Intersection over union from which on the weaker of two boxes of a class is dropped.
    """

    confidence: float = 0.25
    overlap: float = 0.7


def is_yolo(outputs: dict[str, NDArray[np.generic]]) -> bool:
    """Whether a network answers with two tensors of YOLO's ranks, 3 and 4."""
    return sorted(each.ndim for each in outputs.values()) == [3, 4]


class Yolo:
    """A YOLO segmentation network.

    Args:
        network: The network.
        thresholds: Which candidates count.
    """

    def __init__(self, network: Foreign, thresholds: Thresholds):
        self._network, self._thresholds = network, thresholds
        image = network.image
        self._side = min(image.height, image.width)
        self._top, self._left = (image.height - self._side) // 2, (image.width - self._side) // 2
        self.classes, self._masks, self._outputs = 0, 0, ("", "")
        self.source: dict[str, Any] = {"kind": "yolo", **asdict(thresholds)}

    def to_image(self, op: Op, square: Tensor) -> Tensor:
        """The picture that YOLO was trained on: letterboxed, from 0 to 1."""
        image, side = self._network.image, self._side
        below, right = image.height - side - self._top, image.width - side - self._left
        sized = enlarge(op, op.Unsqueeze(op.Cast(square, to=FLOAT), [0]), "linear", side, side)
        padded = op.Pad(sized, [0, 0, self._top, self._left, 0, 0, below, right], PADDING)
        levels = op.Expand(op.Mul(padded, 1 / 255), [1, image.channels, image.height, image.width])
        return op.Cast(levels, to=image.onnx_type)

    def check(self, outputs: dict[str, NDArray[np.generic]]) -> None:
        """Learn the numbers of classes and masks from what the network answers to a drawn face.

        Raises:
            ConfigurationError: Shapes or values are not those of a YOLO segmentation network.
        """
        path, image, names = self._network.path, self._network.image, self._network.names
        first, second = sorted(outputs, key=lambda name: outputs[name].ndim)
        candidates, prototypes = np.asarray(outputs[first], np.float32), outputs[second]
        (_, rows, count), (_, masks, height, width) = candidates.shape, prototypes.shape
        self.classes, self._masks, self._outputs = rows - 4 - masks, masks, (first, second)
        if image.is_size_assumed:
            raise ConfigurationError(
                f"{path} leaves its input's size open: write [input] and size = [height, width] into the map, the size "
                "that it was trained on."
            )
        if self._top % _STRIDE or self._left % _STRIDE:
            raise ConfigurationError(f"{path} takes an odd size: export it for sides that 32 divides.")
        if count == 6 + masks:
            raise ConfigurationError(f"{path} sorts out its boxes itself: export it with nms=False and end2end=False.")
        fits = (height * _STRIDE, width * _STRIDE) == (image.height, image.width)
        if not fits or self.classes < 1 or (names and self.classes != len(names)):
            raise ConfigurationError(
                f"{path} answers {candidates.shape} and {prototypes.shape} to {image.height} x {image.width} pixels "
                f"and names {len(names) or 'no'} classes; {_WANTED}, as exporters of YOLOv8 and later write them."
            )
        boxes, scores = candidates[:, :4], candidates[:, 4 : 4 + self.classes]
        if not (np.isfinite(candidates).all() and scores.min() >= 0 and scores.max() <= 1):
            raise ConfigurationError(
                f"The scores of {path} go from {scores.min():g} to {scores.max():g} on a drawn face, wanted are 0 to "
                "1: export it with the sigmoid in the graph, as its usual exporter does."
            )
        if boxes.max() <= _PIXELS:
            raise ConfigurationError(f"The boxes of {path} are shares of the picture: export it with boxes in pixels.")

    def to_labels(self, op: Op, outputs: dict[str, Tensor], codes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Label map and confidence from the two outputs.

        Args:
            op: Adds operators.
            outputs: The network's.
            codes: Our label for each class; 0 for those that are not painted.
        """
        candidates, prototypes = (outputs[name] for name in self._outputs)
        # A candidate speaks for its best class alone, and only where that means something to us.
        parts = op.Split(op.Cast(candidates, to=FLOAT), [4, self.classes, self._masks], axis=1, _outputs=3)
        boxes, scores, coefficients = parts
        best = op.OneHot(op.ArgMax(scores, axis=1, keepdims=0), [self.classes], [0.0, 1.0], axis=1)
        wanted = constant(op, [[code > 0] for code in codes])
        spoken = op.Mul(scores, op.Mul(best, wanted))

        # The objects, the most certain first.
        places = op.Transpose(boxes, perm=[0, 2, 1])
        bounds = [MOST_OBJECTS], [self._thresholds.overlap], [self._thresholds.confidence]
        picked = op.NonMaxSuppression(places, spoken, *bounds, center_point_box=1)
        found = op.GatherND(spoken, picked)
        score, order = op.TopK(found, op.Min(op.Shape(found), [MOST_OBJECTS]), axis=0, _outputs=2)
        columns = op.Split(op.Gather(picked, order), [1, 1, 1], axis=1, _outputs=3)
        _, kind, candidate = (op.Squeeze(column, [1]) for column in columns)

        # Their boxes in pixels of the square, and their masks' weights.
        center, size = op.Split(op.Gather(op.Squeeze(places, [0]), candidate), [2, 2], axis=1, _outputs=2)
        corner, enlarged = [float(self._left), float(self._top)], SQUARE_PX / self._side
        low = op.Mul(op.Sub(op.Sub(center, op.Mul(size, 0.5)), corner), enlarged)
        high = op.Mul(op.Sub(op.Add(center, op.Mul(size, 0.5)), corner), enlarged)
        weights = op.Gather(op.Squeeze(op.Transpose(coefficients, perm=[0, 2, 1]), [0]), candidate)

        owners, probability = self._paint(op, prototypes, op.Concat(low, high, axis=1), weights, score)
        own_codes = op.Gather(constant(op, codes, np.uint8), kind)
        labels = op.Gather(op.Concat(constant(op, [0], np.uint8), own_codes, axis=0), owners)
        return to_bytes(op, labels, probability)

    def _paint(
        self, op: Op, prototypes: Tensor, boxes: Tensor, weights: Tensor, scores: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The object that owns each pixel, int32 (512, 512), counted from 1, and the probability of a mark there.

        Args:
            op: Adds operators.
            prototypes: float32 or float16 (1, masks, height, width).
            boxes: float32 (N, 4), left, top, right and bottom in pixels of the square; the most certain comes first.
            weights: float32 (N, masks).
            scores: float32 (N,).
        """
        top, left, side = (pixels // _STRIDE for pixels in (self._top, self._left, self._side))
        inner = op.Slice(op.Cast(prototypes, to=FLOAT), [top, left], [top + side, left + side], [2, 3])
        basis = op.Reshape(inner, [self._masks, -1])
        across = constant(op, np.arange(SQUARE_PX) + 0.5)
        down = op.Unsqueeze(across, [1])
        nobody, nowhere = constant(op, 0, np.int32), constant(op, 0)

        def take(op: Op, index: Tensor, going: Tensor, taken: Tensor, probable: Tensor) -> tuple[Tensor, ...]:
            """The object takes the pixels in its box that lie in no other's mask and that none has more claim to."""
            row = op.Unsqueeze(index, [0])
            likely = op.Reshape(op.Sigmoid(op.MatMul(op.Gather(weights, row), basis)), [1, 1, side, side])
            mask = op.Reshape(enlarge(op, likely, "linear"), list(SIDES))
            inside = op.Mul(op.Max(op.Sub(mask, 0.5), 0.0), op.Gather(scores, row))
            own = op.Add(op.Min(mask, 0.5), inside)
            left, top, right, bottom = op.Split(op.Squeeze(op.Gather(boxes, row), [0]), [1] * 4, axis=0, _outputs=4)
            columns = op.And(op.GreaterOrEqual(across, left), op.Less(across, right))
            rows = op.And(op.GreaterOrEqual(down, top), op.Less(down, bottom))
            free = op.And(op.LessOrEqual(probable, 0.5), op.Greater(own, probable))
            takes = op.And(free, op.And(rows, columns))
            owner = op.Where(takes, op.Cast(op.Add(row, [1]), to=int32), taken)
            return op.Identity(going), owner, op.Where(takes, own, probable)

        int32, boolean = onnx.TensorProto.INT32, onnx.TensorProto.BOOL
        body = op.builder.subgraph(
            take,
            [
                value("index", onnx.TensorProto.INT64, ()),
                value("going", boolean, ()),
                value("taken", int32, SIDES),
                value("probable", FLOAT, SIDES),
            ],
            [value("still", boolean, ()), value("taken_after", int32, SIDES), value("probable_after", FLOAT, SIDES)],
        )
        count = op.Squeeze(op.Slice(op.Shape(boxes), [0], [1]), [0])
        empty = op.Expand(nobody, list(SIDES)), op.Expand(nowhere, list(SIDES))
        owners, probability = op.Loop(count, True, *empty, body=body, _outputs=2)
        return owners, probability
