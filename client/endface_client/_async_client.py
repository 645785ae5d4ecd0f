"""``AsyncClient``, for programs that do something else meanwhile: ``Client``'s methods, awaited."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final, Literal, Self, overload

from endface.connector import ConnectorReport, Question, first, further, judge_connector
from endface.report import Report
from endface_client._base_client import BaseClient, check_concurrency, connector_jobs
from endface_client._errors import ClientError
from endface_client._transport.attempts import WHEN_BUSY, Repeat
from endface_client._transport.steps import Check, Sleep, Step, run_async
from endface_client._transport.wire import Job, Picture, Reply, pack

_QUICK_BYTES: Final = 2**20
"""The digest of so many bytes takes less time than a thread; a file to read or a picture to encode may take long."""


class AsyncClient(BaseClient):
    """Inspects pictures on one or several endface servers from any event loop.

    The arguments are those of ``BaseClient``.  Close a client, or use it in an ``async with`` block:

        async with AsyncClient("line-3:8001", profile="mm-pc") as client:
            report = await client.inspect("face.png", serial="A123")
            print(report.verdict, *report.reasons)

    A task may be canceled at any time.  Its call is not canceled on the server: it runs on in the background, and
    its report is dropped.  A process that ends waits for such calls, three seconds at most.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls that are under way raise ServerUnavailable."""
        self._close()

    async def inspect(  # noqa: PLR0913 - all but the picture are optional and by keyword
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
        """Inspect one picture, as ``Client.inspect`` does."""
        job = Job(picture, serial, meta or {}, profile, cladding_um, um_per_px, name, zones, screen, any_core, fiber)
        return (await self.ask(job)).report

    async def ask(self, picture: Picture | Job) -> Reply:
        """Inspect one picture as ``inspect`` does; the reply says how often it was sent as well."""
        return await self._run(self._job(picture), repeat=self._repeat)

    @overload
    def inspect_many(
        self, pictures: Iterable[Picture | Job], *, concurrency: int = 8, return_errors: Literal[False] = False
    ) -> AsyncIterator[Report]: ...
    @overload
    def inspect_many(
        self, pictures: Iterable[Picture | Job], *, concurrency: int = 8, return_errors: Literal[True]
    ) -> AsyncIterator[Report | ClientError]: ...
    def inspect_many(
        self, pictures: Iterable[Picture | Job], *, concurrency: int = 8, return_errors: bool = False
    ) -> AsyncIterator[Report | ClientError]:
        """Inspect any number of pictures, several at a time, as ``Client.inspect_many`` does.

        For example::

            async for report in client.inspect_many(paths, concurrency=4):
                print(report.image.name, report.verdict)
        """
        check_concurrency(concurrency)
        return self._stream(pictures, concurrency, return_errors)

    async def inspect_connector(
        self,
        pictures: Picture | Job | Sequence[Picture | Job],
        *,
        serial: str = "",
        fiber_count: int | None = None,
        concurrency: int = 8,
    ) -> ConnectorReport:
        """Inspect every fiber of a connector, as ``Client.inspect_connector`` does."""
        jobs = await asyncio.to_thread(connector_jobs, pictures, serial)

        async def ask(questions: Sequence[Question]) -> list[Report]:
            asked = [replace(jobs[each.picture], fiber=each.fiber) for each in questions]
            return [report async for report in self.inspect_many(asked, concurrency=concurrency)]

        reports = await ask(first(len(jobs)))
        questions = further(reports)
        return judge_connector(reports, questions, await ask(questions), fiber_count)

    async def health(self) -> None:
        """Pass a small drawn picture through the whole ensemble, as ``Client.health`` does."""
        await self._run(self._health_job(), repeat=WHEN_BUSY)

    async def _run(self, job: Job, *, repeat: Repeat) -> Reply:
        self._check_usable()
        is_quick = isinstance(job.picture, bytes) and len(job.picture) <= _QUICK_BYTES
        call = pack(job) if is_quick else await asyncio.to_thread(pack, job)
        return await run_async(self._attempts.inspect(call, self.deadline_s, repeat=repeat), self._perform)

    async def _perform(self, step: Step) -> Any:
        if isinstance(step, Sleep):
            return await asyncio.sleep(step.seconds)
        if isinstance(step, Check):
            return await asyncio.to_thread(step.function)
        answer = self._connection.infer(step.call, step.timeout_s)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(answer), step.timeout_s)
        finally:
            answer.cancel()  # if the caller has stopped waiting; the call itself runs on

    async def _stream(
        self, pictures: Iterable[Picture | Job], concurrency: int, return_errors: bool
    ) -> AsyncIterator[Report | ClientError]:
        ahead = 2 * concurrency  # a second window keeps the server busy while the oldest picture is slow
        turns = asyncio.Semaphore(concurrency)
        pictures = iter(pictures)
        waiting: deque[asyncio.Task[Report | Exception]] = deque()

        async def in_turn(job: Picture | Job) -> Report | Exception:
            try:
                async with turns:
                    return (await self.ask(job)).report
            except (
                Exception
            ) as exc:  # raised in its turn; where the caller has left, nobody takes it, nor is to be told
                return exc

        try:
            while True:
                waiting.extend(asyncio.create_task(in_turn(job)) for job in islice(pictures, ahead - len(waiting)))
                if not waiting:
                    return
                result = await waiting[0]
                waiting.popleft()
                if isinstance(result, Report) or (return_errors and isinstance(result, ClientError)):
                    yield result
                else:
                    raise result
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
