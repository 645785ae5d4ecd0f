"""The same inspection in a loop without a server, in each engine for processors: a program of one's own.

What an engine takes for one picture, and how far it agrees with the others, is the study of engines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2

from benchmarks.common.limit import CORES, Setup, Work, in_onnxruntime, throughput
from benchmarks.common.origin import Json
from endface.engines.catalog import LITERT, ONNXRUNTIME, OPENCV, network_file
from endface.engines.litert_network import LiteRTNetwork
from endface.engines.load import Segmenter
from endface.engines.opencv_network import OpenCVNetwork
from endface.errors import EndfaceError


def in_opencv(path: Path, threads: int) -> Segmenter:
    """The network in OpenCV's own module."""
    cv2.setNumThreads(threads)
    return OpenCVNetwork(path)


def in_litert(path: Path, threads: int) -> Segmenter:
    """The network in LiteRT."""
    return LiteRTNetwork(path, threads=threads)


RUNTIMES: Final[dict[str, tuple[str, Callable[[Path, int], Segmenter]]]] = {
    ONNXRUNTIME: ("ONNX Runtime", in_onnxruntime),
    OPENCV: ("OpenCV DNN, float", in_opencv),
    LITERT: ("LiteRT, 8 bits", in_litert),
}
"""Name in tables and what loads the network, by engine; ONNX Runtime runs the file that is served."""


def measure(engine: str, work: Work, seconds: float) -> Json:
    """A process for each core, counted for a while.

    Returns:
        ``images_per_s`` of one of ``RUNTIMES``, or an ``error``.
    """
    title, load = RUNTIMES[engine]
    row: Json = {"engine": engine, "title": title}
    try:
        own = replace(work, network=network_file(work.network.parent, engine), load=load)
        return row | {"images_per_s": round(throughput(Setup(CORES), own, seconds), 2)}
    except (EndfaceError, ImportError) as exc:
        return row | {"error": str(exc)}
