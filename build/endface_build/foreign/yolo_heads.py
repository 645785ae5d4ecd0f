"""A YOLO segmentation network's picture and its two outputs, recognised by their shapes and values.

Its exporter writes, for every candidate, the box in pixels of the input (centre and size), a score from 0 to 1 for each
class, and coefficients; a candidate's mask is the sigmoid of the prototypes weighted with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.errors import ConfigurationError
from endface_build.foreign.read_network import Foreign
from endface_build.foreign.wrap import letterboxed, to_image

STRIDE: Final = 4
"""Pixels of the input a pixel of the prototypes."""

_PIXELS: Final = 2.0
"""Boxes of which none reaches further are shares of the picture, not pixels."""


@dataclass(frozen=True)
class Heads:
    """A YOLO network's two outputs.

    Attributes:
        candidates: Name of the one [1, 4 + classes + masks, candidates].
        prototypes: Name of the one [1, masks, height / 4, width / 4].
        classes: How many classes it knows.
        masks: How many prototypes it has; 32 as a rule.
    """

    candidates: str
    prototypes: str
    classes: int
    masks: int


def from_square(network: Foreign) -> str:
    """ONNX text of the way from a square to the picture that YOLO was trained on: letterboxed, from 0 to 1."""
    inner = letterboxed(network.image)
    if inner.top % STRIDE or inner.left % STRIDE:
        raise ConfigurationError(f"{network.path} takes an odd size: export it for sides that 32 divides.")
    return to_image(network.image, scale=1 / 255, mean=(0.0,), std=(1.0,), inner=inner)


def find_heads(network: Foreign, outputs: dict[str, NDArray[np.generic]]) -> Heads:
    """Recognise the two outputs by their shapes.

    Args:
        network: The network.
        outputs: What it says of a face.

    Raises:
        ConfigurationError: They are not those of a YOLO segmentation network, or come from another way of exporting.
    """
    shapes = {name: values.shape for name, values in outputs.items()}
    flat = [name for name, shape in shapes.items() if len(shape) == 3]
    deep = [name for name, shape in shapes.items() if len(shape) == 4]
    if len(shapes) != 2 or len(flat) != 1 or len(deep) != 1:
        raise ConfigurationError(
            f"{network.path} has outputs {shapes}; those of a YOLO segmentation network are [1, 4 + classes + 32, "
            "candidates] and [1, 32, height / 4, width / 4]. Other networks go through import-segmentation."
        )
    heads = _measured(network, (flat[0], shapes[flat[0]]), (deep[0], shapes[deep[0]]))
    _check_values(network, np.asarray(outputs[heads.candidates], np.float32), heads)
    return heads


def _measured(network: Foreign, flat: tuple[str, tuple[int, ...]], deep: tuple[str, tuple[int, ...]]) -> Heads:
    """The heads, if the shapes fit one another, the input and the names of the classes."""
    (candidates, (_, rows, count)), (prototypes, (_, masks, height, width)) = flat, deep
    image, classes = network.image, rows - 4 - masks
    if (height * STRIDE, width * STRIDE) != (image.height, image.width):
        raise ConfigurationError(
            f"The prototypes of {network.path} are {height} x {width} pixels for a picture of {image.height} x "
            f"{image.width}; wanted is a quarter of each side."
        )
    if count == 6 + masks:
        raise ConfigurationError(
            f"{network.path} sorts out its boxes by itself ([1, {rows}, {count}]): export it with nms=False and "
            "end2end=False."
        )
    if classes < 1 or (network.names and classes != len(network.names)):
        raise ConfigurationError(
            f"{network.path} has {rows} rows a candidate; wanted are 4 + {len(network.names) or 'its'} classes + "
            f"{masks} masks, as exporters of YOLOv8 and later write them."
        )
    return Heads(candidates, prototypes, classes, masks)


def _check_values(network: Foreign, candidates: NDArray[np.float32], heads: Heads) -> None:
    """Scores are probabilities and boxes are pixels, or nothing would ever be found."""
    boxes, scores = candidates[:, :4], candidates[:, 4 : 4 + heads.classes]
    if not (np.isfinite(candidates).all() and scores.min() >= 0 and scores.max() <= 1):
        raise ConfigurationError(
            f"The scores of {network.path} go from {scores.min():g} to {scores.max():g} on a drawn face, wanted are "
            "0 to 1: export it with the sigmoid in the graph, as its usual exporter does."
        )
    if boxes.max() <= _PIXELS:
        raise ConfigurationError(
            f"The boxes of {network.path} are shares of the picture: export it with boxes in pixels."
        )
