"""Overhead of serving at one client: the same pictures through the server and through this process in turns.

A machine's speed drifts by more than what serving adds, so the two are never measured minutes apart: a pass over all
pictures at the server, a pass without it, and so on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, ParamSpec

import cv2
import numpy as np
from numpy.typing import ArrayLike

from benchmarks.common.limit import Work, inspect_to_json
from benchmarks.common.origin import Json
from benchmarks.common.stations import StationClient

P = ParamSpec("P")

_SETTLING: Final = 1
"""Passes before those that count."""


def one_client(server: str, work: Work, *, seconds: float) -> Json:
    """Ask one picture after the other, as a single station without a pause does; ``figures`` of it.

    Args:
        server: ``host:port`` of gRPC.
        work: pictures, the network that is served, and the profile.
        seconds: how long at least; whole passes are made, the server's and this process's.

    Raises:
        ClientError: the server refused a picture, or was not there.
    """
    cv2.setNumThreads(1)
    inspector, pictures = work.inspector(), [picture.data for picture in work.pictures]
    served_ms: list[list[float]] = []
    alone_ms: list[list[float]] = []
    with StationClient(server, profile=work.profile) as client:
        until_s = time.perf_counter() + seconds
        while len(served_ms) <= _SETTLING or time.perf_counter() < until_s:
            served_ms.append([_ms(client.inspect, data) for data in pictures])
            alone_ms.append([_ms(inspect_to_json, [data], inspector) for data in pictures])
    return figures(served_ms[_SETTLING:], alone_ms[_SETTLING:])


def figures(served_ms: ArrayLike, alone_ms: ArrayLike) -> Json:
    """Figures of all passes.

    Args:
        served_ms: (passes, pictures), from picture to report.
        alone_ms: the same of the stages in this process.

    Returns:
        ``p50_ms`` and ``p99_ms`` of the served, ``alone_p50_ms`` of the others, and ``overhead_ms``: the median over
        the pictures, each against itself.
    """
    served, alone = np.asarray(served_ms), np.asarray(alone_ms)
    p50, p99 = np.percentile(served, (50, 99)).round(2).tolist()
    added = np.median(served, axis=0) - np.median(alone, axis=0)
    return {
        "passes": len(served),
        "p50_ms": p50,
        "p99_ms": p99,
        "alone_p50_ms": round(float(np.median(alone)), 2),
        "overhead_ms": round(float(np.median(added)), 2),
    }


def _ms(run: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> float:
    started = time.perf_counter()
    run(*args, **kwargs)
    return (time.perf_counter() - started) * 1000
