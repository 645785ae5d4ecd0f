"""What every peer does with pictures: the stages and the network that endface's own server runs.

It is imported in a peer's environment, which holds endface and the peer alone; so is ``arguments``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from endface.engines.onnx_network import Network
from endface.options import Options
from endface.stages import postprocess, preprocess

MAX_BATCH: Final = 8
"""Pictures that go through the network together at most: as in ``model_repository/segment/config.pbtxt``."""


class Inspection:
    """The inspection in one worker, one thread: workers are as many as cores.

    Args:
        network: the ONNX file, its manifest beside it.
        profile: the limits to judge by.

    Raises:
        ConfigurationError: the network is missing or broken.
    """

    def __init__(self, network: Path, profile: str) -> None:
        cv2.setNumThreads(1)
        self._network = Network(network, threads=1)
        self._options = Options(profile)

    def inspect(self, pictures: Sequence[bytes]) -> list[str]:
        """Judge encoded pictures, all of them in one run of the network.

        Args:
            pictures: the encoded pictures, at least one.

        Returns:
            The report of each as JSON.

        Raises:
            RequestError: a picture is empty or oversized, or the profile does not exist.
        """
        framed = [preprocess(data, self._options) for data in pictures]
        labels, confidence = self._network.segment(np.stack([square[np.newaxis] for square, _ in framed]))
        return [
            postprocess(classes, certain, frame, self._network.info).to_json()
            for (_, frame), classes, certain in zip(framed, labels, confidence, strict=True)
        ]
