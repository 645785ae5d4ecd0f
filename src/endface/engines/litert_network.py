"""The network in LiteRT, in eight bits: for inspection hardware with little memory."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from endface.engines import graph_ends
from endface.engines.catalog import LITERT
from endface.engines.manifest import identify, read_verified
from endface.errors import ConfigurationError

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

_CHANNELS_LAST: Final = (0, 2, 3, 1)
_CHANNELS_FIRST: Final = (0, 3, 1, 2)


class LiteRTNetwork:
    """A network whose convolutions run in LiteRT, the rest in numpy; threads may share it.

    Args:
        path: the file that ``endface-build export --format tflite`` wrote; its manifest lies beside it.
        threads: threads of one run.

    Raises:
        ConfigurationError: the file or its manifest is missing, they do not belong together, or it is another network.
        ModuleNotFoundError: liteRT is not installed.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self.info: Final = identify(path.parent, LITERT)
        self._interpreter = _interpreter(read_verified(path, self.info.sha256), path, threads)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._lock = threading.Lock()  # an interpreter keeps its run's tensors

    def segment(self, squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Label every pixel, as ``Segmenter.segment`` says; one square at a time, which bounds the memory."""
        labels = np.empty((len(squares), *squares.shape[2:]), np.uint8)
        confidence = np.empty_like(labels)
        for number in range(len(squares)):
            part = slice(number, number + 1)
            labels[part], confidence[part] = graph_ends.to_labels(self._logits(graph_ends.to_planes(squares[part])))
        return labels, confidence

    def _logits(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        with self._lock:
            self._interpreter.set_tensor(self._input, np.ascontiguousarray(planes.transpose(_CHANNELS_LAST)))
            self._interpreter.invoke()
            logits: NDArray[np.float32] = self._interpreter.get_tensor(self._output)
        return np.ascontiguousarray(logits.transpose(_CHANNELS_FIRST))


def _interpreter(content: bytes, path: Path, threads: int) -> Interpreter:
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as exc:
        raise ConfigurationError(f"LiteRT cannot load the network {path}: {exc}") from exc
    ends = [*interpreter.get_input_details(), *interpreter.get_output_details()]
    found = [(tuple(end["shape"].tolist()), np.dtype(end["dtype"]).name) for end in ends]
    wanted = [
        ((1, side, width, channels), "float32")
        for channels, side, width in (graph_ends.PLANE_DIMS, graph_ends.LOGIT_DIMS)
    ]
    if found != wanted:
        raise ConfigurationError(
            f"the network {path} has tensors {found}, not {wanted}; make it with `endface-build export --format tflite`"
        )
    return interpreter
