"""The load generator that does not wait."""

from __future__ import annotations

import asyncio
from typing import Self

from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from benchmarks.common.pictures import Picture
from benchmarks.common.stations import CallFailedError
from benchmarks.studies.peers.stream import Rate, arrivals_s, ask
from endface.report import Report
from endface_client.testing import PASS

RIGHT = Picture("right.jpg", b"right", 1152, 864, "pass")
WRONG = Picture("wrong.jpg", b"wrong", 1152, 864, "fail")
BROKEN = Picture("broken.jpg", b"broken", 1152, 864, "pass")


class Slow:
    """A station whose server takes its time, and cannot judge one of the pictures."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def inspect(self, picture: Picture) -> Report:
        """The same report for every picture."""
        await asyncio.sleep(self._seconds)
        if picture is BROKEN:
            raise CallFailedError("it broke")
        return PASS


@settings(deadline=None)
@given(images_per_s=st.floats(0.5, 200), seconds=st.floats(0.1, 60))
def test_moments_rise_and_lie_within_the_time(images_per_s: float, seconds: float) -> None:
    """Pictures come in order, all of them before the end."""
    moments_s = arrivals_s(images_per_s, seconds)

    assert moments_s == sorted(moments_s)
    assert all(0 < moment_s < seconds for moment_s in moments_s)


@settings(deadline=None)
@given(images_per_s=st.floats(0.5, 200), factor=st.floats(0.1, 10))
def test_every_server_gets_the_same_moments(images_per_s: float, factor: float) -> None:
    """At another rate the moments are stretched, and nothing else."""
    slow, fast = arrivals_s(images_per_s, 10), arrivals_s(images_per_s * factor, 10 / factor)

    assert [moment / factor for moment in slow[: len(fast)]] == approx(fast[: len(slow)])


def test_as_many_come_as_the_rate_says() -> None:
    """A Poisson process of 100 a second brings 10 000 in 100 s, give or take three deviations."""
    assert len(arrivals_s(100, 100)) == approx(10_000, abs=300)


def test_no_picture_is_lost() -> None:
    """Each one that comes is answered, wrong or failed; those of the first while are not counted."""
    rate = Rate(images_per_s=200, seconds=0.5, settle_s=0.2, connections=3)
    counted = [moment_s for moment_s in arrivals_s(200, 0.7) if moment_s >= 0.2]

    found = ask(lambda: Slow(0.001), [RIGHT, WRONG, BROKEN], rate)

    assert found["answered"] + found["wrong_verdicts"] + found["failed"] == len(counted)
    assert min(found["answered"], found["wrong_verdicts"], found["failed"]) > 0


def test_waiting_for_a_connection_counts() -> None:
    """A server that takes 20 ms for a picture and gets 100 a second falls behind, and the percentiles show it."""
    found = ask(lambda: Slow(0.02), [RIGHT], Rate(images_per_s=100, seconds=0.5, settle_s=0, connections=1))

    assert found["p50_ms"] > 40
    assert found["p99_ms"] > 200


def test_nobody_comes() -> None:
    """At a rate so low that no picture comes in time there are no times."""
    found = ask(lambda: Slow(0), [RIGHT], Rate(images_per_s=0.001, seconds=0.01, settle_s=0, connections=1))

    assert (found["answered"], found["p99_ms"], found["generator_late_p99_ms"]) == (0, None, None)
