"""``Client``, for programs that wait for each report."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from itertools import islice
from typing import Any, Literal, Self, overload

from endface.connector import ConnectorReport, Question, inspect_fibers
from endface.report import Report
from endface_client._base_client import BaseClient, check_concurrency, connector_jobs
from endface_client._errors import ClientError
from endface_client._transport.attempts import WHEN_BUSY, Repeat
from endface_client._transport.steps import Check, Sleep, Step, run
from endface_client._transport.wire import Job, Picture, Reply, pack


class Client(BaseClient):
    """Inspects pictures on one or several endface servers; threads may share a client.

    The arguments are those of ``BaseClient``.  Close a client, or use it in a ``with`` block:

        with Client("line-3:8001", profile="mm-pc") as client:
            report = client.inspect("face.png", serial="A123")
            print(report.verdict, *report.reasons)

    A call that ends early - by its deadline, by Ctrl-C, by ``close`` - is not canceled on the server: it runs on
    in the background, and its report is dropped.  A process that ends waits for such calls, three seconds at most.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls that are under way raise ServerUnavailable."""
        self._close()

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
        zones: str | None = None,
        screen: bool | None = None,
        any_core: bool | None = None,
        fiber: int | None = None,
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
        job = Job(picture, serial, meta or {}, profile, cladding_um, um_per_px, name, zones, screen, any_core, fiber)
        return self.ask(job).report

    def ask(self, picture: Picture | Job) -> Reply:
        """Inspect one picture as ``inspect`` does; the reply says how often it was sent as well."""
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

        For example::

            for report in client.inspect_many(Path("pictures").glob("*.png"), concurrency=4):
                print(report.image.name, report.verdict)

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

    def inspect_connector(
        self,
        pictures: Picture | Job | Sequence[Picture | Job],
        *,
        serial: str = "",
        fiber_count: int | None = None,
        concurrency: int = 8,
    ) -> ConnectorReport:
        """Inspect every fiber of a connector, and give one verdict: the worst.

        For example::

            connector = client.inspect_connector("mpo.png", serial="A123", fiber_count=12)
            print(connector.verdict, [fiber.verdict for fiber in connector.fibers])

        Args:
            pictures: one picture of all fibers, or a list with one of each; jobs where they have a profile or a scale
                of their own.
            serial: the connector's serial number, echoed in every report.
            fiber_count: how many fibers the connector has: it is invalid where another number is found.  Without it
                nobody notices a fiber that is not found.
            concurrency: how many requests are under way at once.

        Raises:
            ClientError: as ``inspect``, for any of the fibers.
            ValueError: there is no picture, or ``concurrency`` is below 1.
        """
        jobs = connector_jobs(pictures, serial)

        def ask(questions: Sequence[Question]) -> list[Report]:
            asked = [replace(jobs[each.picture], fiber=each.fiber) for each in questions]
            return list(self.inspect_many(asked, concurrency=concurrency))

        return inspect_fibers(len(jobs), ask, fiber_count)

    def health(self) -> None:
        """Pass a small drawn picture through the whole ensemble, and return if its report comes back.

        It is sent once, because health is about now; to a full queue, which is a sign of life, it is sent again.

        Raises:
            ClientError: no inspection is possible now; as ``inspect``.
        """
        self._run(self._health_job(), repeat=WHEN_BUSY)

    def _run(self, job: Job, *, repeat: Repeat) -> Reply:
        self._check_usable()
        return run(self._attempts.inspect(pack(job), self.deadline_s, repeat=repeat), self._perform)

    def _perform(self, step: Step) -> Any:
        if isinstance(step, Sleep):
            return self._closing.wait(step.seconds)
        if isinstance(step, Check):
            return step.function()
        answer = self._connection.infer(step.call, step.timeout_s)
        try:
            return answer.result(step.timeout_s)
        finally:
            answer.cancel()  # if the caller has stopped waiting; the call itself runs on

    def _stream(
        self, pictures: Iterable[Picture | Job], concurrency: int, return_errors: bool
    ) -> Iterator[Report | ClientError]:
        ahead = 2 * concurrency  # a second window keeps the threads busy while the oldest picture is slow
        pictures = iter(pictures)
        waiting: deque[Future[Reply]] = deque()
        pool = ThreadPoolExecutor(concurrency, "endface-client")

        def submit(job: Picture | Job) -> Future[Reply]:
            return pool.submit(copy_context().run, self.ask, job)  # with the caller's span, if there is one

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
