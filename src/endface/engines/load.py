"""Networks in the engines that run without a server."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from endface import contract
from endface.engines.catalog import LITERT, OFFLINE, ONNXRUNTIME, OPENCV, network_file
from endface.engines.litert_network import LiteRTNetwork
from endface.engines.manifest import newest_folder
from endface.engines.onnx_network import Network
from endface.engines.opencv_network import OpenCVNetwork
from endface.environment import default_repository
from endface.errors import EngineError
from endface.processor import usable_cores
from endface.report import ModelInfo


class Segmenter(Protocol):
    """A network in some engine."""

    @property
    def info(self) -> ModelInfo:
        """Which network it is, and in which engine."""

    def segment(self, squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Label every pixel.

        Args:
            squares: gray levels, uint8 (N, 1, 512, 512).

        Returns:
            The label maps, and the probability from 0 to 255 that each pixel belongs to a mark, both uint8
            (N, 512, 512).
        """


def default_folder() -> Path:
    """The folder of the newest version of the network in this machine's model repository.

    Raises:
        RepositoryError: no repository is known.
        ConfigurationError: no version is there.
    """
    return newest_folder(default_repository() / contract.SEGMENT.name)


def load(engine: str = ONNXRUNTIME, network: Path | None = None) -> Segmenter:
    """The network in an engine, loaded at the first call.

    Args:
        engine: one of ``OFFLINE``.
        network: the engine's network file; None for the newest in the model repository.

    Raises:
        EngineError: there is no such engine, or its package is not installed.
        ConfigurationError: the network is missing or broken.
        RepositoryError: no network is given, and no repository is known.
    """
    if engine not in OFFLINE:
        raise EngineError(f"there is no engine {engine!r} without a server; choose one of {', '.join(OFFLINE)}")
    return _loaded(engine, (network or network_file(default_folder(), engine)).resolve())


def open_network(engine: str, path: Path, *, threads: int | None = None) -> Segmenter:
    """A network's file in an engine, loaded anew.

    Args:
        engine: one of ``OFFLINE``.
        path: the file.
        threads: threads of one run; None for all cores: one picture is inspected at a time.  OpenCV takes no number.

    Raises:
        EngineError: the engine's package is not installed.
        ConfigurationError: the network is missing or broken, or ENDFACE_CORES is no number.
    """
    threads = threads or usable_cores()
    try:
        if engine == OPENCV:
            return OpenCVNetwork(path)
        return LiteRTNetwork(path, threads=threads) if engine == LITERT else Network(path, threads=threads)
    except ModuleNotFoundError as exc:
        raise EngineError(
            f"the engine {engine} needs the package {exc.name}; "
            f"install it with `pip install '.[{engine}]'` in endface's checkout"
        ) from exc


_loaded = lru_cache(maxsize=8)(open_network)
