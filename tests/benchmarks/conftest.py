"""Pictures and a record that several tests of the benchmarks share."""

from __future__ import annotations

import pytest

from benchmarks.common.origin import Json
from benchmarks.common.pictures import Picture, draw, expect

PROFILE = "mm-pc"


@pytest.fixture(scope="session")
def pictures() -> list[Picture]:
    """Drawn pictures of both cameras that can be judged."""
    return expect(draw(8, PROFILE), PROFILE)


@pytest.fixture
def phase() -> Json:
    """Figures of a phase, as ``figures.phase_figures`` gives them."""
    counts = {"requests": 500, "answered": 500, "refused": 0, "failed": 0, "wrong_verdicts": 0}
    shares = {"refused_share": 0.0, "failed_share": 0.0}
    times = {"images_per_s": 50.0, "mean_ms": 40.0, "p50_ms": 39.0, "p95_ms": 48.0, "p99_ms": 55.0}
    split_ms = {"preprocess queue": 1.0, "preprocess compute": 6.0, "segment queue": 4.0, "segment compute": 21.0}
    split_ms |= {"postprocess queue": 0.5, "postprocess compute": 2.5, "between stages": 2.0, "client and gRPC": 3.0}
    own = {"phase": "2 stations", "users": 2, "measured_s": 10.0, "connector": None, "server_mib": 650.0}
    own |= {"fewest": 240, "most": 260}
    return (
        own
        | counts
        | shares
        | times
        | {
            "split_ms": split_ms,
            "batch": {"preprocess": 1.0, "segment": 1.1, "postprocess": 1.0},
            "cores": {"generator": 0.2, "server": 1.6, "machine": 1.9},
        }
    )


def limit_of(images_per_s: float) -> Json:
    """A limit with one way to reach it."""
    way = {"workers": 2, "kind": "processes", "batch": 1, "threads": 1, "images_per_s": images_per_s}
    return {"images_per_s": images_per_s, "setups": [way]}


@pytest.fixture
def origin() -> Json:
    """The head of a record."""
    return {
        "machine": {"cpu": "Abacus", "cores": 2, "system": "Linux x86_64", "python": "3.11.7"},
        "versions": {"endface": "0.1.0", "numpy": "1.26.4"},
        "commit": "0123456789abcdef",
        "created": "2026-11-22T10:00:00+00:00",
        "network": {"version": "1", "sha256": "fedcba9876543210", "engine": "onnxruntime"},
        "load_average": 0.1,
    }


@pytest.fixture
def load_record(origin: Json, phase: Json) -> Json:
    """A record of ``python -m benchmarks load``."""
    one = phase | {"phase": "1 station", "users": 1, "images_per_s": 30.0, "p99_ms": 40.0}
    second = {"users": 2, "images_per_s": 51.0, "p50_ms": 39.1, "p99_ms": 54.2}
    return origin | {
        "limit": {"before": limit_of(60.0), "after": limit_of(58.0)},
        "one_client": {"passes": 9, "p50_ms": 22.5, "p99_ms": 30.0, "alone_p50_ms": 20.0, "overhead_ms": 2.5},
        "shapes": {"ramp": [one, phase], "takt": [phase]},
        "failed": [],
        "fair": [
            {"phase": "1 station", "lost_share": 0.0, "p99_over_turn": 1.2, "most_over_fewest": 1.0},
            {"phase": "2 stations", "lost_share": 0.0, "p99_over_turn": 1.38, "most_over_fewest": 1.08},
        ],
        "overload": None,
        "knee": {"users": 2, "images_per_s": 50.0},
        "second_generator": second,
        "generators": {
            "users": 2,
            "locust_images_per_s": 50.0,
            "second_images_per_s": 51.0,
            "locust_over_second": 0.98,
            "agree": True,
        },
        "generator_busy": [],
        "served_over_limit": 0.833,
        "served_by": "onnxruntime",
        "checks": [
            {"shape": "ramp", "phase": "2 stations", "what": "p99_ms", "limit": 10, "found": 55.0, "kept": False},
            {"shape": "takt", "phase": "2 stations", "what": "p99_ms", "limit": 500, "found": 55.0, "kept": True},
        ],
    }


@pytest.fixture
def stages_record(origin: Json) -> Json:
    """A record of ``python -m benchmarks stages``."""

    def spread(median_ms: float) -> Json:
        return {"median_ms": median_ms, "p10_ms": median_ms - 1, "p90_ms": median_ms + 1, "count": 20}

    one, two = ({"720 x 576": {"preprocess": spread(ms), "  decode": spread(ms / 2)}} for ms in (6.0, 7.0))
    turns = {
        "users": 4,
        "seconds": 3.0,
        "rounds": 12,
        "limit_images_per_s": {"median": 60.0, "q1": 58.0, "q3": 61.0},
        "served_images_per_s": {"median": 54.0, "q1": 53.0, "q3": 55.0},
        "served_over_limit": {"median": 0.9, "q1": 0.89, "q3": 0.91},
        "served_over_limit_on_cores_left": {"median": 0.96, "q1": 0.95, "q3": 0.97},
        "cpu_ms": {"limit": 30.0, "tritonserver": 1.6},
    }
    single = {"passes": 9, "p50_ms": 22.5, "p99_ms": 30.0, "alone_p50_ms": 20.0, "overhead_ms": 2.5}
    stages = {"rounds": 20, "stages": {"1": one, "2": two}, "limit": limit_of(60.0)}
    return origin | stages | {"turns": turns, "one_client": single}
