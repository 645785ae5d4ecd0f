"""Three servers of the profile `fleet`, and Prometheus beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from endface_client import Client
from tests import prometheus

pytestmark = pytest.mark.containers

SERVERS = ("endface", "endface-2", "endface-3")


@pytest.fixture
def query(fleet: Any) -> Callable[[str], dict[str, float]]:
    """Ask Prometheus; give the values by server."""
    fleet.up("prometheus")

    def asked(expression: str) -> dict[str, float]:
        found = prometheus.query(fleet.address("prometheus"), expression)
        return {each["metric"]["instance"]: float(each["value"][1]) for each in found}

    return asked


def test_no_call_is_lost_when_a_container_dies(fleet: Any, samples: list[Path], say: Callable[[str], None]) -> None:
    """A client of three, with its own settings, has every picture inspected although a whole container is killed.

    All three inspect until then, and the one that was killed is back by itself.
    """
    before = {name: fleet.answered(name) for name in SERVERS}
    restarts = fleet.inspected("endface-2")["RestartCount"]
    with Client(",".join(map(fleet.address, SERVERS))) as client:
        answers = client.inspect_many(islice(cycle(samples), 240), concurrency=6)
        reports = list(islice(answers, 60))
        shares = {name: fleet.answered(name) - before[name] for name in SERVERS}
        fleet.kill_container("endface-2")
        killed_s = time.monotonic()
        reports += answers
    verdicts = [report.verdict for report in reports]
    with Client(fleet.address("endface-2"), deadline_s=120) as client:
        client.inspect(samples[0])
    back_s = time.monotonic() - killed_s
    say(f"of the first 60 pictures and some health checks: {shares}; one killed, 240 reports, back in {back_s:.1f} s")

    assert min(shares.values()) >= 10
    assert len(reports) == 240
    assert all(verdict == verdicts[index % len(samples)] for index, verdict in enumerate(verdicts))
    assert fleet.inspected("endface-2")["RestartCount"] > restarts


def test_prometheus_sees_every_server(fleet: Any, query: Callable[[str], dict[str, float]]) -> None:
    """All three are found by their names and are up; one that is stopped is no longer a target, and is missed."""
    fleet.wait_until(lambda: query('up{job="endface"}') == dict.fromkeys(SERVERS, 1.0))
    missed = 'ALERTS{alertname="EndfaceServerDown"}'
    fleet.wait_until(lambda: query(missed) == {})
    fleet.compose("stop", "endface-3")
    fleet.wait_until(lambda: query('up{job="endface"}') == dict.fromkeys(SERVERS[:2], 1.0))
    fleet.wait_until(lambda: query(missed) == {"endface-3": 1.0})


def test_prometheus_counts_what_was_sent(
    fleet: Any, query: Callable[[str], dict[str, float]], samples: list[Path]
) -> None:
    """What a server was sent is what a query returns, beside its health checks."""
    expression = 'nv_inference_request_success{model="endface"}'
    fleet.wait_until(lambda: "endface" in query(expression))
    before = fleet.answered("endface")
    with Client(fleet.address("endface")) as client:
        list(client.inspect_many(islice(cycle(samples), 40)))
    fleet.wait_until(lambda: query(expression)["endface"] >= before + 40)

    assert query(expression)["endface"] <= fleet.answered("endface")
