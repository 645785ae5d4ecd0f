"""The server's stages in this process, around the network or whatever labels squares in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from endface.engines.onnx_network import Network
from endface.options import Options
from endface.report import ModelInfo, Report
from endface.stages import postprocess, preprocess
from endface_build.evaluation.baseline import segment as classical

Segment = Callable[[NDArray[np.uint8]], tuple[NDArray[np.uint8], NDArray[np.uint8]]]
"""Squares uint8 (N, 1, 512, 512) to labels and confidence, uint8 (N, 512, 512) each."""


@dataclass(frozen=True)
class Inspector:
    """Inspects pictures as the server would.

    Attributes:
        segment: The network, or what stands in for it.
        options: Profile and cladding of all pictures.
        info: Which network it is; None for the classical baseline.
    """

    segment: Segment
    options: Options
    info: ModelInfo | None = None

    def __call__(self, data: bytes, name: str = "") -> Report:
        """The report of an encoded picture."""
        square, frame = preprocess(data, replace(self.options, name=name))
        if frame.problem is not None:
            blank = np.zeros_like(square)
            return postprocess(blank, blank, frame, self.info)
        labels, confidence = self.segment(square[None, None])
        return postprocess(labels[0], confidence[0], frame, self.info)


def with_network(model: Path, options: Options, *, threads: int = 1) -> Inspector:
    """An inspector with the network of a file.

    Args:
        model: The ``.onnx`` file beside its manifest.
        options: Profile and cladding.
        threads: Cores it may use.

    Raises:
        ConfigurationError: The file is missing or broken.
    """
    network = Network(model, threads=threads)
    return Inspector(network.segment, options, network.info)


def with_baseline(options: Options) -> Inspector:
    """An inspector with the classical baseline."""
    return Inspector(classical, options)
