"""The same work in several processes or threads at once, from one start signal."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Final, Literal, Protocol, TypeVar

from endface.server.settings import LIBRARIES

Kind = Literal["processes", "threads"]
Result = TypeVar("Result")

_START_S: Final = 120
"""How long the slowest may take to load its network before the others give up."""


class Barrier(Protocol):
    """Barrier at which all wait until the last one is ready."""

    def wait(self, timeout: float | None = None) -> int:
        """Return once everybody waits."""

    def abort(self) -> None:
        """Let nobody wait any longer."""


def together(count: int, kind: Kind, work: Callable[..., Result], *arguments: object) -> list[Result]:
    """Run ``work(barrier, *arguments)`` ``count`` times at once.

    Each gets ready, waits at the barrier, and only then begins what is measured.

    Args:
        count: how many.
        kind: processes of their own, or threads of this one, which share its interpreter lock.
        work: a function of a module, so that a new process finds it.
        arguments: the same for all.

    Returns:
        What each gave.
    """
    if kind == "threads":
        meeting = threading.Barrier(count, timeout=_START_S)
        with ThreadPoolExecutor(count) as pool:
            return _results([pool.submit(_begin, meeting, work, arguments) for _ in range(count)])
    # Spawned, not forked: a fork would inherit the locks of ONNX Runtime's and OpenCV's threads.  A barrier reaches a
    # process only as it is made, so each keeps it for itself.
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(count, timeout=_START_S)
    with as_in_a_stage(), ProcessPoolExecutor(count, context, _join, (barrier,)) as pool:
        return _results([pool.submit(_begin_joined, work, arguments) for _ in range(count)])


@contextlib.contextmanager
def as_in_a_stage() -> Iterator[None]:
    """Processes that are started inside the block have the libraries' settings of a server's stages."""
    before = dict(os.environ)
    os.environ.update(LIBRARIES)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


_joined: list[Barrier] = []


def _join(barrier: Barrier) -> None:
    _joined.append(barrier)


def _begin_joined(work: Callable[..., Result], arguments: tuple[object, ...]) -> Result:
    return _begin(_joined[0], work, arguments)


def _begin(barrier: Barrier, work: Callable[..., Result], arguments: tuple[object, ...]) -> Result:
    try:
        return work(barrier, *arguments)
    except BaseException:
        barrier.abort()  # the others need not wait for this one
        raise


def _results(futures: list[Future[Result]]) -> list[Result]:
    """Results of all; the error of the one that broke down, not of those that waited for it in vain."""
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return [future.result() for future in futures]
