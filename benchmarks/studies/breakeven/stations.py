"""The stations of a run: processes that stay, so that no measurement pays for their start, and work side by side."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from benchmarks.common.limit import Work
from benchmarks.common.pictures import Picture
from benchmarks.studies.breakeven.arrangements import Arrangement
from benchmarks.studies.breakeven.station import Seen, Station, Window


class Stations:
    """Processes of one station each.

    Args:
        pools: one for each.
    """

    def __init__(self, pools: Sequence[ProcessPoolExecutor]) -> None:
        self._pools = pools

    def present(self, arrangement: Arrangement, count: int, window: Window) -> Callable[[], list[Seen]]:
        """Have the first so many stations present pictures; does not wait.

        Returns:
            What waits for them and gives what each saw.
        """
        return _gathered([pool.submit(_present, arrangement, window) for pool in self._pools[:count]])

    def hop(self, steps: int, size: int, window: Window) -> Callable[[], list[Seen]]:
        """Have the first station hand so many bytes through steps that do nothing; as ``present``."""
        return _gathered([self._pools[0].submit(_hop, steps, size, window)])


@contextlib.contextmanager
def stations(server: str, pictures: Mapping[str, Sequence[Picture]], work: Work, count: int) -> Iterator[Stations]:
    """So many stations, ready to work.

    Args:
        server: ``host:port`` of gRPC.
        pictures: by encoding.
        work: network and profile.
        count: how many.
    """
    # Spawned, not forked: a fork would inherit the locks of gRPC's and ONNX Runtime's threads.
    context = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:
        pools = []
        for number in range(count):
            pool = ProcessPoolExecutor(1, context, _open, (server, pictures, work, number))
            pools.append(stack.enter_context(pool))
            stack.callback(_end, pool)
        opened = [pool.submit(_is_open) for pool in pools]
        for each in opened:
            each.result()
        yield Stations(pools)


_here: list[Station] = []
"""The station of this process."""


def _open(server: str, pictures: Mapping[str, Sequence[Picture]], work: Work, number: int) -> None:
    _here.append(Station(server, pictures, work, number))


def _is_open() -> bool:
    return bool(_here)


def _end(pool: ProcessPoolExecutor) -> None:
    """Have a station give back its shared memory."""
    with contextlib.suppress(BrokenProcessPool):  # it never opened, or died; whoever waited for it was told
        pool.submit(_close).result()


def _close() -> None:
    _here.pop().close()


def _present(arrangement: Arrangement, window: Window) -> Seen:
    return _here[0].present(arrangement, window)


def _hop(steps: int, size: int, window: Window) -> Seen:
    return _here[0].hop(steps, size, window)


def _gathered(futures: Sequence[Future[Seen]]) -> Callable[[], list[Seen]]:
    return lambda: [future.result() for future in futures]
