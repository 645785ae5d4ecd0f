"""The same inspection in a loop without a server, in each engine for processors: a program of one's own.

What an engine takes for one picture, and how far it agrees with the others, is the study of engines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from benchmarks.common.limit import CORES, Setup, Work, throughput
from benchmarks.common.origin import Json
from endface.engines.catalog import LITERT, ONNXRUNTIME, OPENCV, network_file
from endface.errors import EndfaceError

TITLES: Final[Mapping[str, str]] = {
    ONNXRUNTIME: "ONNX Runtime",
    OPENCV: "OpenCV DNN, float",
    LITERT: "LiteRT, 8 bits",
}
"""Name in tables, by engine; ONNX Runtime runs the file that is served."""


def measure(engine: str, work: Work, seconds: float) -> Json:
    """Throughput of a process for each core, counted for a while.

    Returns:
        ``images_per_s`` of one of ``TITLES``, or an ``error``.
    """
    row: Json = {"engine": engine, "title": TITLES[engine]}
    try:
        own = replace(work, network=network_file(work.network.parent, engine), engine=engine)
        return row | {"images_per_s": round(throughput(Setup(CORES), own, seconds), 2)}
    except EndfaceError as exc:
        return row | {"error": str(exc)}
