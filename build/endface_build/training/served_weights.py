"""The weights of a network that serves, as the beginning of a training run.

An exported graph has its batch normalizations folded into the convolutions.  They are unfolded with the mean and the
variance that each convolution's output has on drawn squares, so that the network that begins to learn says what the
one that serves says.  Layers that the served network lacks begin as the identity.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from endface.errors import ConfigurationError
from endface_build.training.network import Residual, SegmentationNetwork

_PREFIX: Final = "network."
_CONVOLUTION_DIMS: Final = 4


def begin_with(network: SegmentationNetwork, path: Path, examples: Tensor) -> None:
    """Give a network the weights of an exported FP32 file.

    Args:
        network: Changed in place; its layers must have the file's widths.
        path: ``model.fp32.onnx`` of a version.
        examples: Planes float32 (N, 3, H, W) of drawn squares, on which the normalizations are measured.

    Raises:
        ConfigurationError: The file is missing, is no network of this make, or is quantized.
    """
    folded = _initializers(path)
    with torch.no_grad():
        for convolution, norm, name in _pairs(network):
            if f"{name}.weight" not in folded:
                continue
            _copy(convolution.weight, folded[f"{name}.weight"], path)
            _copy(norm.bias, folded[f"{name}.weight_bias"], path)
            norm.weight.fill_((1 + norm.eps) ** 0.5)
        _copy(network.head.weight, folded["head.weight"], path)
        _copy(network.head_bias, folded["head.bias"], path)
        new = {f"{name}.second.0" for name, block in network.named_modules() if isinstance(block, Residual)}
        for _, norm, name in _pairs(network):
            if name in new and f"{name}.weight" not in folded:
                nn.init.zeros_(norm.weight)  # what the block adds is nothing
        _unfold(network, examples, set(folded))


def _unfold(network: SegmentationNetwork, examples: Tensor, known: set[str]) -> None:
    """Split each folded scale and offset into what the data have and what the layer makes of it."""
    moments: dict[str, tuple[Tensor, Tensor]] = {}
    hooks = [
        convolution.register_forward_hook(
            lambda _, __, out, name=name: moments.update({name: (out.mean(dim=(0, 2, 3)), out.var(dim=(0, 2, 3)))})
        )
        for convolution, _, name in _pairs(network)
    ]
    network.eval()(examples)
    for hook in hooks:
        hook.remove()
    for _, norm, name in _pairs(network):
        mean, variance = moments[name]
        if f"{name}.weight" in known:
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.bias.add_(mean)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)


def _pairs(network: SegmentationNetwork) -> list[tuple[nn.Conv2d, nn.BatchNorm2d, str]]:
    """Each convolution with the normalization behind it, and its name."""
    found = []
    for name, block in network.named_modules():
        if isinstance(block, nn.Sequential) and len(block) > 1:
            first, second = block[0], block[1]
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                found.append((first, second, f"{name}.0"))
    return found


def _initializers(path: Path) -> dict[str, NDArray[Any]]:
    """The file's weights by their names in the network."""
    try:
        graph = onnx.load_model(path).graph
    except Exception as exc:  # onnx raises protobuf's, its own and the system's errors
        raise ConfigurationError(f"No network to begin with in {path}: name a version's model.fp32.onnx.") from exc
    weights = {
        each.name.removeprefix(_PREFIX): numpy_helper.to_array(each)
        for each in graph.initializer
        if each.name.startswith(_PREFIX)
    }
    if "head.weight" not in weights:
        raise ConfigurationError(
            f"{path} holds no weights of this make in floating point: name a version's model.fp32.onnx."
        )
    return weights


def _copy(parameter: Tensor, values: NDArray[Any], path: Path) -> None:
    """Values into a parameter of the same shape."""
    if tuple(parameter.shape) != values.shape:
        raise ConfigurationError(f"{path} has other widths than the recipe: train anew, or name the widths it has.")
    parameter.copy_(torch.from_numpy(values.copy()))
