"""The same work in several processes or threads at once, from one start signal."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, Final, Literal, Protocol, TypeVar

Kind = Literal["processes", "threads"]
Result = TypeVar("Result")

_START_S: Final = 120
"""How long the slowest may take to load its network before the others give up."""


class Barrier(Protocol):
    """Where all wait until the last one is ready."""

    def wait(self, timeout: float | None = None) -> int:
        """Return once everybody waits."""


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
    with _crew(count, kind) as (pool, shared):
        futures = [pool.submit(_begin, shared, work, arguments) for _ in range(count)]
        return [future.result() for future in futures]


class _crew:  # noqa: N801 - used as a function
    """A pool whose members share a barrier, which a process can only be given when it is made."""

    def __init__(self, count: int, kind: Kind) -> None:
        self._barrier: Barrier
        self._pool: Executor
        if kind == "threads":
            self._barrier = threading.Barrier(count, timeout=_START_S)
            self._pool = ThreadPoolExecutor(count)
        else:
            # Spawned, not forked: a fork would inherit the threads' locks of ONNX Runtime and OpenCV.
            context = multiprocessing.get_context("spawn")
            self._barrier = context.Barrier(count, timeout=_START_S)
            self._pool = ProcessPoolExecutor(count, context, _join, (self._barrier,))

    def __enter__(self) -> tuple[Executor, Barrier | None]:
        return self._pool, self._barrier if isinstance(self._pool, ThreadPoolExecutor) else None

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()


_process: dict[str, Any] = {}


def _join(barrier: Barrier) -> None:
    _process["barrier"] = barrier


def _begin(barrier: Barrier | None, work: Callable[..., Result], arguments: tuple[object, ...]) -> Result:
    return work(barrier or _process["barrier"], *arguments)
