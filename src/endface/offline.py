"""An inspection in this process, without a server: the same stages around a network in one of several engines."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from endface import contract
from endface.engines import variant
from endface.engines.litert_network import LiteRTNetwork
from endface.engines.onnx_network import ONNXRUNTIME, Network, newest_version
from endface.engines.opencv_network import OpenCVNetwork
from endface.engines.variant import LITERT, OPENCV
from endface.environment import default_repository
from endface.errors import EngineError
from endface.options import Options
from endface.report import ModelInfo, Report
from endface.stages import postprocess, preprocess


class Segmenter(Protocol):
    """A network in some engine."""

    @property
    def info(self) -> ModelInfo:
        """Which network it is, and in which engine."""

    def segment(self, squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Squares uint8 (N, 1, 512, 512) to label maps and confidence, both uint8 (N, 512, 512)."""


def inspect(data: bytes, options: Options, *, engine: str = ONNXRUNTIME, network: Path | None = None) -> Report:
    """Inspect one picture as a server would.

    A network is loaded at its first picture and kept.  Threads may call this at the same time.

    Args:
        data: the encoded picture.
        options: profile, scale, and what the report echoes.
        engine: one of ``ENGINES``.
        network: the engine's network file, its manifest beside it; None for the newest in the model repository.

    Raises:
        RequestError: the picture is empty or oversized, or the profile does not exist.
        EngineError: there is no such engine, or its package is not installed.
        ConfigurationError: the network is missing or broken.
        RepositoryError: no network is given, and no repository is known.
    """
    segmenter = load(engine, network)
    square, frame = preprocess(data, options)
    blank = np.zeros_like(square)
    labels, confidence = blank, blank
    if frame.problem is None:
        started = time.perf_counter()
        (labels,), (confidence,) = segmenter.segment(square[np.newaxis, np.newaxis])
        spent_ms = round((time.perf_counter() - started) * 1000, 3)
        frame = replace(frame, timings_ms={**frame.timings_ms, "segment": spent_ms})
    return postprocess(labels, confidence, frame, segmenter.info, profiles=options.profiles)


def load(engine: str = ONNXRUNTIME, network: Path | None = None) -> Segmenter:
    """The network in an engine; one that was loaded before is given again.

    Args:
        engine: one of ``ENGINES``.
        network: the engine's network file; None for the newest in the model repository.

    Raises:
        EngineError: there is no such engine, or its package is not installed.
        ConfigurationError: the network is missing or broken.
        RepositoryError: no network is given, and no repository is known.
    """
    if engine not in ENGINES:
        raise EngineError(f"there is no engine {engine!r} without a server; choose one of {', '.join(ENGINES)}")
    return _loaded(engine, (network or _newest(engine)).resolve())


def _newest(engine: str) -> Path:
    folder = default_repository() / contract.SEGMENT.name
    return variant.find(folder / str(newest_version(folder)), engine)


@lru_cache(maxsize=8)
def _loaded(engine: str, path: Path) -> Segmenter:
    try:
        return ENGINES[engine](path)
    except ModuleNotFoundError as exc:
        raise EngineError(
            f"the engine {engine} needs the package {exc.name}; install it with `pip install 'endface[{engine}]'`"
        ) from exc


_CORES: Final = os.cpu_count() or 1
"""One picture is inspected at a time, so it gets the whole machine."""

ENGINES: Final[Mapping[str, Callable[[Path], Segmenter]]] = {
    ONNXRUNTIME: partial(Network, threads=_CORES),
    OPENCV: OpenCVNetwork,
    LITERT: partial(LiteRTNetwork, threads=_CORES),
}
"""What runs a network file without a server, by name; an engine's package is imported when it is chosen."""
