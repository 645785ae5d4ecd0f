"""A server's answers about a connector of several fibers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import grpc

from endface.report import FoundFiber, Problem, Report
from endface_client.testing import PASS, Answer, Failure, Received
from tests.endface_client.faces import FOUND


def connector_of(count: int, *, failing: int = 0, lost: int = 0) -> Callable[[Received], Answer]:
    """Answers about a picture of so many fibers, of which one fails, and one cannot be asked for."""
    sentence = f"{count} fibers are in the picture"
    fibers = tuple(
        FoundFiber(number, (90.0 * number, 50.0), (30.0, 30.0), cut_off=False) for number in range(1, count + 1)
    )
    several = replace(
        PASS, verdict="invalid", error=Problem("several_fibers", sentence), reasons=(sentence,), fibers=fibers
    )

    def answer(received: Received) -> Answer:
        if "fiber" not in received.parameters:
            return several
        number = int(received.parameters["fiber"])
        if number == lost:
            return Failure(grpc.StatusCode.INVALID_ARGUMENT, f"no_such_fiber: there is no fiber {number}")
        report: Report = replace(FOUND, borderline=False) if number == failing else PASS
        return replace(report, fibers=fibers)

    return answer
