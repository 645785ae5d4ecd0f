"""The client for programs that wait for each report."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from typing import Any, Literal, Self, overload

from tritonclient import grpc as triton

from endface.report import Report
from endface_client._base_client import BaseClient, check_concurrency
from endface_client._errors import ClientError, closed_meanwhile
from endface_client._transport.attempts import WHEN_BUSY, Repeat
from endface_client._transport.steps import Pause, Question, hold
from endface_client._transport.wire import Job, Picture, Reply


class Client(BaseClient):
    """Inspects pictures on one or several endface servers; threads may share a client.

    The arguments are those of ``BaseClient``.  Close a client, or use it in a ``with`` block:

        with Client("line-3:8001", profile="mm-pc") as client:
            report = client.inspect("face.png", serial="A123")
    """

    def _open(self) -> None:
        self._closing = threading.Event()
        self._triton = triton.InferenceServerClient(**self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls that are under way end with ServerUnavailable."""
        self._closed = True
        self._closing.set()
        hold(self._attempts.close(), self._take)
        self._triton.close()

    def inspect(  # noqa: PLR0913 - all but the picture are optional and by keyword
        self,
        picture: Picture,
        *,
        serial: str = "",
        meta: Mapping[str, str] | None = None,
        profile: str | None = None,
        cladding_um: float | None = None,
        um_per_px: float | None = None,
        name: str | None = None,
    ) -> Report:
        """Inspect one picture; the arguments are those of ``Job``.

        A picture that cannot be judged gives a report with the verdict ``invalid``, not an error.

        Raises:
            UnreadablePicture: there is no such picture here; nothing was sent.
            InvalidRequest: the server refused the request, such as an unknown profile.
            ServerUnavailable: no server answered in time; Overloaded if its queue was full.
            DeadlineExceeded: the report did not come in time.
            ServerError: the server failed.
            ProtocolError: the answer is not the report of this picture.
        """
        return self.ask(Job(picture, serial, meta or {}, profile, cladding_um, um_per_px, name)).report

    def ask(self, picture: Picture | Job) -> Reply:
        """As ``inspect``, with how often the picture was sent beside its report."""
        return self._run(self._job(picture), repeat=self._repeat)

    @overload
    def inspect_many(
        self, pictures: Iterable[Picture | Job], *, concurrency: int = 8, return_errors: Literal[False] = False
    ) -> Iterator[Report]: ...
    @overload
    def inspect_many(
        self, pictures: Iterable[Picture | Job], *, concurrency: int = 8, return_errors: Literal[True]
    ) -> Iterator[Report | ClientError]: ...
    def inspect_many(
        self, pictures: Iterable[Picture | Job], *, concurrency: int = 8, return_errors: bool = False
    ) -> Iterator[Report | ClientError]:
        """Inspect any number of pictures, several at a time, and give their reports in order.

        The pictures are taken from the iterable only as reports are taken from this one: at most twice ``concurrency``
        of them are held at a time.  An error is raised in its picture's turn and ends the iteration; with
        ``return_errors`` it is given in that place instead, and the others go on.

        Args:
            pictures: pictures, or jobs where each has its own serial number, profile or scale.
            concurrency: how many are under way at once.
            return_errors: give a picture's ClientError instead of raising it.

        Raises:
            ClientError: as ``inspect``, unless ``return_errors``.
            ValueError: ``concurrency`` below 1.
        """
        check_concurrency(concurrency)
        return self._stream(pictures, concurrency, return_errors)

    def health(self) -> None:
        """Pass a small drawn picture through the whole ensemble; returns if its report comes back, whatever it says.

        It is sent once, for health is about now, but again to a full queue, which is a sign of life.

        Raises:
            ClientError: no inspection is possible now; as ``inspect``.
        """
        self._run(self._health_job(), repeat=WHEN_BUSY)

    def _run(self, job: Job, *, repeat: Repeat) -> Reply:
        self._check_open()
        return hold(self._attempts.inspect(self._prepared(job), self.deadline_s, repeat=repeat), self._take)

    def _take(self, step: Question | Pause) -> Any:
        if isinstance(step, Pause):
            return self._closing.wait(step.seconds)
        try:
            return getattr(self._triton, step.method)(**step.arguments)
        except ValueError as exc:
            if not self._closed:
                raise
            raise closed_meanwhile() from exc

    def _stream(
        self, pictures: Iterable[Picture | Job], concurrency: int, return_errors: bool
    ) -> Iterator[Report | ClientError]:
        ahead = 2 * concurrency  # a second window keeps the threads busy while the oldest picture is slow
        pictures = iter(pictures)
        waiting: deque[Future[Reply]] = deque()
        pool = ThreadPoolExecutor(concurrency, "endface-client")

        def submit(job: Picture | Job) -> Future[Reply]:
            return pool.submit(copy_context().run, self.ask, job)  # with the caller's span, if he traces

        try:
            while True:
                waiting.extend(map(submit, islice(pictures, ahead - len(waiting))))
                if not waiting:
                    return
                oldest = waiting.popleft()
                try:
                    yield oldest.result().report
                except ClientError as exc:
                    if not return_errors:
                        raise
                    yield exc
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
