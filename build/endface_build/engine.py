"""An exported network in ONNX Runtime, as this package judges it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from endface import contract
from endface.errors import ConfigurationError


class Engine:
    """A callable ONNX file.

    Args:
        path: The file.
        threads: Cores it may use.

    Raises:
        ConfigurationError: The file is missing or not a network for ONNX Runtime.
    """

    def __init__(self, path: Path, *, threads: int = 1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as exc:  # ONNX Runtime's own exceptions share no base class
            raise ConfigurationError(
                f"{path} is no network that ONNX Runtime can load: export it anew. ({exc})"
            ) from exc

    def __call__(self, squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Squares uint8 (N, 1, 512, 512) to labels and confidence, both uint8 (N, 512, 512)."""
        outputs = self._session.run([contract.LABELS.name, contract.CONFIDENCE.name], {contract.SQUARE.name: squares})
        return outputs[0], outputs[1]
