"""The network in OpenCV's own module for networks, which needs no further package."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.engines import graph_ends
from endface.engines.catalog import OPENCV
from endface.engines.manifest import identify, read_verified
from endface.errors import ConfigurationError


class OpenCVNetwork:
    """A network whose convolutions run in OpenCV, the rest in numpy; threads may share it.

    OpenCV's importer refuses the operators around the convolutions.  The cores are those that OpenCV uses for all.

    Args:
        path: the file that ``endface-build export --format opencv`` wrote; its manifest lies beside it.

    Raises:
        ConfigurationError: the file or its manifest is missing, they do not belong together, or it is another network.
    """

    def __init__(self, path: Path) -> None:
        self.info: Final = identify(path.parent, OPENCV)
        content = read_verified(path, self.info.sha256)
        self._lock = threading.Lock()  # OpenCV keeps a run's tensors in the network
        try:
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
            found = self._logits(np.zeros((1, *graph_ends.PLANE_DIMS), np.float32)).shape
        except cv2.error as exc:
            raise ConfigurationError(f"OpenCV cannot run the network {path}: {exc}") from exc
        if found != (1, *graph_ends.LOGIT_DIMS):
            raise ConfigurationError(
                f"the network {path} gives {found}, not {(1, *graph_ends.LOGIT_DIMS)}; "
                "make it with `endface-build export --format opencv`"
            )

    def segment(self, squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Label every pixel, as ``Segmenter.segment`` says."""
        return graph_ends.to_labels(self._logits(graph_ends.to_planes(squares)))

    def _logits(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        with self._lock:
            self._net.setInput(planes)
            return np.array(self._net.forward(), np.float32)  # a copy: the next run writes into OpenCV's own
