"""Stations of a line that inspect without a pause, with a client's default settings, and note how each call went."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final, Self

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import Json
from benchmarks.common.pictures import Picture
from endface_client import Client, ClientError

_PATIENCE_S = 120.0
_POLL_S = 0.01


@dataclass(frozen=True)
class Call:
    """How a call went.

    Attributes:
        began_s: When, by ``time.monotonic``.
        ended_s: When its report or its error was there.
        verdict: Of the report; empty where there was none.
        expected: The right one.
        attempts: How often the client sent the picture.
    """

    began_s: float
    ended_s: float
    verdict: str
    expected: str
    attempts: int


class Line:
    """Works from entering its ``with`` block until leaving it.

    Args:
        servers: one or several, as a client takes them.
        profile: the limits to judge by.
        pictures: taken in turns.
        stations: how many ask side by side, each with a connection of its own.

    Attributes:
        profile: As given.
    """

    def __init__(self, servers: str, profile: str, pictures: Sequence[Picture], stations: int) -> None:
        self.profile: Final = profile
        self._servers = servers
        self._stop = threading.Event()
        self._calls: list[Call] = []
        self._threads = [
            threading.Thread(target=self._work, args=(list(islice(cycle(pictures), at, at + len(pictures))),))
            for at in range(stations)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def work_on(self, calls: int) -> None:
        """Wait until every station could have ended some more calls with a report.

        Raises:
            BenchmarkError: that takes too long.
        """
        ends_s, wanted = time.monotonic() + _PATIENCE_S, self._answered() + calls * len(self._threads)
        while self._answered() < wanted:
            if time.monotonic() > ends_s:
                raise BenchmarkError(f"the line did not get on within {_PATIENCE_S:.0f} s after a fault")
            time.sleep(_POLL_S)

    def figures(self, since_s: float) -> Json:
        """What the line noticed from a moment on: repeated, lost and wrong calls, the slowest, the longest silence."""
        calls = [call for call in self._calls if call.ended_s >= since_s]
        ends_s = sorted(call.ended_s for call in calls if call.verdict)
        silences_s = [after - before for before, after in zip([since_s, *ends_s], ends_s, strict=False)]
        return {
            "calls": len(calls),
            "repeated": sum(call.attempts > 1 for call in calls),
            "lost": sum(not call.verdict for call in calls),
            "wrong_verdicts": sum(bool(call.verdict) and call.verdict != call.expected for call in calls),
            "slowest_ms": round(max((call.ended_s - call.began_s for call in calls), default=0) * 1000),
            "silence_ms": round(max(silences_s, default=0) * 1000),
        }

    def _answered(self) -> int:
        return sum(bool(call.verdict) for call in self._calls)

    def _work(self, pictures: Sequence[Picture]) -> None:
        with Client(self._servers, profile=self.profile) as client:
            for picture in cycle(pictures):
                if self._stop.is_set():
                    return
                began_s, verdict = time.monotonic(), ""
                try:
                    reply = client.ask(picture.data)
                    verdict, attempts = reply.report.verdict, reply.attempts
                except ClientError as exc:
                    attempts = exc.attempts
                    self._stop.wait(_POLL_S)  # a server that refuses at once is not asked without a pause
                self._calls.append(Call(began_s, time.monotonic(), verdict, picture.verdict, attempts))
