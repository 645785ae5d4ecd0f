"""The server's own account of its time."""

from __future__ import annotations

import pytest

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.triton_counters import read, scrape, since, split

TEXT = """\
# HELP nv_inference_request_success Number of successful inference requests, all batch sizes
# TYPE nv_inference_request_success counter
nv_inference_request_success{model="segment",version="1"} 10
nv_inference_request_success{model="segment",version="2"} 30
nv_inference_request_success{model="endface",version="1"} 40
# HELP nv_inference_request_failure Number of failed inference requests, all batch sizes
# TYPE nv_inference_request_failure counter
nv_inference_request_failure{model="segment",reason="REJECTED",version="1"} 2
nv_inference_request_failure{model="segment",reason="OTHER",version="1"} 1
# TYPE nv_inference_count counter
nv_inference_count{model="segment",version="1"} 40
# TYPE nv_inference_exec_count counter
nv_inference_exec_count{model="segment",version="1"} 20
# TYPE nv_inference_request_duration_us counter
nv_inference_request_duration_us{model="segment",version="1"} 800000
# TYPE nv_inference_queue_duration_us counter
nv_inference_queue_duration_us{model="segment",version="1"} 200000
# TYPE nv_inference_compute_infer_duration_us counter
nv_inference_compute_infer_duration_us{model="segment",version="1"} 480000
# TYPE nv_inference_pending_request_count gauge
nv_inference_pending_request_count{model="segment",version="1"} 7
# TYPE nv_cpu_utilization gauge
nv_cpu_utilization 0.5
"""


def test_versions_and_reasons_are_added() -> None:
    """A model's counters are those of all its versions, its failures those of all reasons; gauges are passed over."""
    counters = read(TEXT)

    assert set(counters) == {"segment", "endface"}
    assert counters["segment"]["request_success"] == 40
    assert counters["segment"]["request_failure"] == 3
    assert "pending_request_count" not in counters["segment"]
    assert counters["endface"] == {"request_success": 40}


def test_split_is_per_answered_request() -> None:
    """Sums in microseconds become milliseconds of a request: 0.8 s over 40 requests is 20 ms."""
    found = split(read(TEXT)["segment"])

    assert found == {
        "answered": 40,
        "failed": 3,
        "batch": 2.0,
        "request_ms": 20.0,
        "queue_ms": 5.0,
        "compute_ms": 12.0,
    }


def test_computing_counts_inputs_and_outputs() -> None:
    """Gathering inputs and handing outputs on is part of a model's computing."""
    times_us = {"compute_input": 2000, "compute_infer": 6000, "compute_output": 4000}
    counters = {"request_success": 2} | {f"{name}_duration_us": us for name, us in times_us.items()}

    assert split(counters)["compute_ms"] == 6.0


def test_idle_model_has_no_times() -> None:
    """Without requests there is no mean."""
    found = split({"request_failure": 1})

    assert (found["batch"], found["request_ms"], found["queue_ms"], found["compute_ms"]) == (None,) * 4


def test_difference_of_two_looks() -> None:
    """Only what happened in between counts; a model that came in between began at nothing."""
    before = {"segment": {"request_success": 10, "queue_duration_us": 500}}
    now = {"segment": {"request_success": 15, "queue_duration_us": 900}, "endface": {"request_success": 3}}

    assert since(before, now) == {
        "segment": {"request_success": 5, "queue_duration_us": 400},
        "endface": {"request_success": 3},
    }


def test_restarted_server_is_noticed() -> None:
    """Counters that went back belong to another server, whose time must not be mixed with this one's."""
    before = {"segment": {"request_success": 10, "queue_duration_us": 500}}

    with pytest.raises(BenchmarkError, match="the counters of 'segment' went back: the server was restarted"):
        since(before, {"segment": before["segment"] | {"request_success": 1}})


@pytest.mark.parametrize("text", ["", "# TYPE up gauge\nup 1\n"])
def test_metrics_of_something_else(text: str) -> None:
    """Metrics without Triton's counters are somebody else's."""
    with pytest.raises(BenchmarkError, match="hold no nv_inference"):
        read(text)


def test_nobody_there() -> None:
    """An address where nobody answers is named."""
    with pytest.raises(BenchmarkError, match=r"no metrics at 127\.0\.0\.1:9 .*name the server's metrics port"):
        scrape("127.0.0.1:9")
