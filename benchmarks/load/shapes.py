"""Load shapes: what a production line asks of a server, as rows of phases.

The model is closed: a station presents its next parts only when it has the verdicts of the last ones, so a slow server
is also asked less.  That is how a line works, but it hides waiting that an open stream of parts would see: that is
``overload``, which has a generator of its own (open_loop.py).

    takt       stations that each present one part every T ms
    burst      machines that present all fibers of a connector at once: 12, then 24
    ramp       1, 2, 4, ... stations without a pause, to find the knee
    soak       as many as the knee for long, in slices that show a drift
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from benchmarks.common.errors import BenchmarkError

CONNECTORS: Final = (12, 24)
"""Fibers of the usual multi-fiber connectors (MPO, IEC 61754-7)."""

OVERLOAD: Final = "overload"
"""The shape that Locust has no part in."""


@dataclass(frozen=True)
class ProductionLine:
    """The size of a production line, and how long it is watched.

    Attributes:
        stations: Stations of ``takt``.
        takt_ms: Time from part to part at each of them.
        machines: Machines of ``burst``, each with connectors in hand.
        connector_ms: Time from connector to connector at each of them.
        knee: Stations of ``soak``, at which the server is just busy; ``ramp`` finds the number.
        most: Stations up to which ``ramp`` goes, doubling from one.
        seconds: How long each phase is counted.
        settle_s: How long it runs before, uncounted: connections open, queues fill.
        slices: Phases of ``soak``.
    """

    stations: int = 4
    takt_ms: float = 500.0
    machines: int = 1
    connector_ms: float = 3000.0
    knee: int = 4
    most: int = 64
    seconds: float = 10.0
    settle_s: float = 3.0
    slices: int = 3


@dataclass(frozen=True)
class Phase:
    """A time of constant load.

    Attributes:
        name: Unique in its shape; Locust's rows carry it.
        users: Stations at work.
        seconds: How long.
        fibers: Pictures that a station presents at once.
        takt_ms: Time from one presentation to the next; 0: as soon as the verdicts are there.
        counted: Whether requests that end in this phase count.
    """

    name: str
    users: int
    seconds: float
    fibers: int = 1
    takt_ms: float = 0.0
    counted: bool = True


def phases(shape: str, line: ProductionLine) -> list[Phase]:
    """The phases of one of Locust's shapes, each behind its time of settling; none of ``OVERLOAD``.

    Raises:
        BenchmarkError: there is no such shape.
    """
    if shape not in SHAPES:
        raise BenchmarkError(f"there is no load shape {shape!r}; choose from {', '.join(SHAPES)}")
    return [part for phase in _counted(shape, line) for part in (_settling(phase, line), phase)]


def ramp_users(most: int) -> list[int]:
    """1, 2, 4, ... up to ``most``, and ``most`` itself."""
    doubling = takewhile(lambda users: users < most, (1 << power for power in range(most.bit_length())))
    return [*doubling, most]


def _counted(shape: str, line: ProductionLine) -> Iterator[Phase]:
    def busy(name: str, users: int) -> Phase:
        return Phase(name, users, line.seconds)

    match shape:
        case "takt":
            name = f"{line.stations} stations, {line.takt_ms:g} ms"
            yield Phase(name, line.stations, line.seconds, takt_ms=line.takt_ms)
        case "burst":
            for fibers in CONNECTORS:
                name = f"{line.machines} x {fibers} fibers"
                yield Phase(name, line.machines, line.seconds, fibers, line.connector_ms)
        case "ramp":
            yield from (busy(f"{users} station{'s' * (users > 1)}", users) for users in ramp_users(line.most))
        case "soak":
            yield from (busy(f"slice {number}", line.knee) for number in range(1, line.slices + 1))


def _settling(phase: Phase, line: ProductionLine) -> Phase:
    return replace(phase, name=f"before {phase.name}", seconds=line.settle_s, counted=False)


LOCUST: Final = ("takt", "burst", "ramp", "soak")
"""The shapes that Locust asks."""

SHAPES: Final = (*LOCUST, OVERLOAD)
