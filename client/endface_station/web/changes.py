"""Changes for the pages that are open, as server-sent events: the regions that are new, in their last state."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from sse_starlette import ServerSentEvent
from starlette.concurrency import run_in_threadpool

BEAT_S: Final = 5.0
"""A page that hears nothing for twice as long says that the station does not answer."""


class Changes:
    """Pages wait here; any thread may tell that there is something new.

    A page that is slow misses states in between, never the last one: nothing is kept for it.

    Args:
        regions: gives the HTML of each region as it is now.
        beat_s: seconds after which a page hears that nothing is new.
    """

    def __init__(self, regions: Callable[[], Mapping[str, str]], beat_s: float = BEAT_S) -> None:
        self._regions = regions
        self._beat_s = beat_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()
        self._ends = False

    def open(self) -> None:
        """Take part in the running event loop."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Let every page go."""
        self._ends = True
        self._wake()

    def tell(self) -> None:
        """Say, from any thread, that something has changed."""
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    async def events(self) -> AsyncIterator[ServerSentEvent]:
        """What one page gets until it leaves."""
        sent: dict[str, str] = {}
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            while not self._ends:
                regions = await run_in_threadpool(self._regions)
                new = {region: html for region, html in regions.items() if sent.get(region) != html}
                sent |= new
                yield ServerSentEvent(json.dumps(new), event="regions", retry=1000)
                try:
                    await asyncio.wait_for(news.wait(), self._beat_s)
                except TimeoutError:
                    continue
                news.clear()
        finally:
            self._waiting.discard(news)

    def _wake(self) -> None:
        for news in self._waiting:
            news.set()
