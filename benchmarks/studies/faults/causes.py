"""Faults that a study injects into a serving machine, and who is to repair each."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.common.triton_counters import STAGES
from benchmarks.studies.faults import clients
from benchmarks.studies.line.machine import ServingMachine

KILLED: Final = signal.SIGKILL
"""A crash."""

STOPPED: Final = signal.SIGSTOP
"""A process that stands still and keeps all its resources."""


@dataclass(frozen=True)
class InjectedFault:
    """A fault that is injected on purpose.

    Attributes:
        name: What the page calls it.
        cause: Injects it.
        healer: Who repairs it: the machine itself, whoever starts containers (here: us, at once), or nobody, because
            another machine of the fleet takes the calls, or because nothing should break.
        machines: How many of them serve.
        is_hang: Whether machines must be prepared for it.
        log_full: Whether the machine's log goes to a full disk, so that its events are not known.
    """

    name: str
    cause: Callable[[ServingMachine], None]
    healer: Literal["itself", "container", "fleet", "nobody"] = "itself"
    machines: int = 1
    is_hang: bool = False
    log_full: bool = False


def _stub(model: str, number: int) -> Callable[[ServingMachine], None]:
    return lambda machine: _send(number, machine.stubs(model)[:1])


def _stubs(model: str, number: int) -> Callable[[ServingMachine], None]:
    return lambda machine: _send(number, machine.stubs(model))


def _hang(model: str) -> Callable[[ServingMachine], None]:
    return lambda machine: machine.hang(model)


def _triton(number: int) -> Callable[[ServingMachine], None]:
    return lambda machine: os.kill(machine.triton, number)


def _all(number: int) -> Callable[[ServingMachine], None]:
    return lambda machine: machine.signal_all(number)


def _send(number: int, pids: Iterable[int]) -> None:
    for pid in pids:
        os.kill(pid, number)


STUBS: Final = (
    [InjectedFault(f"{model}: a process is killed", _stub(model, KILLED)) for model in STAGES],
    [InjectedFault(f"{model}: all processes are killed", _stubs(model, KILLED)) for model in STAGES],
    [InjectedFault(f"{model}: a process is stopped", _stub(model, STOPPED)) for model in STAGES],
)
"""Each list may happen to one machine in a row: a model whose processes were made anew a moment ago is not reloaded."""

HANGS: Final = [InjectedFault(f"{model}: a process hangs in a picture", _hang(model), is_hang=True) for model in STAGES]
"""As the lists of ``STUBS``, with processes that run, but wait for something that never comes."""

TRITON_KILLED: Final = InjectedFault("Triton is killed", _triton(KILLED))
TRITON_STOPPED: Final = InjectedFault("Triton is stopped", _triton(STOPPED))

ITSELF: Final = [*(fault for row in STUBS for fault in row), TRITON_KILLED, TRITON_STOPPED]
"""Faults that any machine repairs by itself, without having been prepared for them."""

CONTAINER: Final = InjectedFault("the container is killed and started again", _all(KILLED), "container")
ONE_OF_FLEET: Final = (
    InjectedFault("Triton of one of two machines is killed", _triton(KILLED), "itself", 2),
    InjectedFault("one of two machines is killed", _all(KILLED), "fleet", 2),
)
ONE_OF_FLEET_STOPPED: Final = InjectedFault("one of two machines is stopped", _all(STOPPED), "fleet", 2)


def _removed_and_killed(machine: ServingMachine) -> None:
    machine.remove_workspace()
    os.kill(machine.triton, KILLED)


CLIENTS: Final = (
    InjectedFault("a client gives up", clients.give_up, "nobody"),
    InjectedFault("a client is killed", clients.be_killed, "nobody"),
    InjectedFault("a foreign client cancels its calls", clients.cancel, "nobody"),
)
LOG_FULL: Final = InjectedFault("log full, and Triton is killed", _triton(KILLED), log_full=True)
FOLDER_REMOVED: Final = InjectedFault("folder removed, and Triton is killed", _removed_and_killed)

TOURS: Final[tuple[Sequence[InjectedFault], ...]] = (
    [*STUBS[0], TRITON_KILLED],
    [*STUBS[1], CONTAINER],
    [*STUBS[2], TRITON_STOPPED],
    HANGS,
    ONE_OF_FLEET,
    [ONE_OF_FLEET_STOPPED],
    *([each] for each in (*CLIENTS, LOG_FULL, FOLDER_REMOVED)),
)
"""All faults. Those of one row happen one after the other to the same machines: a start takes long."""
