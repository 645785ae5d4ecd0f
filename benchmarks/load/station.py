"""A station of the line as a Locust user: presents pictures, waits for the verdicts, checks them.

Locust's rows are the outcome and the phase: ("answered", "4 stations"), and "refused", "failed" or "wrong" beside it,
so that percentiles of answered pictures hold no quick refusals.  What each station got has a row of its own.
"""

# ruff: noqa: E402 - gRPC must learn of gevent before anything opens a channel
import grpc.experimental.gevent

grpc.experimental.gevent.init_gevent()

import os
import random
import time
from pathlib import Path
from typing import ClassVar, Final

import gevent
import gevent.pool
from locust import User, task

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.outcomes import ANSWERED, FAILED, REFUSED, RETRY_S, WRONG
from benchmarks.common.pictures import Picture, load
from benchmarks.common.stations import StationClient
from benchmarks.load.figures import CONNECTOR, STATION
from benchmarks.load.shapes import Phase
from endface_client import ClientError, Overloaded

# gRPC waits for answers in gevent's pool of ten threads: with more calls under way, some are noticed up to 0.1 s late.
gevent.get_hub().threadpool.maxsize = 1024

IDLE: Final = Phase("idle", 0, 0, counted=False)


class WrongVerdictError(BenchmarkError):
    """The server judged a picture otherwise than the same stages did in one process."""

    code = "wrong_verdict"


class Station(User):
    """Presents the phase's number of pictures at once, at the phase's takt, with the client that lines have."""

    phase: ClassVar[Phase] = IDLE
    """What the whole line does now."""

    _pictures: ClassVar[list[Picture]] = []
    _count: ClassVar[int] = 0

    def on_start(self) -> None:
        """Connect, and begin somewhere in the takt: stations are not in step."""
        options = self.environment.parsed_options
        if not Station._pictures:
            Station._pictures = load(Path(options.pictures))
        Station._count += 1
        self._row = f"{STATION} {os.getpid()}-{Station._count}"
        rng = random.Random(Station._count)
        self._next = rng.randrange(len(self._pictures))
        self._due_s = time.perf_counter() + rng.random() * Station.phase.takt_ms / 1000
        self.client = StationClient(str(self.environment.host), profile=options.endface_profile)
        gevent.sleep(max(self._due_s - time.perf_counter(), 0))

    def on_stop(self) -> None:
        """Close the connection."""
        self.client.close()

    def wait_time(self) -> float:
        """Seconds until the next takt; a station that is late goes on at once, and is not made to catch up."""
        now_s = time.perf_counter()
        self._due_s = max(self._due_s + Station.phase.takt_ms / 1000, now_s)
        return self._due_s - now_s

    @task
    def present(self) -> None:
        """Present the parts at hand and wait for all verdicts."""
        fibers = Station.phase.fibers
        started = time.perf_counter()
        if fibers == 1:
            self._inspect(self._take())
        else:
            group = gevent.pool.Group()
            for _ in range(fibers):
                group.spawn(self._inspect, self._take())
            group.join()
            self._record(CONNECTOR, started, None)

    def _take(self) -> Picture:
        self._next = (self._next + 1) % len(self._pictures)
        return self._pictures[self._next]

    def _inspect(self, picture: Picture) -> None:
        started = time.perf_counter()
        try:
            report = self.client.inspect(picture.data, name=picture.name)
        except Overloaded as exc:
            self._record(REFUSED, started, exc)
            gevent.sleep(RETRY_S)
        except ClientError as exc:
            self._record(FAILED, started, exc)
            gevent.sleep(RETRY_S)
        else:
            right = report.verdict == picture.verdict
            wrong = WrongVerdictError(f"{picture.name} should be {picture.verdict}, the server said {report.verdict}")
            self._record(ANSWERED if right else WRONG, started, None if right else wrong)
            if right:
                self._record(self._row, started, None)

    def _record(self, outcome: str, started: float, error: Exception | None) -> None:
        """Tell Locust, if the phase counts in which this ended."""
        if Station.phase.counted:
            self.environment.events.request.fire(
                request_type=outcome,
                name=Station.phase.name,
                response_time=(time.perf_counter() - started) * 1000,
                response_length=0,
                exception=error,
                context={},
            )
