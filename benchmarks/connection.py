"""Clients with a connection each: channels with equal arguments would share one, and a line's stations do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from endface_client import AsyncClient, Client

_OWN: Final = ("grpc.use_local_subchannel_pool", 1)
"""gRPC's option (grpc_types.h) that keeps a channel's connections out of the pool that all channels share."""


class StationClient(Client):
    """A client that shares its connection with no other one."""

    def _open(self) -> None:
        self._channel = _unshared(self._channel)
        super()._open()


class AsyncStationClient(AsyncClient):
    """As ``StationClient``, for an event loop."""

    def _open(self) -> None:
        self._channel = _unshared(self._channel)
        super()._open()


def _unshared(channel: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**channel, "channel_args": [*channel["channel_args"], _OWN]}
