"""The segmentation network in ONNX Runtime.

Normalizing and the probability of a mark live in the graph, so bytes go in and bytes come out.  A network is only run
when its file is the one that its manifest describes and its graph speaks the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from endface import contract
from endface.engines.catalog import ONNXRUNTIME
from endface.engines.manifest import REPAIR, identify, read_verified
from endface.engines.onnx_properties import check_contract
from endface.errors import ConfigurationError

if TYPE_CHECKING:
    import onnxruntime

SegmentSquares = Callable[[NDArray[np.uint8]], tuple[NDArray[np.uint8], NDArray[np.uint8]]]
"""Squares uint8 (N, 1, 512, 512) to label maps and confidence, uint8 (N, 512, 512) each."""

_ONNX_TYPES: Final = {"UINT8": "tensor(uint8)"}


class Network:
    """A network file in ONNX Runtime, on the CPU.

    Args:
        path: the ``.onnx`` file; its manifest lies beside it.
        threads: threads of one run; a server runs several networks of one thread each.

    Raises:
        ConfigurationError: the file or its manifest is missing, they do not belong together, or the graph's tensors
            or their meaning are not the contract's.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self.info: Final = identify(path.parent, ONNXRUNTIME)
        content = read_verified(path, self.info.sha256)
        check_contract(path, content)
        self._session = _session(content, path, threads)
        _check_tensors(path, self._session.get_inputs(), contract.SEGMENT.inputs)
        _check_tensors(path, self._session.get_outputs(), contract.SEGMENT.outputs)

    def segment(self, squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Label every pixel, as ``Segmenter.segment`` says."""
        return _run(self._session, squares)


def open_graph(path: Path) -> SegmentSquares:
    """A network file that has no manifest, such as one that is being exported; nothing but its format is checked.

    Raises:
        ConfigurationError: the file is missing, or ONNX Runtime cannot load it.
    """
    return partial(_run, _session(path, path, threads=1))


def _run(
    session: onnxruntime.InferenceSession, squares: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    names = [contract.LABELS.name, contract.CONFIDENCE.name]
    labels, confidence = session.run(names, {contract.SQUARE.name: squares})
    return labels, confidence


def _session(content: bytes | Path, path: Path, threads: int) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A spinning thread would take its core from the neighboring stages between two requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # ONNX Runtime's errors share no base class but this one
        raise ConfigurationError(f"ONNX Runtime cannot load the network {path} ({exc}); {REPAIR}") from exc


def _check_tensors(path: Path, found: Iterable[Any], wanted: tuple[contract.TensorSpec, ...]) -> None:
    """The graph's tensors are the contract's: names, types, and dims behind a batch axis of any length."""
    graph = {(tensor.name, tensor.type, tuple(tensor.shape[1:])) for tensor in found if _is_batched(tensor)}
    expected = {(spec.name, _ONNX_TYPES[spec.datatype], spec.dims) for spec in wanted}
    if graph != expected:
        raise ConfigurationError(f"the network {path} has tensors {graph}, the contract asks for {expected}; {REPAIR}")


def _is_batched(tensor: Any) -> bool:
    return len(tensor.shape) > 0 and not isinstance(tensor.shape[0], int)
