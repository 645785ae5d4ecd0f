"""Shadow mode: a candidate network judges the pictures that were answered, and where it differs they become cases.

It never delays an answer: it gets the picture afterwards, runs on one thread at low priority, and a picture that
comes while its queue is full is dropped and counted.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from endface.engines.catalog import ONNXRUNTIME
from endface.engines.load import Segmenter, open_network
from endface.errors import EndfaceError, ReviewError
from endface.offline import Inspector
from endface.options import Options
from endface.report import Report
from endface.review.cases import Cases
from endface.review.reasons import disagreements

QUEUE: Final = 32
"""Pictures that wait for the candidate at most."""

_LOWEST: Final = 19
"""Niceness of the candidate's thread."""


@dataclass(frozen=True)
class Tally:
    """What became of the pictures that were offered.

    Attributes:
        judged: the candidate judged them.
        disagreements: of those it judged, where it differs.
        dropped: they came while the queue was full.
        failed: they could not be compared.
        problem: the last reason why one could not; empty where there is none.
    """

    judged: int = 0
    disagreements: int = 0
    dropped: int = 0
    failed: int = 0
    problem: str = ""

    @property
    def text(self) -> str:
        """The counts in a sentence."""
        pictures = "1 picture" if self.judged == 1 else f"{self.judged} pictures"
        said = f"the candidate judged {pictures} and differs on {self.disagreements}"
        said += f"; {self.dropped} came too fast for it" if self.dropped else ""
        return said + (f"; {self.failed} could not be compared ({self.problem})" if self.failed else "")


class Shadow:
    """A candidate that judges what it is offered, in a thread of its own.

    Args:
        cases: where disagreements are kept.
        network: the candidate.
        options: what the reports do not say: the folder of own profiles, and wishes (``screen``, ``any_core``).
        capacity: pictures that wait at most.
    """

    def __init__(self, cases: Cases, network: Segmenter, options: Options, capacity: int = QUEUE) -> None:
        self._cases, self._network, self._options = cases, network, options
        self._waiting: queue.Queue[tuple[bytes, Report] | None] = queue.Queue(capacity)
        self._tally, self._lock = Tally(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="endface-shadow", daemon=True)
        self._thread.start()

    @classmethod
    def of_file(cls, cases: Cases, path: Path, options: Options, engine: str = ONNXRUNTIME) -> Self:
        """A candidate from its network's file, on one core.

        Raises:
            EngineError: the engine's package is not installed.
            ConfigurationError: the network is missing or broken.
        """
        return cls(cases, open_network(engine, path, threads=1), options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def tally(self) -> Tally:
        """The counts so far."""
        with self._lock:
            return self._tally

    def offer(self, picture: bytes, report: Report) -> bool:
        """Hand over a picture that was answered; returns at once.

        Args:
            picture: the encoded picture.
            report: the answer; one that is invalid is not compared, for no network was asked.

        Returns:
            Whether it was taken.
        """
        if report.verdict == "invalid":
            return False
        try:
            self._waiting.put_nowait((picture, report))
        except queue.Full:
            self._count(dropped=1)
            return False
        return True

    def close(self) -> None:
        """Judge what waits, then end the thread."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _run(self) -> None:
        with contextlib.suppress(AttributeError, OSError):  # Windows has no niceness, and a thread of it is no process
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)
        while (waiting := self._waiting.get()) is not None:
            try:
                self._judge(*waiting)
            except EndfaceError as exc:
                self._count(failed=1, problem=str(exc))
            except Exception as exc:  # the thread must outlive a picture that a network cannot take
                self._count(failed=1, problem=repr(exc))

    def _judge(self, picture: bytes, report: Report) -> None:
        candidate = Inspector.around(self._network, options_of(report, self._options))(picture)
        if candidate.criteria.sha256 != report.criteria.sha256:
            raise ReviewError(f"the profile {report.criteria.profile} has other limits here than where it was judged")
        differs = bool(disagreements(report, candidate))
        if differs:
            self._cases.keep(report, picture, candidate=candidate)
        self._count(judged=1, disagreements=differs)

    def _count(self, problem: str = "", **more: int) -> None:
        with self._lock:
            counts = {name: getattr(self._tally, name) + number for name, number in more.items()}
            self._tally = replace(self._tally, problem=problem or self._tally.problem, **counts)


def options_of(report: Report, options: Options) -> Options:
    """The options that a report was made with.

    Args:
        report: the report of a fiber that was found.
        options: what a report does not say.
    """
    assert report.fiber is not None
    assert report.calibration is not None
    scale = report.calibration.um_per_px
    from_cladding = report.calibration.source == "cladding"
    diameter_um = round(2 * report.fiber.cladding.radii_px[0] * scale[0], 3)
    return replace(
        options,
        profile=report.criteria.profile,
        cladding_um=diameter_um if from_cladding else options.cladding_um,
        um_per_px=None if from_cladding else math.sqrt(math.prod(scale)),
        fiber=report.fiber_number,
        zones=report.scope.judged if report.scope and report.scope.not_judged else (),
        serial=report.serial,
        name=report.image.name,
        meta=report.meta,
    )
