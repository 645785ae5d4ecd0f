"""Which cores somebody may use."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator


def available() -> tuple[int, ...]:
    """The cores that this thread may use."""
    return tuple(sorted(os.sched_getaffinity(0)))


@contextlib.contextmanager
def confined(cores: Collection[int]) -> Iterator[None]:
    """Confine this thread, and the threads and processes that it starts meanwhile, which stay confined.

    Args:
        cores: numbers of cores that this thread may use.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def steps(count: int) -> tuple[int, ...]:
    """1, 2, 4, ... up to all of them."""
    return (*(2**power for power in range(count.bit_length()) if 2**power < count), count)
