"""Pictures for a server on this machine: they lie in memory that it maps as well, only a name travels through gRPC.

A region holds one picture at a time, see ``_region``.  Its name leaves /dev/shm as soon as the server has mapped it:
whatever becomes of this process, no file stays behind.  The server maps it until it is unregistered, which happens on
``close``, and for clients that are gone before the next region is registered by any other.

Where this does not work - another host, a container with its own /dev/shm, another user, a server that restricts
the protocol or was started anew - the picture travels through gRPC, and so do the next ones for a minute.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any, Final

from tritonclient.utils import InferenceServerException

from endface_client._region import FreeList, Region, is_left_over, tensor_bytes, unlink_left_overs
from endface_client._transport.steps import Conversation, Question
from endface_client._transport.wire import Call

SMALLEST_PICTURE_BYTES: Final = 128 * 1024
"""Smaller pictures travel through gRPC: to copy them costs about what a region costs the server."""

_REST_S: Final = 60.0
"""How long pictures travel through gRPC after the server refused a region, or did not know one."""

_CARE_S: Final = 1.0
"""How long a call about regions may take: it waits for no picture."""

_UNIX: Final = ("unix:", "unix-abstract:")


class SharedMemory:
    """Has pictures inspected through shared memory where that works, and through gRPC where not.

    Args:
        server: as gRPC takes it; empty where it is not one server, for a region is known to one only.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._near: bool | None = None
        self._regions = FreeList()
        self._rests_until_s = 0.0

    def look(self, call: Call) -> None:
        """Find out whether the server is on this machine, once; may ask the name service and wait for it."""
        if self._near is None and len(call.data) >= SMALLEST_PICTURE_BYTES:
            self._near = is_near(self._server)

    def infer(self, call: Call, ends_s: float) -> Conversation[Any]:
        """One inference, through a region if the picture is large enough.

        Args:
            call: the picture.
            ends_s: when its time is over, as ``time.monotonic`` counts.

        Returns:
            tritonclient's result.

        Raises:
            InferenceServerException: as tritonclient's ``infer``.
        """
        region = (yield from self._region(call)) if self._is_of_use(call) else None
        if region is None:
            return (yield _infer(call, None, ends_s))
        try:
            region.write(call.data)
            result = yield _infer(call, region, ends_s)
        except BaseException as exc:
            self._regions.drop(region)  # the server may read it still
            if isinstance(exc, InferenceServerException) and region.name in str(exc.message()):
                self._rest()  # it was started anew, and knows no region of its life before
                return (yield _infer(call, None, ends_s))
            raise
        self._regions.put(region)
        return result

    def close(self) -> Conversation[None]:
        """Let the server forget all regions of this client."""
        if self._regions.clear():
            with contextlib.suppress(InferenceServerException):  # then it is gone, and with it what it mapped
                yield from _unregister_left_overs()

    def _is_of_use(self, call: Call) -> bool:
        big = len(call.data) >= SMALLEST_PICTURE_BYTES
        return big and bool(self._near) and time.monotonic() >= self._rests_until_s

    def _region(self, call: Call) -> Conversation[Region | None]:
        """A region that the server has mapped; None where there is none to be had."""
        try:
            region = self._regions.take(tensor_bytes(call.data))
        except OSError:
            region = None
            self._rest()
        if region is None or region.registered:
            return region
        try:
            yield from _unregister_left_overs()
            yield _question(
                "register_system_shared_memory", name=region.name, key=f"/{region.name}", byte_size=region.size
            )
            region.registered = True
            return region
        except InferenceServerException:
            self._rest()
            return None
        finally:
            region.unlink()
            if not region.registered:
                self._regions.drop(region)

    def _rest(self) -> None:
        self._regions.clear()
        self._rests_until_s = time.monotonic() + _REST_S


def _infer(call: Call, region: Region | None, ends_s: float) -> Question:
    timeout_s = max(ends_s - time.monotonic(), 0.0)
    return Question("infer", call.arguments(region.name if region else None) | {"client_timeout": timeout_s})


def _question(method: str, **arguments: Any) -> Question:
    return Question(method, arguments | {"client_timeout": _CARE_S})


def _unregister_left_overs() -> Conversation[None]:
    """Have the server forget the regions that no client of this machine will use again."""
    unlink_left_overs()
    status = yield _question("get_system_shared_memory_status")
    for name in filter(is_left_over, status.regions):
        with contextlib.suppress(InferenceServerException):  # it reads it still: the next one asks again
            yield _question("unregister_system_shared_memory", name=name)


def is_near(server: str) -> bool:
    """Whether all addresses of a server are addresses of this machine."""
    if server.startswith(_UNIX):
        return True
    host = server.rpartition(":")[0].strip("[]")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM) if host else []
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(_is_own(family, address) for family, _, _, _, address in found)


def _is_own(family: int, address: Any) -> bool:
    """Only an address of this machine can be listened on."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True
