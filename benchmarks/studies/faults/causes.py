"""Ways to make a machine ill, and who is to heal it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.common.triton_counters import STAGES
from benchmarks.studies.faults import clients
from benchmarks.studies.line.machine import Machine

KILLED: Final = signal.SIGKILL
"""A crash."""

STOPPED: Final = signal.SIGSTOP
"""A process that stands still, and holds everything it has."""


@dataclass(frozen=True)
class Affliction:
    """One way to make a machine ill.

    Attributes:
        name: What the page calls it.
        cause: Does it.
        healer: Who repairs it: the machine itself, whoever starts containers (here: us, at once), or nobody, because
            another machine of the fleet takes the calls, or because nothing should break.
        machines: How many of them serve.
        is_hang: Whether machines must be prepared for it.
        log_full: Whether the machine's log goes to a full disk: its own word is not heard then.
    """

    name: str
    cause: Callable[[Machine], None]
    healer: Literal["itself", "container", "fleet", "nobody"] = "itself"
    machines: int = 1
    is_hang: bool = False
    log_full: bool = False


def _stub(model: str, number: int) -> Callable[[Machine], None]:
    return lambda machine: _send(number, machine.stubs(model)[:1])


def _stubs(model: str, number: int) -> Callable[[Machine], None]:
    return lambda machine: _send(number, machine.stubs(model))


def _hang(model: str) -> Callable[[Machine], None]:
    return lambda machine: machine.hang(model)


def _triton(number: int) -> Callable[[Machine], None]:
    return lambda machine: os.kill(machine.triton, number)


def _all(number: int) -> Callable[[Machine], None]:
    return lambda machine: machine.signal_all(number)


def _send(number: int, pids: Iterable[int]) -> None:
    for pid in pids:
        os.kill(pid, number)


STUBS: Final = (
    [Affliction(f"{model}: a process is killed", _stub(model, KILLED)) for model in STAGES],
    [Affliction(f"{model}: all processes are killed", _stubs(model, KILLED)) for model in STAGES],
    [Affliction(f"{model}: a process is stopped", _stub(model, STOPPED)) for model in STAGES],
)
"""Each list may happen to one machine in a row: a model whose processes were made anew a moment ago is not reloaded."""

HANGS: Final = [Affliction(f"{model}: a process hangs in a picture", _hang(model), is_hang=True) for model in STAGES]
"""As the lists of ``STUBS``, with processes that run, but wait for something that never comes."""

TRITON_KILLED: Final = Affliction("Triton is killed", _triton(KILLED))
TRITON_STOPPED: Final = Affliction("Triton is stopped", _triton(STOPPED))

ITSELF: Final = [*(fault for row in STUBS for fault in row), TRITON_KILLED, TRITON_STOPPED]
"""What any machine heals by itself, without having been prepared for it."""

CONTAINER: Final = Affliction("the container is killed and started again", _all(KILLED), "container")
ONE_OF_FLEET: Final = (
    Affliction("Triton of one of two machines is killed", _triton(KILLED), "itself", 2),
    Affliction("one of two machines is killed", _all(KILLED), "fleet", 2),
)
ONE_OF_FLEET_STOPPED: Final = Affliction("one of two machines is stopped", _all(STOPPED), "fleet", 2)


def _removed_and_killed(machine: Machine) -> None:
    machine.remove_folders()
    os.kill(machine.triton, KILLED)


CLIENTS: Final = (
    Affliction("a client gives up", clients.give_up, "nobody"),
    Affliction("a client is killed", clients.be_killed, "nobody"),
    Affliction("a foreign client cancels its calls", clients.cancel, "nobody"),
)
LOG_FULL: Final = Affliction("log full, and Triton is killed", _triton(KILLED), log_full=True)
FOLDER_REMOVED: Final = Affliction("folder removed, and Triton is killed", _removed_and_killed)

TOURS: Final[tuple[Sequence[Affliction], ...]] = (
    [*STUBS[0], TRITON_KILLED],
    [*STUBS[1], CONTAINER],
    [*STUBS[2], TRITON_STOPPED],
    HANGS,
    ONE_OF_FLEET,
    [ONE_OF_FLEET_STOPPED],
    *([each] for each in (*CLIENTS, LOG_FULL, FOLDER_REMOVED)),
)
"""All of them, those together that happen one after the other to the same machines: starting is what takes long."""
