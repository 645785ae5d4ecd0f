"""Clients with a connection each: channels with equal arguments would share one, and a line's stations do not."""

from __future__ import annotations

from typing import Final, Protocol, Self

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.pictures import Picture
from endface.report import Report
from endface_client import AsyncClient, Client, ClientError

OWN: Final = ("grpc.use_local_subchannel_pool", 1)
"""gRPC's option (grpc_types.h) that keeps a channel's connections out of the pool that all channels share."""


class CallFailedError(BenchmarkError):
    """A server gave no report for a picture."""

    code = "call_failed"


class Station(Protocol):
    """A client that asks a server for a verdict, on a connection that is open inside its ``async with`` block."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    async def inspect(self, picture: Picture) -> Report:
        """Present a picture and wait for its report.

        Raises:
            CallFailedError: none came.
        """


class StationClient(Client):
    """A client that shares its connection with no other one."""

    _channel_options = (OWN,)


class AsyncStationClient(AsyncClient):
    """As ``StationClient``, for an event loop."""

    _channel_options = (OWN,)


class EndfaceStation:
    """A station of an endface server."""

    def __init__(self, server: str, profile: str) -> None:
        self._client = AsyncStationClient(server, profile=profile)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def inspect(self, picture: Picture) -> Report:
        """As ``Station.inspect``."""
        try:
            return await self._client.inspect(picture.data, name=picture.name)
        except ClientError as exc:
            raise CallFailedError(str(exc)) from exc
