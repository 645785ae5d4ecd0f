from __future__ import annotations

import math
import re

import pytest

from endface.telemetry import metrics
from endface.telemetry.metrics import BUCKETS_S, FAMILIES, Metrics

from .conftest import Port


@pytest.fixture
def counting(port: Port) -> Metrics:
    """Metrics that are handed over by hand."""
    return Metrics(port.pb_utils)


def test_counts_are_handed_over_as_sums(counting: Metrics, port: Port) -> None:
    """A thousand pictures are one message to Triton, and nothing is told twice."""
    for _ in range(1000):
        counting.count(metrics.VERDICTS, "mm-pc", "pass")
    counting.flush()
    counting.flush()

    assert port.value("endface_verdicts_total", profile="mm-pc", verdict="pass") == 1000
    assert len(port.changes) == 1
    assert port.kinds == {"endface_verdicts_total": "counter"}


def test_declared_series_begin_at_zero(counting: Metrics, port: Port) -> None:
    """Prometheus sees the first event as a rise only if the series was there before."""
    counting.declare(metrics.INVALID, "defocus")
    counting.declare(metrics.STAGE_SECONDS, "segment")
    counting.flush()

    assert port.value("endface_invalid_total", code="defocus") == 0
    assert port.value("endface_stage_seconds_count", stage="segment") == 0
    assert sum(name == "endface_stage_seconds_bucket" for name, _ in port.values) == len(BUCKETS_S)
    assert not port.changes


def test_histogram_is_what_prometheus_expects(counting: Metrics, port: Port) -> None:
    """Buckets hold all that are at most as long, the bound included; sum and count stand beside them."""
    for seconds in (0.001, 0.02, 0.021, 0.7):
        counting.observe(metrics.STAGE_SECONDS, seconds, "segment")
    counting.flush()

    def bucket(le: str) -> float:
        return port.value("endface_stage_seconds_bucket", stage="segment", le=le)

    assert [bucket(le) for le in ("0.005", "0.015", "0.02", "0.03", "0.5", "+Inf")] == [1, 1, 2, 3, 3, 4]
    assert port.value("endface_stage_seconds_count", stage="segment") == 4
    assert port.value("endface_stage_seconds_sum", stage="segment") == pytest.approx(0.742)


def test_no_bucket_is_ever_ahead_of_a_larger_one(counting: Metrics, port: Port) -> None:
    """Prometheus may ask while numbers are handed over: the larger bucket is told first."""
    for seconds in (0.4, 0.001, 0.6):
        counting.observe(metrics.STAGE_SECONDS, seconds, "segment")
    counting.flush()

    told = [math.inf if labels["le"] == "+Inf" else float(labels["le"]) for _, labels in port.changes if "le" in labels]
    assert told == sorted(told, reverse=True)
    assert len(told) == len(BUCKETS_S)


def test_gauge_says_what_holds_now(counting: Metrics, port: Port) -> None:
    """Of several values before a handover the last one counts."""
    counting.level(metrics.STARTED, 1.0, "segment")
    counting.level(metrics.STARTED, 2.0, "segment")
    counting.flush()

    assert port.value("endface_started_timestamp_seconds", stage="segment") == 2
    assert port.kinds == {"endface_started_timestamp_seconds": "gauge"}


def test_what_triton_does_not_take_is_told_later(counting: Metrics, port: Port) -> None:
    """A failed handover loses nothing, and nothing is counted twice."""
    counting.count(metrics.ERRORS, "segment", "internal")
    counting.count(metrics.INVALID, "defocus", amount=2)
    counting.level(metrics.STARTED, 5.0, "segment")
    port.failures.append(RuntimeError("no shared memory"))
    with pytest.raises(RuntimeError):
        counting.flush()
    counting.count(metrics.INVALID, "defocus")
    counting.flush()

    assert port.value("endface_errors_total", stage="segment", code="internal") == 1
    assert port.value("endface_invalid_total", code="defocus") == 3
    assert port.value("endface_started_timestamp_seconds", stage="segment") == 5


def test_last_numbers_are_handed_over_at_the_end(counting: Metrics, port: Port) -> None:
    """What was counted since the last handover is not lost when the model is unloaded."""
    counting.start()
    counting.count(metrics.PROBES, "health")
    counting.close()

    assert port.value("endface_probes_total", kind="health") == 1


def test_failure_is_said_once(counting: Metrics, port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Triton that takes no metrics gets one line in its log, however long that lasts; the thread goes on."""
    monkeypatch.setattr(metrics, "FLUSH_EVERY_S", 0.001)
    port.failures += [RuntimeError("metrics are off")] * 3
    counting.count(metrics.PROBES, "health")
    counting.start()
    while port.failures:
        pass
    counting.close()

    assert len(port.log) == 1
    assert "metrics are off" in port.log[0]
    assert port.value("endface_probes_total", kind="health") == 1


def test_names_are_those_of_prometheus() -> None:
    """Every name is ours, unique, and says what it counts: totals of events, seconds of times."""
    names = [name for family in FAMILIES for name in family.series]

    assert len(set(names)) == len(names)
    for family in FAMILIES:
        assert re.fullmatch(r"endface_[a-z_]+", family.name)
        assert family.kind != "counter" or family.name.endswith(("_total", "_sum", "_count"))
        assert family.kind != "histogram" or family.name.endswith("_seconds")


def test_every_metric_of_the_module_is_listed() -> None:
    """FAMILIES, which the documentation is held against, forgets none."""
    assert set(FAMILIES) == {value for value in vars(metrics).values() if isinstance(value, metrics.Family)}
