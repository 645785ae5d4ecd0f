"""The network under torch.compile on the CPU: PyTorch's own way to serve what was trained in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.common.errors import BenchmarkError
from endface.contract import SQUARE
from endface.engines.onnx_network import identify
from endface_build.training.network import SegmentationNetwork, SegmentGraph

_PREFIX: Final = "network."
_FOLDED_BIAS: Final = "0.weight_bias"
"""End of the names that the exporter gives to what it folded a normalisation into."""


class CompiledNetwork:
    """A network in float, rebuilt in PyTorch and compiled by Inductor with its weights frozen, as it advises for CPUs.

    Args:
        path: the ONNX file in float that ``endface_build.export.to_onnx`` wrote; a manifest lies beside it.
        threads: threads of one run.

    Raises:
        BenchmarkError: the file holds another network, or Inductor cannot compile it here.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self.info: Final = identify(path.parent, "torch.compile")
        torch.set_num_threads(threads)
        torch._inductor.config.freezing = True
        self._run = torch.compile(SegmentGraph(rebuilt(path)).eval())
        try:
            self.segment(np.zeros((1, *SQUARE.dims), np.uint8))
        except RuntimeError as exc:  # Inductor's errors derive from it
            raise BenchmarkError(f"torch.compile does not work here: {exc}") from exc

    def segment(self, squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Label every pixel.

        Args:
            squares: gray levels, uint8 (N, 1, 512, 512); another N is compiled anew.

        Returns:
            The label maps and the confidence in each pixel's label from 0 to 255, both uint8 (N, 512, 512).
        """
        with torch.inference_mode():
            labels, confidence = self._run(torch.from_numpy(squares))
        return labels.numpy(), confidence.numpy()


def rebuilt(path: Path) -> SegmentationNetwork:
    """The trained network with the weights of its exported file.

    The exporter has folded each normalisation into the convolution before it, so what stands there only adds a bias.

    Args:
        path: the ONNX file in float.

    Raises:
        BenchmarkError: the file holds another network.
    """
    weights = _weights(path)
    downs = [weights[name].shape[0] for name in weights if name.startswith("downs.") and name.endswith(".0.0.weight")]
    network = SegmentationNetwork((weights["stem.0.weight"].shape[0], *downs))
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            folder = name.rpartition(".")[0]
            assert module.running_var is not None
            weights |= {
                f"{name}.weight": torch.ones_like(module.weight),
                f"{name}.bias": weights.pop(f"{folder}.{_FOLDED_BIAS}"),
                f"{name}.running_mean": torch.zeros_like(module.running_var),
                f"{name}.running_var": torch.full_like(module.running_var, 1 - module.eps),
                f"{name}.num_batches_tracked": torch.tensor(0),
            }
    try:
        network.load_state_dict(weights)
    except RuntimeError as exc:
        raise BenchmarkError(f"{path} holds another network than endface_build.training.network: {exc}") from exc
    return network


def _weights(path: Path) -> dict[str, Tensor]:
    """The file's trained tensors, by their names in PyTorch."""
    graph = onnx.load(path).graph
    return {
        tensor.name.removeprefix(_PREFIX): torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
        for tensor in graph.initializer
        if tensor.name.startswith(_PREFIX)
    }
