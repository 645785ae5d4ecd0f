"""A server between client and server that lets some calls fail: a gRPC proxy behind a relay that can cut connections.

with FakeServer() as server, FaultyServer(server.address) as faulty:
    faulty.plan.extend([FULL, RESET])
    Client(faulty.address).inspect("face.png")
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, Self

import grpc
import numpy as np
from tritonclient.grpc import service_pb2
from tritonclient.utils import serialize_byte_tensor

Forward = Callable[[bytes], Awaitable[bytes]]
Fault = Callable[["FaultyServer", bytes, Forward, Any], Awaitable[bytes]]
_UNLIMITED: Final = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_INFER: Final = "/inference.GRPCInferenceService/ModelInfer"


def _aborted(status: grpc.StatusCode, message: str) -> Fault:
    async def fault(_faulty: FaultyServer, _request: bytes, _forward: Forward, context: Any) -> bytes:
        await context.abort(status, message)
        raise AssertionError("abort raises")

    return fault


async def passed(_faulty: FaultyServer, request: bytes, forward: Forward, _context: Any) -> bytes:
    """Nothing goes wrong."""
    return await forward(request)


async def dropped(_faulty: FaultyServer, _request: bytes, _forward: Forward, _context: Any) -> bytes:
    """No answer ever comes."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def late(_faulty: FaultyServer, request: bytes, forward: Forward, _context: Any) -> bytes:
    """The answer comes after those of later pictures."""
    await asyncio.sleep(0.1)
    return await forward(request)


async def twice(_faulty: FaultyServer, request: bytes, forward: Forward, _context: Any) -> bytes:
    """The server inspects the picture two times."""
    await forward(request)
    return await forward(request)


async def lost(_faulty: FaultyServer, request: bytes, forward: Forward, context: Any) -> bytes:
    """The server inspects the picture, and its answer is lost."""
    await forward(request)
    await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
    raise AssertionError("abort raises")


async def reset(faulty: FaultyServer, _request: bytes, _forward: Forward, _context: Any) -> bytes:
    """The connection is cut, and with it every call that is under way."""
    faulty.cut()
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def crossed(_faulty: FaultyServer, request: bytes, forward: Forward, _context: Any) -> bytes:
    """The answer is the report of another picture."""
    message = service_pb2.ModelInferRequest.FromString(request)
    message.raw_input_contents[0] = serialize_byte_tensor(np.array([[b"another"]], dtype=np.object_)).item()
    return await forward(message.SerializeToString())


UNAVAILABLE: Final = _aborted(grpc.StatusCode.UNAVAILABLE, "GOAWAY received")
FULL: Final = _aborted(grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
STUB: Final = _aborted(grpc.StatusCode.INTERNAL, "in ensemble 'endface', Stub process 'segment_0_0' is not healthy.")
STOPPING: Final = _aborted(grpc.StatusCode.NOT_FOUND, "Request for unknown model: 'endface' has no available versions")
BUG: Final = _aborted(grpc.StatusCode.INTERNAL, "in ensemble 'endface', internal: its log says why")

HARMLESS: Final[dict[str, Fault]] = {"passed": passed, "late": late, "twice": twice}
TRANSIENT: Final[dict[str, Fault]] = {
    "unavailable": UNAVAILABLE, "full": FULL, "stub": STUB, "stopping": STOPPING, "lost": lost, "reset": reset,
}  # fmt: skip
LASTING: Final[dict[str, Fault]] = {"bug": BUG, "crossed": crossed}
FAULTS: Final[dict[str, Fault]] = HARMLESS | TRANSIENT | LASTING | {"dropped": dropped}


class FaultyServer:
    """Passes calls on to a server, one fault of ``plan`` for each inspection, until the plan is empty.

    Args:
        server: where they go.

    Attributes:
        address: "host:port" for a client.
        plan: faults still to come.
        seen: how many inspections arrived, by the picture's name.
        connections: how many clients have connected.
    """

    def __init__(self, server: str) -> None:
        self.plan: deque[Fault] = deque()
        self.seen: Counter[str] = Counter()
        self.connections = 0
        self.address = ""
        self._server = server
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Reset all connections of clients; to be called in the loop."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        async with grpc.aio.insecure_channel(self._server, options=_UNLIMITED) as channel:
            proxy = grpc.aio.server(options=_UNLIMITED)
            proxy.add_generic_rpc_handlers((_Handler(self, channel),))
            port = proxy.add_insecure_port("127.0.0.1:0")
            await proxy.start()
            relay = await asyncio.start_server(lambda *streams: self._relay(port, *streams), "127.0.0.1", 0)
            self.address = "{}:{}".format(*relay.sockets[0].getsockname())
            self._started.set()
            await self._stopping.wait()
            relay.close()
            self.cut()
            await proxy.stop(None)
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

    async def _relay(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        upstream, downstream = await asyncio.open_connection("127.0.0.1", port)
        self._writers |= {writer, downstream}
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_pump(reader, downstream), _pump(upstream, writer))
        self._writers -= {writer, downstream}
        writer.transport.abort()
        downstream.transport.abort()

    async def infer(self, request: bytes, forward: Forward, context: Any) -> bytes:
        """One inspection, with the fault whose turn it is."""
        self.seen[service_pb2.ModelInferRequest.FromString(request).parameters["name"].string_param] += 1
        fault = self.plan.popleft() if self.plan else passed
        return await fault(self, request, forward, context)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc ships no types
    def __init__(self, faulty: FaultyServer, channel: Any) -> None:
        self._faulty = faulty
        self._channel = channel

    def service(self, details: Any) -> Any:
        forward = self._channel.unary_unary(details.method)

        async def call(request: bytes, context: Any) -> bytes:
            if details.method == _INFER:
                traces = [pair for pair in context.invocation_metadata() if pair[0] == "traceparent"]
                return await self._faulty.infer(request, partial(forward, metadata=traces), context)
            answer: bytes = await forward(request)
            return answer

        return grpc.unary_unary_rpc_method_handler(call)
