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
from numpy.typing import NDArray

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import CORES, Setup, Work, in_onnxruntime, inspect, throughput
from benchmarks.common.origin import Json
from benchmarks.common.workers import Barrier, together
from endface.engines.catalog import LITERT, ONNXRUNTIME, OPENCV, network_file
from endface.engines.litert_network import LiteRTNetwork
from endface.engines.load import Segmenter
from endface.engines.onnx_network import open_graph
from endface.engines.opencv_network import OpenCVNetwork
from endface.errors import EndfaceError
from endface.options import Options
from endface.stages import preprocess

TORCH_COMPILE: Final = "torch.compile"

_FLOAT_FILE: Final = "model.fp32.onnx"
"""As in ``endface_build.export.quantize``, which imports all of PyTorch."""


def in_opencv(path: Path, threads: int) -> Segmenter:
    """The network in OpenCV's own module."""
    cv2.setNumThreads(threads)
    return OpenCVNetwork(path)


def in_litert(path: Path, threads: int) -> Segmenter:
    """The network in LiteRT."""
    return LiteRTNetwork(path, threads=threads)


def in_torch(path: Path, threads: int) -> Segmenter:
    """The network under torch.compile."""
    from benchmarks.studies.peers.compiled import CompiledNetwork

    return CompiledNetwork(path, threads=threads)


@dataclass(frozen=True)
class Runtime:
    """What runs the network in a loop.

    Attributes:
        title: Its name in tables, with the precision of its file.
        file: The file that it runs, given the folder of a version of the network.
        load: Makes the network.
    """

    title: str
    file: Callable[[Path], Path]
    load: Callable[[Path, int], Segmenter]


def _float(version: Path) -> Path:
    """The network before it was quantised."""
    kept = version / _FLOAT_FILE
    return kept if kept.is_file() else network_file(version, ONNXRUNTIME)


RUNTIMES: Final = {
    ONNXRUNTIME: Runtime("ONNX Runtime", lambda version: network_file(version, ONNXRUNTIME), in_onnxruntime),
    OPENCV: Runtime("OpenCV DNN, float", lambda version: network_file(version, OPENCV), in_opencv),
    LITERT: Runtime("LiteRT, 8 bits", lambda version: network_file(version, LITERT), in_litert),
    TORCH_COMPILE: Runtime("torch.compile, float", _float, in_torch),
}
"""By name; ONNX Runtime runs the file that is served."""


def measure(name: str, work: Work, seconds: float) -> Json:
    """Measure one of ``RUNTIMES``, or say what stopped it.

    Args:
        name: which.
        work: pictures, the network that is served, and profile.
        seconds: how long the throughput is counted, and half as long each of the times.

    Returns:
        ``images_per_s`` of a process for each core; of one process ``load_s``, until the network had run once, and
        medians: ``network_ms`` of the network alone and ``chain_ms`` from picture to report.  Or ``error``.
    """
    runtime = RUNTIMES[name]
    row: Json = {"engine": name, "title": runtime.title}
    try:
        own = replace(work, network=runtime.file(work.network.parent), load=runtime.load)
        row |= together(1, "processes", _times, own, seconds / 2, name == TORCH_COMPILE)[0]
        return row | {"images_per_s": round(throughput(Setup(CORES), own, seconds), 2)}
    except (EndfaceError, ImportError) as exc:
        return row | {"error": str(exc)}


def _times(barrier: Barrier, work: Work, seconds: float, rebuilt: bool) -> Json:
    """What one process and one thread take, and how far a rebuilt network agrees with the file that it is from."""
    cv2.setNumThreads(1)
    options = Options(work.profile)
    squares = [preprocess(picture.data, options)[0][np.newaxis, np.newaxis] for picture in work.pictures]
    barrier.wait()
    started = time.perf_counter()
    network = work.load(work.network, 1)
    network.segment(squares[0])
    load_s = time.perf_counter() - started
    return {
        "load_s": round(load_s, 2),
        **({"labels_equal": _agreement(network, work, squares)} if rebuilt else {}),
        "network_ms": _median_ms([partial(network.segment, square) for square in squares], seconds),
        "chain_ms": _median_ms([partial(inspect, [picture], network, options) for picture in work.pictures], seconds),
    }


def _agreement(network: Segmenter, work: Work, squares: Sequence[NDArray[np.uint8]]) -> float:
    """Share of pixels with the same label as in ONNX Runtime from the same file.

    Raises:
        BenchmarkError: it is too low, so that another network would be timed.
    """
    from endface_build.export.to_onnx import LABEL_PARITY

    original = open_graph(work.network)
    equal = float(np.mean([np.mean(network.segment(square)[0] == original(square)[0]) for square in squares]))
    if equal < LABEL_PARITY:
        raise BenchmarkError(f"only {equal:.5f} of the labels are those of ONNX Runtime, {LABEL_PARITY} are wanted")
    return round(equal, 6)


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
