"""Locust in processes of its own, against a server that answers as it is told."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.pictures import Picture, save
from benchmarks.common.target import LoadTarget
from benchmarks.load import run_locust
from benchmarks.load.shapes import ProductionLine
from endface_client.testing import PASS, Answer, Failure, FakeServer, Received

LINE = ProductionLine(stations=2, takt_ms=100, seconds=2, settle_s=1)
ANSWERS: dict[bytes, Answer] = {
    b"right": PASS,
    b"wrong": PASS,
    b"failed": Failure(grpc.StatusCode.INVALID_ARGUMENT, "bad_parameter: no such"),
}


def answer(received: Received) -> Answer:
    """What belongs to a picture."""
    return ANSWERS[received.picture]


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A picture for each outcome; the one called wrong should fail but will pass."""
    verdicts = {name: "fail" if name == b"wrong" else "pass" for name in ANSWERS}
    save([Picture(f"{name.decode()}.jpg", name, 1152, 864, verdicts[name]) for name in ANSWERS], tmp_path)
    return tmp_path


@pytest.mark.long
@pytest.mark.parametrize("processes", [1, 2])
def test_every_outcome_is_counted_by_itself(processes: int, prepared: Path, tmp_path: Path) -> None:
    """A wrong verdict and an error are no answers, in one process of Locust as in two."""
    with FakeServer(answer) as server:
        target = LoadTarget(server.address, "", "mm-pc", prepared)
        (phase,) = run_locust.run("takt", LINE, target, tmp_path / "out", processes=processes)

    outcomes = [phase[key] for key in ("answered", "failed", "wrong_verdicts")]
    assert all(count > 0 for count in outcomes)
    assert sum(outcomes) == phase["requests"]
    assert phase["images_per_s"] == pytest.approx(phase["answered"] / phase["measured_s"], abs=0.01)
    assert phase["p99_ms"] > 0
    assert phase["fewest"] + phase["most"] == phase["answered"]  # of two stations


def test_connectors_come_at_once(prepared: Path, tmp_path: Path) -> None:
    """All fibers come together; a connector has a time beside theirs, and wrong verdicts and errors are no answers."""
    line = ProductionLine(machines=1, connector_ms=100, seconds=2, settle_s=1)
    with FakeServer(answer) as server:
        target = LoadTarget(server.address, "", "mm-pc", prepared)
        row = run_locust.run("burst", line, target, tmp_path / "out")

    assert [phase["phase"] for phase in row] == ["1 x 12 fibers", "1 x 24 fibers"]
    for phase in row:
        assert phase["connector"]["p50_ms"] >= phase["p50_ms"]
        assert min(phase["answered"], phase["failed"], phase["wrong_verdicts"]) > 0
        assert phase["split_ms"] is None  # this server has no metrics
    rows = (tmp_path / "out" / "locust_stats.csv").read_text(encoding="utf-8")
    assert all(outcome in rows for outcome in ("answered", "failed", "wrong", "connector"))
    assert "wrong.jpg should be fail, the server said pass" in (tmp_path / "out" / "locust_failures.csv").read_text()


def test_locust_that_fails_is_quoted(tmp_path: Path) -> None:
    """Where no metrics are to be had, Locust ends, and what it said is in the message."""
    target = LoadTarget("127.0.0.1:9", "127.0.0.1:9", "mm-pc", tmp_path)

    with pytest.raises(BenchmarkError, match=r"Locust failed under the shape takt; it said: (.|\n)*no metrics at"):
        run_locust.run("takt", LINE, target, tmp_path / "out")
