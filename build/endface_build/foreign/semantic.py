"""Semantic segmentation networks: a score for each class and pixel, or each pixel's class number.

Several of their classes may be one of ours: their probabilities are added before the most probable label is taken.
The probability of a mark is that of all classes that are marks, so that "dust" at 0.3 and "oil" at 0.3 outweigh a
background at 0.4.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from endface.contract import Label
from endface.errors import ConfigurationError
from endface_build.foreign.class_map import NetworkMap
from endface_build.foreign.read_network import Foreign
from endface_build.foreign.wrap import FLOAT, UINT8, Op, Tensor, constant, enlarge, to_bytes

_SUM_TOLERANCE: Final = 0.01
"""By how much the probabilities of a pixel may miss 1: float16 networks do."""


class Semantic:
    """A semantic segmentation network.

    Args:
        network: The network.
        network_map: What its input and output mean.

    Raises:
        ConfigurationError: The map normalizes what the network does not take.
    """

    def __init__(self, network: Foreign, network_map: NetworkMap):
        self._network, self._map = network, network_map
        self.source: dict[str, Any] = {"kind": "segmentation"}
        self.classes, self._output, self._shape, self._is_scored = 0, "", (0, 0), True
        channels = max(len(network_map.mean), len(network_map.std))
        if channels > network.image.channels:
            raise ConfigurationError(
                f"{network_map.path} normalizes {channels} channels, {network.path} takes {network.image.channels}: "
                "give one mean and one std."
            )
        usual = NetworkMap(network_map.path, {})
        given = (network_map.scale or 1.0, network_map.mean, network_map.std)
        if network.image.takes_bytes and given != (1.0, usual.mean, usual.std):
            raise ConfigurationError(
                f"{network.path} takes gray levels as bytes: take scale, mean and std out of {network_map.path}."
            )

    def to_image(self, op: Op, square: Tensor) -> Tensor:
        """The picture that the network was trained on, as the map says it: the square takes all of it."""
        image, each_channel = self._network.image, (1, -1, 1, 1)
        scale = self._map.scale or (1.0 if image.takes_bytes else 1 / 255)
        mean, std = (constant(op, np.reshape(each, each_channel)) for each in (self._map.mean, self._map.std))
        sized = enlarge(op, op.Unsqueeze(op.Cast(square, to=FLOAT), [0]), "linear", image.height, image.width)
        normal = op.Div(op.Sub(op.Mul(sized, scale), mean), std)
        levels = op.Expand(normal, [1, image.channels, image.height, image.width])
        return op.Cast(op.Round(levels) if image.takes_bytes else levels, to=image.onnx_type)

    def check(self, outputs: dict[str, NDArray[np.generic]]) -> None:
        """Recognize the output by what the network answers to a drawn face.

        Raises:
            ConfigurationError: It is not the output of a segmentation network, or its values are not what the map says.
        """
        path, shapes = self._network.path, {name: f"{each.dtype} {[*each.shape]}" for name, each in outputs.items()}
        if self._map.output is None and len(outputs) != 1:
            raise ConfigurationError(
                f"{path} has outputs {shapes}: write [output] and the name of one into {self._map.path}."
            )
        self._output = self._map.output or next(iter(outputs))
        if self._output not in outputs:
            raise ConfigurationError(f"{self._map.path} names output {self._output}, but the network has {shapes}.")
        values = outputs[self._output]
        match values.shape:
            case (1, classes, _, _) if classes > 1 and np.issubdtype(values.dtype, np.floating):
                self.classes = classes
                self._check_scores(np.asarray(values, np.float32))
            case (1, _, _) | (1, 1, _, _) if np.issubdtype(values.dtype, np.integer):
                self.classes, self._is_scored = self._count_classes(), False
            case _:
                raise ConfigurationError(
                    f"{path} answers {shapes[self._output]}; wanted are scores [1, classes, height, width] as floats, "
                    "the background being a class too, or class numbers [1, height, width] as integers."
                )
        self._shape = values.shape[-2], values.shape[-1]

    def to_labels(self, op: Op, outputs: dict[str, Tensor], codes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Label map and confidence from the output.

        Args:
            op: Adds operators.
            outputs: The network's.
            codes: Our label for each class.
        """
        output = outputs[self._output]
        if not self._is_scored:
            # A number without a class must fail, and a negative one would count from the end.
            given = op.Cast(output, to=onnx.TensorProto.INT64)
            number = op.Where(op.Less(given, [0]), [self.classes], given)
            small = op.Reshape(op.Gather(constant(op, codes, np.uint8), number), [1, 1, *self._shape])
            labels = enlarge(op, small, "nearest")
            return to_bytes(op, labels, op.Where(op.Cast(labels, to=onnx.TensorProto.BOOL), 1.0, 0.0))
        summed = np.zeros((len(Label), self.classes), np.float32)
        summed[codes, range(self.classes)] = 1
        scores = op.Cast(output, to=FLOAT)
        likely = op.Softmax(scores, axis=1) if self._map.values == "logits" else scores
        ours = op.MatMul(constant(op, summed), op.Reshape(likely, [self.classes, -1]))
        large = enlarge(op, op.Reshape(ours, [1, len(Label), *self._shape]), "linear")
        _, marks = op.Split(large, [1, len(Label) - 1], axis=1, _outputs=2)
        number = op.Add(op.ArgMax(marks, axis=1), [1])
        return to_bytes(op, op.Cast(number, to=UINT8), op.ReduceSum(marks, [1]))

    def _count_classes(self) -> int:
        """How many classes a network tells apart that only gives their numbers: as its file or the map names them."""
        if self._network.names:
            return len(self._network.names)
        if not all(key.isdigit() for key in self._map.classes):
            raise ConfigurationError(
                f"{self._network.path} has no names for its classes: name them by number in {self._map.path}."
            )
        return max(int(key) for key in self._map.classes) + 1

    def _check_scores(self, scores: NDArray[np.float32]) -> None:
        """Refuse logits that the map calls probabilities, and the other way round."""
        path = self._network.path
        if not np.isfinite(scores).all():
            raise ConfigurationError(f"{path} answers a drawn face with values that are no numbers: export it anew.")
        is_probable = scores.min() >= 0 and bool(np.abs(scores.sum(axis=1) - 1).max() <= _SUM_TOLERANCE)
        found = "probabilities" if is_probable else "logits"
        if found != self._map.values:
            raise ConfigurationError(
                f"{path} answers with {found} ({scores.min():g} to {scores.max():g} on a drawn face), but "
                f'{self._map.path} takes them for {self._map.values}: write [output] and values = "{found}" into it.'
            )
