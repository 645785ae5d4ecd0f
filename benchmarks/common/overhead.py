"""What serving adds to a picture at one client: the same pictures through the server and through this process in turns.

A machine's speed drifts by more than what serving adds, so the two are never measured minutes apart: a pass over all
pictures at the server, a pass without it, and so on.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Final

import cv2
import numpy as np

from benchmarks.common.limit import Work, inspect_to_json
from benchmarks.common.origin import Json
from benchmarks.common.pictures import Picture
from benchmarks.common.stations import StationClient

_SETTLING: Final = 1
"""Passes before those that count."""


def one_client(server: str, work: Work, *, seconds: float) -> Json:
    """Ask one picture after the other, as a single station without a pause does.

    Args:
        server: ``host:port`` of gRPC.
        work: pictures, the network that is served, and the profile.
        seconds: how long at least; whole passes are made, the server's and this process's.

    Returns:
        ``p50_ms`` and ``p99_ms`` from picture to report, ``alone_p50_ms`` of the same stages in this process, and
        ``overhead_ms``.

    Raises:
        ClientError: the server refused a picture, or was not there.
    """
    cv2.setNumThreads(1)
    inspector = work.inspector()
    served: dict[str, list[float]] = {}
    alone: dict[str, list[float]] = {}
    with StationClient(server, profile=work.profile) as client:
        until_s, passes = time.perf_counter() + seconds, 0
        while passes <= _SETTLING or time.perf_counter() < until_s:
            if passes == _SETTLING:
                served.clear()
                alone.clear()
            for picture in work.pictures:
                _timed(lambda each: client.inspect(each.data, name=each.name), picture, served)
            for picture in work.pictures:
                _timed(lambda each: inspect_to_json([each.data], inspector), picture, alone)
            passes += 1
    times_ms = [ms for each in served.values() for ms in each]
    p50, p99 = np.percentile(times_ms, (50, 99)).round(2).tolist()
    return {
        "passes": passes - _SETTLING,
        "p50_ms": p50,
        "p99_ms": p99,
        "alone_p50_ms": round(statistics.median(ms for each in alone.values() for ms in each), 2),
        "overhead_ms": overhead_ms(_medians(served), _medians(alone)),
    }


def overhead_ms(served_ms: Mapping[str, float], alone_ms: Mapping[str, float]) -> float | None:
    """What serving adds to a picture at one client: the median over the pictures, each against itself.

    Args:
        served_ms: median from call to report, by picture.
        alone_ms: median of the same stages in one process.

    Returns:
        Milliseconds; None where no picture was served.
    """
    added = [ms - alone_ms[name] for name, ms in served_ms.items()]
    return round(statistics.median(added), 2) if added else None


def _timed(run: Callable[[Picture], object], picture: Picture, times_ms: dict[str, list[float]]) -> None:
    started = time.perf_counter()
    run(picture)
    times_ms.setdefault(picture.name, []).append((time.perf_counter() - started) * 1000)


def _medians(times_ms: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(each) for name, each in times_ms.items()}
