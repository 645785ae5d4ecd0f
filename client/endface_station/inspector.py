"""What has the pictures of a queue inspected, in their order, and hands on what came of each."""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, Protocol, TypeAlias

from endface.errors import EndfaceError
from endface.report import Report
from endface_client import ClientError, Job
from endface_client.outcome import Word
from endface_station.arrival import Arrival
from endface_station.picture_queue import PictureQueue
from endface_station.server_state import ServerState, concerns_the_picture, may_concern_the_picture

File: TypeAlias = Callable[[Arrival, bytes, Report | ClientError], None]
"""Writes an outcome where it stays; raises where it cannot."""

_AT_ONCE: Final = 4
"""Pictures under way on the servers while a queue is caught up."""

PAUSES_S: Final = (0.5, 5.0)
"""The first and the longest pause after a failure."""

_ASKS_EVERY_S: Final = 10.0
"""How often a station without pictures asks a server that works whether it still does."""

_TRIES: Final = 3
"""How often a picture is sent that the server fails on while it inspects others."""


class Inspects(Protocol):
    """What inspects pictures: a ``Client``."""

    def inspect_many(
        self, pictures: Iterable[Job], *, concurrency: int, return_errors: Literal[True]
    ) -> Iterator[Report | ClientError]:
        """Reports and errors in the order of the pictures."""

    def health(self) -> None:
        """Return if the servers inspect."""


class Inspector:
    """Inspects what waits in a queue; a picture leaves it once its outcome is filed.

    Attributes:
        state: the servers as they answered last.

    Args:
        client: what inspects.
        queue: where pictures wait.
        file: gets each outcome.
        word_of: gives what came of a picture that was filed, but could not leave the queue, or whose station was killed
            before it had; None for one that was not filed.
        on_change: is called after every change of the queue and of the servers' state.
        pauses_s: the first and the longest pause after a failure.
    """

    def __init__(  # noqa: PLR0913 - its neighbors, and by keyword what they are told
        self,
        client: Inspects,
        queue: PictureQueue,
        *,
        file: File,
        word_of: Callable[[Arrival], Word | None],
        on_change: Callable[[], None],
        pauses_s: tuple[float, float] = PAUSES_S,
    ) -> None:
        self._client = client
        self._queue = queue
        self._file = file
        self._word_of = word_of
        self._on_change = on_change
        self._pauses_s = pauses_s
        self._failures: Counter[str] = Counter()
        self._wake = threading.Condition()
        self._ends = False
        self.state = ServerState()

    def wait_for(self, arrival: Arrival, seconds: float) -> None:
        """Wait until a picture has its report, as long as there is hope for one soon."""
        with self._wake:
            self._wake.wait_for(
                lambda: self._ends or self.state.condition == "down" or not self._waits(arrival), seconds
            )

    def run(self) -> None:
        """Inspect what waits, and what comes, until ``stop``."""
        first_s, longest_s = self._pauses_s
        pause_s = first_s
        while not self._ends:
            batch = self._queue.oldest(_AT_ONCE)
            if not batch and self.state.condition == "ready" and self._wait(_ASKS_EVERY_S, until_picture=True):
                continue
            try:
                if batch:
                    self._inspect(batch)
                elif not self._ends:
                    self._client.health()
                    self._is_now(self.state.now("ready"))
                pause_s = first_s
            except Exception as exc:
                if not isinstance(exc, EndfaceError):
                    traceback.print_exc()  # a defect; the picture stays in the queue, and the page says so
                self._is_now(self.state.after(exc))
                self._wait(pause_s)
                pause_s = min(2 * pause_s, longest_s)

    def stop(self) -> None:
        """Let ``run`` end; what waits then is inspected after the next start."""
        with self._wake:
            self._ends = True
            self._wake.notify_all()

    def tell(self) -> None:
        """Wake whoever waits, and say that a page shows something new."""
        with self._wake:
            self._wake.notify_all()
        self._on_change()

    def _waits(self, arrival: Arrival) -> bool:
        return any(each.id == arrival.id for each in self._queue.of_part(arrival.part))

    def _wait(self, seconds: float, *, until_picture: bool = False) -> bool:
        """Wait; say whether a picture has come."""
        with self._wake:
            self._wake.wait_for(lambda: self._ends or (until_picture and len(self._queue) > 0), seconds)
            return len(self._queue) > 0

    def _inspect(self, batch: list[Arrival]) -> None:
        """Inspect the oldest pictures, until one has to wait.

        Raises:
            EndfaceError: why the first one that is left has to wait.
        """
        held = [(arrival, self._queue.data(arrival)) for arrival in batch if not self._leaves(arrival)]
        jobs = [Job(data, serial=each.serial, name=each.name, meta=each.meta) for each, data in held]
        results = list(self._client.inspect_many(jobs, concurrency=_AT_ONCE, return_errors=True))
        for (arrival, data), result in zip(held, results, strict=True):
            if isinstance(result, ClientError) and not self._is_final(arrival, result):
                raise result  # what came for later pictures is asked for again: the record is in order
            self._file(arrival, data, result)
            self._queue.remove(arrival, refused=not isinstance(result, Report))
            self._failures.pop(arrival.id, None)
            self.tell()
            if isinstance(result, Report):
                self._is_now(self.state.now("ready"))

    def _leaves(self, arrival: Arrival) -> bool:
        """Whether a picture has its entry, and only could not leave the queue; then it leaves now."""
        word = self._word_of(arrival)
        if word:
            self._queue.remove(arrival, refused=word == "error")
        return word is not None

    def _is_final(self, arrival: Arrival, error: ClientError) -> bool:
        """Whether a picture will not be inspected however often it is sent."""
        if concerns_the_picture(error):
            return True
        if not may_concern_the_picture(error):
            return False
        self._failures[arrival.id] += 1
        if self._failures[arrival.id] < _TRIES:
            return False
        self._client.health()  # where the server inspects nothing at all, it is not the picture's fault
        return True

    def _is_now(self, state: ServerState) -> None:
        self.state, before = state, self.state
        if state != before:
            self.tell()
