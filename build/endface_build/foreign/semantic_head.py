"""What a semantic segmentation network's output means, as a graph: scores of its classes, or their numbers, to labels.

Several of their classes may be one of ours: their probabilities are added before the most likely label is taken, so
that "dust" at 0.3 and "oil" at 0.3 outweigh a background at 0.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_PX, Label
from endface.errors import ConfigurationError
from endface_build.foreign.class_map import NetworkMap
from endface_build.foreign.read_network import Foreign
from endface_build.foreign.wrap import numbers, stretched, to_image

_SUM_TOLERANCE: Final = 0.01
"""By how much the probabilities of a pixel may miss 1: float16 networks do."""


@dataclass(frozen=True)
class Head:
    """A segmentation network's output.

    Attributes:
        name: Its name.
        height: Pixels.
        width: Pixels.
        classes: How many classes it tells apart.
        is_scored: Whether it has a score for each class, [1, classes, height, width], rather than a number a pixel.
    """

    name: str
    height: int
    width: int
    classes: int
    is_scored: bool


def from_square(network: Foreign, network_map: NetworkMap) -> str:
    """ONNX text of the way from a square to the picture that the network was trained on, as the map says it."""
    image = network.image
    takes_bytes = image.datatype == "UINT8"
    norms = {len(network_map.mean), len(network_map.std)}
    if max(norms) > image.channels:
        raise ConfigurationError(
            f"{network_map.path} normalises {max(norms)} channels, {network.path} takes {image.channels}: give one "
            "mean and one std."
        )
    usual = 1.0 if takes_bytes else 1 / 255
    scale = usual if network_map.scale is None else network_map.scale
    if takes_bytes and (scale, network_map.mean, network_map.std) != (1.0, (0.0,), (1.0,)):
        raise ConfigurationError(
            f"{network.path} takes gray levels as bytes: take scale, mean and std out of {network_map.path}."
        )
    return to_image(image, scale=scale, mean=network_map.mean, std=network_map.std, inner=stretched(image))


def find_head(network: Foreign, outputs: dict[str, NDArray[np.generic]], network_map: NetworkMap) -> Head:
    """Recognise the output by its shape and type.

    Args:
        network: The network.
        outputs: What it says of a face.
        network_map: Says which output it is, and what its values are.

    Raises:
        ConfigurationError: It is not the output of a segmentation network, or its values are not what the map says.
    """
    shapes = {name: f"{values.dtype} {list(values.shape)}" for name, values in outputs.items()}
    if network_map.output is None and len(outputs) != 1:
        raise ConfigurationError(
            f"{network.path} has outputs {shapes}: write [output] and the name of one into {network_map.path}."
        )
    name = network_map.output or next(iter(outputs))
    if name not in outputs:
        raise ConfigurationError(f"{network_map.path} names output {name}, but the network has {shapes}.")
    values = outputs[name]
    match values.shape:
        case (1, classes, height, width) if classes > 1 and np.issubdtype(values.dtype, np.floating):
            _check_values(network, np.asarray(values, np.float32), network_map)
            return Head(name, height, width, classes, is_scored=True)
        case (1, height, width) | (1, 1, height, width) if np.issubdtype(values.dtype, np.integer):
            return Head(name, height, width, _numbered(network, network_map), is_scored=False)
    raise ConfigurationError(
        f"{network.path} says {shapes[name]}; wanted are scores [1, classes, height, width] as floats, the background "
        "being a class too, or class numbers [1, height, width] as integers."
    )


def to_labels(head: Head, codes: tuple[int, ...], network_map: NetworkMap) -> str:
    """ONNX text of the way from the output to ``labels`` and ``confidence``.

    Args:
        head: The output; it goes into ``said``.
        codes: Our label for each class.
        network_map: Says what scores are.
    """
    shape = numbers(1, 1, head.height, head.width)
    if not head.is_scored:
        return _NUMBERED.format(side=SQUARE_PX, classes=head.classes, codes=numbers(*codes), shape=shape)
    summed = np.zeros((len(Label), head.classes))
    summed[codes, range(head.classes)] = 1
    return _SCORED.format(
        side=SQUARE_PX,
        labels=len(Label),
        classes=head.classes,
        summed=numbers(*summed.ravel().tolist()),
        flat=numbers(head.classes, -1),
        shape=numbers(1, len(Label), head.height, head.width),
        activation="Softmax <axis = 1>" if network_map.values == "logits" else "Identity",
    )


def _numbered(network: Foreign, network_map: NetworkMap) -> int:
    """How many classes a network tells apart that only says their numbers: as many as it names, or as the map does."""
    if network.names:
        return len(network.names)
    if not all(key.isdigit() for key in network_map.classes):
        raise ConfigurationError(
            f"{network.path} has no names for its classes: name them by number in {network_map.path}."
        )
    return max(int(key) for key in network_map.classes) + 1


def _check_values(network: Foreign, scores: NDArray[np.float32], network_map: NetworkMap) -> None:
    """Logits are not probabilities, and the other way round."""
    if not np.isfinite(scores).all():
        raise ConfigurationError(
            f"{network.path} answers a drawn face with values that are no numbers: export it anew."
        )
    is_probable = scores.min() >= 0 and bool(np.abs(scores.sum(axis=1) - 1).max() <= _SUM_TOLERANCE)
    if is_probable != (network_map.values == "probabilities"):
        found = "probabilities" if is_probable else "logits"
        raise ConfigurationError(
            f"{network.path} answers with {found} ({scores.min():g} to {scores.max():g} on a drawn face), but "
            f'{network_map.path} takes them for {network_map.values}: write [output] and values = "{found}" into it.'
        )


_SCORED: Final = """
after (float[1,{classes},height,width] said) => (uint8[{side},{side}] labels, uint8[{side},{side}] confidence)
<float[{labels},{classes}] summed = {summed}, int64[2] flat = {flat}, int64[4] shape = {shape},
 int64[4] wide = {{1, {labels}, {side}, {side}}}, int64[2] square = {{{side}, {side}}}, int64[1] one = {{1}},
 float[1] byte = {{255.0}}>
{{
    scores = Cast <to = 1> (said)
    likely = {activation} (scores)
    rows = Reshape (likely, flat)
    ours = MatMul (summed, rows)
    small = Reshape (ours, shape)
    large = Resize <mode = "linear", coordinate_transformation_mode = "half_pixel"> (small, , , wide)
    probability, number = TopK <axis = 1> (large, one)
    code = Cast <to = 2> (number)
    labels = Reshape (code, square)
    full = Mul (probability, byte)
    rounded = Round (full)
    level = Min (rounded, byte)
    certainty = Cast <to = 2> (level)
    confidence = Reshape (certainty, square)
}}"""

_NUMBERED: Final = """
after (int64[1,height,width] said) => (uint8[{side},{side}] labels, uint8[{side},{side}] confidence)
<uint8[{classes}] codes = {codes}, int64[4] shape = {shape}, int64[4] wide = {{1, 1, {side}, {side}}},
 int64[2] square = {{{side}, {side}}}, uint8[1] certain = {{255}},
 int64[1] none = {{0}}, int64[1] beyond = {{{classes}}}>
{{
    # A number without a class must fail, and a negative one would count from the end.
    given = Cast <to = 7> (said)
    negative = Less (given, none)
    number = Where (negative, beyond, given)
    code = Gather (codes, number)
    small = Reshape (code, shape)
    large = Resize <mode = "nearest", coordinate_transformation_mode = "half_pixel"> (small, , , wide)
    labels = Reshape (large, square)
    confidence = Expand (certain, square)
}}"""
