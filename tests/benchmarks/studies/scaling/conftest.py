"""Records of round numbers: what comes out of them can be worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.common.origin import Json
from benchmarks.studies.scaling.model import Measured

# With 4 pictures/s on 2 cores a picture costs 500 core ms; these medians are a tenth of that, so each counts ten times.
MEDIANS_MS = {
    "preprocess": 20.0,
    "  decode": 4.0,
    "  locate": 10.0,
    "frame to JSON and back": 1.0,
    "segment": 20.0,
    "postprocess": 8.0,
    "report to JSON": 1.0,
    "all": 55.0,
}


@pytest.fixture
def costs() -> Measured:
    """A picture of 20 core ms, half of them the network's."""
    return Measured(
        cores=2,
        decode_ms=1.0,
        locate_ms=4.0,
        prepare_ms=1.0,
        segment_ms=10.0,
        postprocess_ms=2.0,
        serving_ms=2.0,
        client_ms=2.0,
        filled=1.0,
        per_doubling=0.9,
        picture_bytes=100_000,
        report_bytes=2_000,
    )


def point_of(name: str, images_per_s: float, *, cores: int = 2, apart: bool = False) -> Json:
    """A point as ``point.measure`` and ``point.described`` give it."""
    preprocess, segment, postprocess = map(int, name.split("/"))
    split: dict[str, Any] = {"answered": 300, "failed": 0, "batch": 1.0, "request_ms": 9.0, "compute_ms": 4.0}
    queues = {"preprocess": 1.5, "segment": 4.0, "postprocess": 0.5, "endface": 0.0}
    return {
        "instances": {"preprocess": preprocess, "segment": segment, "postprocess": postprocess, "threads": 1},
        "name": name,
        "server_on": cores,
        "generator_apart": apart,
        "users": 8,
        "images_per_s": images_per_s,
        "p50_ms": 150.0,
        "p99_ms": 210.0,
        "answered": 40,
        "failed": 0,
        "wrong_verdicts": 0,
        "generator_cores": 0.1,
        "server_cpu_ms": 560.0,
        "generator_cpu_ms": 15.0,
        "server_mib": 450.0,
        "servers": [{model: split | {"queue_ms": ms} for model, ms in queues.items()}],
    }


@pytest.fixture
def scaling_record(origin: Json) -> Json:
    """A record of ``python -m benchmarks scaling``."""
    one, two = ({"images_per_s": rate, "setups": []} for rate in (2.5, 4.0))
    both = point_of("1/1/1", 3.1)
    both["servers"] *= 2
    return origin | {
        "plan": {"seconds": 10.0, "settle_s": 2.0, "stations": 8},
        "pictures": {"count": 24, "picture_bytes": 90_000, "report_bytes": 3_000},
        "baseline": {"preprocess": 1, "segment": 2, "postprocess": 1, "threads": 1},
        "cores_available": 2,
        "instances": [point_of("1/2/1", 3.2), point_of("1/1/1", 2.6)],
        "cores": [
            point_of("1/1/1", 1.5, cores=1, apart=True) | {"limit": one},
            point_of("1/2/1", 3.2) | {"limit": two},
        ],
        "two_servers": both,
    }


@pytest.fixture
def records(origin: Json, scaling_record: Json) -> dict[str, Json]:
    """The newest of each kind that the model needs."""
    stages = {stage: {"median_ms": ms} for stage, ms in MEDIANS_MS.items()}
    other = {stage: {"median_ms": 9 * ms} for stage, ms in MEDIANS_MS.items()}
    by_count = {"1": {"720 x 576": other}, "2": {"720 x 576": stages, "1152 x 864": stages}}
    return {"stages": origin | {"stages": by_count}, "scaling": scaling_record}
