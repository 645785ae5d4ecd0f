"""Damaged and hostile pictures through both stages, in processes that the kernel ends when one takes too long.

    python -m tests.security.fuzz --pictures 100000

A finding is a picture that kills its process, takes more than a second of processor time, or ends in anything but a
report or an ``EndfaceError`` that blames the request; it is kept as a file.  Processor time, not time on the clock: a
crowded machine is no finding.  Exit status 1 if there is any.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final

import cv2
import numpy as np

from endface import contract, stages
from endface.errors import RequestError
from endface.frame import Frame
from endface.options import Options
from endface.report import Report
from tests.security import mutations
from tests.security.campaign import Campaign, Outcome, Tally

LIMIT_S: Final = 1.0
"""Processor time that a picture may take."""

_SILENT_S: Final = 120.0
"""A process that says nothing for so long waits for something that never comes."""

_BLANK: Final = np.zeros((contract.SQUARE_PX, contract.SQUARE_PX), np.uint8)


def inspect(data: bytes) -> str:
    """A picture's way through both stages as in the server, a clean face in place of the network's label map.

    Returns:
        ``judged``, or the stable code of why not.
    """
    try:
        square, frame = stages.preprocess(data, Options(profile="mm-pc"))
    except RequestError as exc:
        return exc.code
    assert (square.shape, square.dtype) == (_BLANK.shape, _BLANK.dtype)
    text = stages.postprocess(_BLANK, _BLANK, Frame.from_json(frame.to_json())).to_json()
    report = Report.from_json(text)
    assert (report.verdict == "invalid") == (report.error is not None)
    return report.error.code if report.error else "judged"


def work(seed: int, numbers: range, answers: Connection) -> None:
    """Inspect pictures of a series, one after the other."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process, in whatever library it is
    for number in numbers:
        data = mutations.picture(seed, number)
        signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
        began_s = time.process_time()
        try:
            code, is_finding = inspect(data), False
        except Exception as exc:  # whatever it is, it is a finding, told in its own words
            code, is_finding = repr(exc), True
        took_s = time.process_time() - began_s
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.send(Outcome(number, code, took_s, is_finding))


@dataclass
class Worker:
    """A process with its share of a series."""

    seed: int
    numbers: range
    process: BaseProcess
    answers: Connection
    has_ended: bool = False

    @classmethod
    def start(cls, seed: int, numbers: range) -> Worker:
        """Start one."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(seed, numbers, theirs), daemon=True)
        process.start()
        theirs.close()
        return cls(seed, numbers, process, ours)

    def outcomes(self) -> Iterator[Outcome]:
        """What it has said; in the end how it died, if it did."""
        try:
            while self.answers.poll():
                outcome: Outcome = self.answers.recv()
                self.numbers = self.numbers[1:]
                yield outcome
        except EOFError:
            self.has_ended = True
            self.process.join()
            if self.numbers:
                status = self.process.exitcode or 0
                code = "hang" if status == -signal.SIGPROF else f"died with status {status}"
                yield Outcome(self.numbers[0], code, LIMIT_S, is_finding=True)
                self.numbers = self.numbers[1:]


def run(tally: Tally, numbers: range, workers: int) -> None:
    """Inspect a part of a series; a process that dies is replaced behind the picture that killed it."""
    crew = [Worker.start(tally.seed, numbers[first::workers]) for first in range(min(workers, len(numbers)))]
    while crew:
        ready = wait([worker.answers for worker in crew], _SILENT_S)
        for worker in list(crew):
            if not ready:
                worker.process.kill()  # its pipe ends then
            for outcome in worker.outcomes():
                tally.add(outcome)
            if worker.has_ended:
                crew.remove(worker)
                if worker.numbers:
                    crew.append(Worker.start(tally.seed, worker.numbers))


CAMPAIGN: Final = Campaign(
    "tests.security.fuzz", "Damaged and hostile pictures", "pictures", 5_000, os.cpu_count() or 1, mutations.picture
)


if __name__ == "__main__":
    sys.exit(CAMPAIGN.main(run))
