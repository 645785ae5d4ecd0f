"""A record of the study that was made by hand."""

from __future__ import annotations

import pytest

from benchmarks.common.origin import Json
from benchmarks.studies.breakeven.arrangements import ARRANGEMENTS
from benchmarks.studies.breakeven.figures import HOP_BYTES

TIMES_MS = {
    "ensemble": 30.0,
    "one fused model": 27.0,
    "pre/post in the client": 33.0,
    "pre/post in the client, float32": 36.0,
    "ensemble, shared memory": 30.0,
    "pre/post in the client, shared memory": 31.0,
    "ensemble, PNG": 34.0,
    "ensemble, raw gray (BMP)": 29.0,
    "no server": 25.0,
}
"""Of a picture at one station; the other picture takes twice as long."""

PROCESSOR_MS = {
    "pre/post in the client": (10.0, 20.0),
    "pre/post in the client, float32": (12.0, 21.0),
    "pre/post in the client, shared memory": (9.0, 19.0),
    "no server": (26.0, 0.0),
}
"""Of client and server, where it is not that of the ensemble."""

HOP_MS = {1: (1.0, 2.0), HOP_BYTES[1]: (2.0, 4.5), HOP_BYTES[2]: (3.0, 8.0)}
"""Times of one and of three steps, by size: a step takes 0.5 ms, a MiB through it 2 ms."""


def row(images_per_s: float, p50_ms: float, client_ms: float, server_ms: float) -> Json:
    """Figures of a phase; two pictures, one takes twice as long as the other."""
    return {
        "answered": 90,
        "wrong_verdicts": 0,
        "images_per_s": images_per_s,
        "p50_ms": p50_ms,
        "p99_ms": 3 * p50_ms,
        "network_ms": 19.4,
        "client_ms": client_ms,
        "server_ms": server_ms,
        "other_cores": 0.02,
        "sent": 102_400,
        "received": 2_048,
        "shared": 0,
        "by_picture_ms": {"small": p50_ms, "large": 2 * p50_ms},
    }


def one_round(drift: float) -> list[Json]:
    """A round on a machine that is so many times slower than at first."""
    rows: list[Json] = []
    for each in ARRANGEMENTS:
        ms = TIMES_MS[each.name] * drift
        client_ms, server_ms = PROCESSOR_MS.get(each.name, (1.0, 30.0))
        rows += [
            {"arrangement": each.name, "stations": count} | row(count * 1000 / ms, ms, client_ms, server_ms)
            for count in (1, 4)
        ]
        if each.asks_for == "labels" and each.model:
            wide = 4 if each.dtype == "float32" else 1
            for last in rows[-2:]:
                last |= {"sent": 262_144 * wide, "received": 524_288 * wide}
    for size, times_ms in HOP_MS.items():
        rows += [
            {"steps": steps, "bytes": size} | row(1000 / ms, ms, 0.5, steps * 1.5)
            for steps, ms in zip((1, 3), times_ms, strict=True)
        ]
    return rows


@pytest.fixture
def record(origin: Json) -> Json:
    """Three rounds, the machine slowing down meanwhile."""
    plan = {"seconds": 4.0, "settle_s": 0.7, "rounds": 3, "stations": 4}
    rounds = [one_round(drift) for drift in (1.0, 1.1, 1.5)]
    return origin | {"plan": plan, "pictures": 2, "rounds": rounds}
