"""The client for programs that do something else meanwhile: the sync one's methods, awaited."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import islice
from typing import Any, Literal, Self, overload

from grpc.aio import UsageError
from tritonclient.grpc import aio as triton
from tritonclient.utils import InferenceServerException

from endface.report import Report
from endface_client._base_client import BaseClient, check_concurrency
from endface_client._errors import ClientError, closed_meanwhile
from endface_client._transport.attempts import WHEN_BUSY, Repeat
from endface_client._transport.steps import Conversation, Pause, Question, Result
from endface_client._transport.wire import Job, Picture, Reply


class AsyncClient(BaseClient):
    """Inspects pictures on one or several endface servers; belongs to the event loop of its first call.

    The arguments are those of ``BaseClient``.  Close a client, or use it in an ``async with`` block:

        async with AsyncClient("line-3:8001", profile="mm-pc") as client:
            report = await client.inspect("face.png", serial="A123")
    """

    def _open(self) -> None:
        self._triton: triton.InferenceServerClient | None = None  # needs a running loop: made at the first call

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls that are under way are cancelled."""
        self._closed = True
        if self._triton is not None:
            await self._hold(self._attempts.close())
            await self._triton.close()

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
    ) -> Report:
        """Inspect one picture, as ``Client.inspect`` does; cancelling the task cancels the call."""
        return (await self.ask(Job(picture, serial, meta or {}, profile, cladding_um, um_per_px, name))).report

    async def ask(self, picture: Picture | Job) -> Reply:
        """As ``inspect``, with how often the picture was sent beside its report."""
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
        """Inspect any number of pictures, several at a time, as ``Client.inspect_many`` does."""
        check_concurrency(concurrency)
        return self._stream(pictures, concurrency, return_errors)

    async def health(self) -> None:
        """Pass a small drawn picture through the whole ensemble, as ``Client.health`` does."""
        await self._run(self._health_job(), repeat=WHEN_BUSY)

    async def _run(self, job: Job, *, repeat: Repeat) -> Reply:
        self._check_open()
        call = await asyncio.to_thread(self._prepared, job)
        return await self._hold(self._attempts.inspect(call, self.deadline_s, repeat=repeat))

    async def _hold(self, conversation: Conversation[Result]) -> Result:
        """Ask what it asks until it has its result."""
        with contextlib.closing(conversation):
            try:
                step = next(conversation)
                while True:
                    try:
                        answer = await self._take(step)
                    except InferenceServerException as exc:
                        step = conversation.throw(exc)
                    else:
                        step = conversation.send(answer)
            except StopIteration as end:
                result: Result = end.value
                return result

    async def _take(self, step: Question | Pause) -> Any:
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds)
        if self._triton is None:
            self._triton = triton.InferenceServerClient(**self._channel)
        try:
            return await getattr(self._triton, step.method)(**step.arguments)
        except UsageError as exc:
            raise closed_meanwhile() from exc

    async def _stream(
        self, pictures: Iterable[Picture | Job], concurrency: int, return_errors: bool
    ) -> AsyncIterator[Report | ClientError]:
        ahead = 2 * concurrency  # a second window keeps the server busy while the oldest picture is slow
        turns = asyncio.Semaphore(concurrency)
        pictures = iter(pictures)
        waiting: deque[asyncio.Task[Report]] = deque()

        async def in_turn(job: Picture | Job) -> Report:
            async with turns:
                return (await self.ask(job)).report

        try:
            while True:
                waiting.extend(asyncio.create_task(in_turn(job)) for job in islice(pictures, ahead - len(waiting)))
                if not waiting:
                    return
                try:
                    yield await waiting[0]
                except ClientError as exc:
                    if not return_errors:
                        raise
                    yield exc
                waiting.popleft()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
