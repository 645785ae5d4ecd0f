"""The same inspection in a loop without a server, in each engine for processors: a program of one's own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from benchmarks.common.limit import CORES, Setup, Work, in_onnxruntime, inspect_to_json, throughput
from benchmarks.common.origin import Json
from benchmarks.common.workers import Barrier, together
from endface.engines import variant
from endface.engines.litert_network import LiteRTNetwork
from endface.engines.onnx_network import ONNXRUNTIME
from endface.engines.opencv_network import OpenCVNetwork
from endface.errors import EndfaceError
from endface.offline import Inspector, Segmenter
from endface.options import Options
from endface.stages import preprocess


def in_opencv(path: Path, threads: int) -> Segmenter:
    """The network in OpenCV's own module."""
    cv2.setNumThreads(threads)
    return OpenCVNetwork(path)


def in_litert(path: Path, threads: int) -> Segmenter:
    """The network in LiteRT."""
    return LiteRTNetwork(path, threads=threads)


@dataclass(frozen=True)
class Runtime:
    """What runs the network in a loop: its name in tables, with the precision of its file, and what loads it."""

    title: str
    load: Callable[[Path, int], Segmenter]


RUNTIMES: Final = {
    ONNXRUNTIME: Runtime("ONNX Runtime", in_onnxruntime),
    variant.OPENCV: Runtime("OpenCV DNN, float", in_opencv),
    variant.LITERT: Runtime("LiteRT, 8 bits", in_litert),
}
"""By engine; ONNX Runtime runs the file that is served."""


def measure(name: str, work: Work, seconds: float) -> Json:
    """Measure one of ``RUNTIMES``, or say what stopped it.

    Returns:
        ``images_per_s`` of a process for each core; of one process ``load_s``, until the network had run once, and
        medians: ``network_ms`` of the network alone and ``chain_ms`` from picture to report.  Or ``error``.
    """
    runtime = RUNTIMES[name]
    row: Json = {"engine": name, "title": runtime.title}
    try:
        own = replace(work, network=variant.find(work.network.parent, name), load=runtime.load)
        row |= together(1, "processes", _times, own, seconds / 2)[0]
        return row | {"images_per_s": round(throughput(Setup(CORES), own, seconds), 2)}
    except (EndfaceError, ImportError) as exc:
        return row | {"error": str(exc)}


def _times(barrier: Barrier, work: Work, seconds: float) -> Json:
    """What one process and one thread take."""
    cv2.setNumThreads(1)
    options = Options(work.profile)
    squares = [preprocess(picture.data, options)[0][np.newaxis, np.newaxis] for picture in work.pictures]
    barrier.wait()
    started = time.perf_counter()
    network = work.load(work.network, 1)
    network.segment(squares[0])
    load_s = time.perf_counter() - started
    inspector = Inspector.around(network, options)
    return {
        "load_s": round(load_s, 2),
        "network_ms": _median_ms([partial(network.segment, square) for square in squares], seconds),
        "chain_ms": _median_ms([partial(inspect_to_json, [each.data], inspector) for each in work.pictures], seconds),
    }


def _median_ms(runs: Sequence[Callable[[], object]], seconds: float) -> float:
    """Median milliseconds of runs that take turns for a while."""
    times_ms: list[float] = []
    until_s = time.perf_counter() + seconds
    for run in cycle(runs):
        started = time.perf_counter()
        run()
        times_ms.append((time.perf_counter() - started) * 1000)
        if time.perf_counter() > until_s:
            break
    return round(statistics.median(times_ms), 2)
