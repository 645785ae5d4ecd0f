"""Inferences over gRPC that are never canceled.

A canceled call can end Triton 2.51 for all its clients (segmentation fault in its gRPC front end).  gRPC cancels a
call whose deadline passes, that is collected as garbage, or whose channel is closed.  So a call here runs until the
server has answered, even where its caller has stopped waiting and the answer is dropped.  Triton's own ``timeout`` says
how long the picture may wait in the queue: the server drops one whose turn comes later, without any work.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any, Final, TypeAlias

import grpc
from tritonclient.grpc import service_pb2

from endface_client._errors import Overloaded, ServerUnavailable, call_error
from endface_client._transport.channel import Target
from endface_client._transport.wire import Call, Metadata

MOST_ABANDONED: Final = 64
"""Calls of one channel that may run on without a caller: each holds its picture until the server has taken it."""

_SPARE_S: Final = 300.0
"""How much later than the caller's gRPC's own deadline is: a server repairs a model that hangs long before."""

_EXIT_S: Final = 3.0
"""How long the interpreter's exit waits for calls: a server that works answers what it has begun within a second."""

_LOOK_UP_EVERY_S: Final = 2.0

_INFER: Final = "/inference.GRPCInferenceService/ModelInfer"

PendingAnswer: TypeAlias = "Future[service_pb2.ModelInferResponse]"


class Connection:
    """Inferences on one or several servers; threads may share it.

    Args:
        target: the servers.
        clock: seconds that only grow.

    Raises:
        ServerUnavailable: one of several servers has no address.
    """

    def __init__(self, target: Target, clock: Callable[[], float] = time.monotonic) -> None:
        self._target = target
        self._clock = clock
        self._url = target.url()
        self._channel = self._open()
        self._looked_up_s = clock()
        self._lock = threading.Lock()

    def infer(self, call: Call, timeout_s: float) -> PendingAnswer:
        """Start an inference.

        Args:
            call: the picture.
            timeout_s: how long the caller waits; the call itself runs on.

        Returns:
            The answer to come.  It raises ClientError.  Cancel it to drop it, which does not cancel the call.

        Raises:
            Overloaded: too many earlier calls are still without an answer.
            ServerUnavailable: the connection is closed.
        """
        self._look_up_if_due()
        request = call.request(timeout_s)
        with self._lock:
            return self._channel.infer(request, call.metadata, timeout_s)

    def close(self) -> None:
        """End all waiting with ServerUnavailable, and the connection after the last call."""
        with self._lock:
            channel = self._channel
        channel.close()

    def _open(self) -> _Channel:
        channel = _Channel(self._target.open(self._url), self._target.servers)
        weakref.finalize(self, channel.close).atexit = False  # at exit `_under_way` is waited for
        return channel

    def _look_up_if_due(self) -> None:
        """Look up the names of several servers again, in a thread because that may take seconds."""
        with self._lock:
            if not self._target.is_several or self._clock() - self._looked_up_s < _LOOK_UP_EVERY_S:
                return
            self._looked_up_s = self._clock()
        threading.Thread(target=self._look_up, name="endface-names", daemon=True).start()

    def _look_up(self) -> None:
        with contextlib.suppress(ServerUnavailable):  # no name service now: the known addresses stay
            url = self._target.url()
            with self._lock:
                if url == self._url or self._channel.is_closed:
                    return
                self._url, former = url, self._channel
                self._channel = self._open()
            former.retire()


class _Channel:
    """A gRPC channel that closes after the last of its calls.

    Args:
        channel: gRPC's own.
        servers: as the user named them, for errors.
    """

    def __init__(self, channel: grpc.Channel, servers: str) -> None:
        self._channel = channel
        self._servers = servers
        self._infer = channel.unary_unary(
            _INFER, service_pb2.ModelInferRequest.SerializeToString, service_pb2.ModelInferResponse.FromString
        )
        self._lock = threading.RLock()  # the garbage collector may close it in a thread that holds the lock
        self._answers: dict[grpc.Future, PendingAnswer] = {}
        self._retired = False
        self._has_ended = False
        self._process = os.getpid()
        self.is_closed = False

    def infer(self, request: service_pb2.ModelInferRequest, metadata: Metadata, timeout_s: float) -> PendingAnswer:
        answer: PendingAnswer = Future()
        with self._lock:
            if self.is_closed:
                raise ServerUnavailable("the client is closed")
            abandoned = sum(each.cancelled() for each in self._answers.values())
            if abandoned >= MOST_ABANDONED:
                raise Overloaded(f"{self._servers} has not answered {abandoned} earlier pictures; wait until it has")
            rpc = self._infer.future(request, timeout=timeout_s + _SPARE_S, metadata=metadata)
            self._answers[rpc] = answer
        _under_way.add(rpc)
        rpc.add_done_callback(self._end)
        return answer

    def _end(self, rpc: Any) -> None:
        _under_way.remove(rpc)
        with self._lock:
            answer = self._answers.pop(rpc)
        self._close_if_done()
        with contextlib.suppress(InvalidStateError):  # its caller has stopped waiting
            if rpc.code() is grpc.StatusCode.OK:
                answer.set_result(rpc.result())
            else:
                answer.set_exception(call_error(rpc, self._servers))

    def retire(self) -> None:
        """Close once all calls have their answers."""
        self._retired = True
        self._close_if_done()

    def close(self) -> None:
        """End all waiting, and close after the last call."""
        if os.getpid() != self._process:  # a fork has none of gRPC's threads, and would wait for them
            return
        with self._lock:
            self.is_closed = True
            answers = list(self._answers.values())
        for answer in answers:
            with contextlib.suppress(InvalidStateError):
                answer.set_exception(ServerUnavailable("the client was closed before the report came"))
        self.retire()

    def _close_if_done(self) -> None:
        with self._lock:
            done = self._retired and not self._answers and not self._has_ended
            if done:
                self.is_closed = self._has_ended = True
        if done:
            self._channel.close()  # once: under gevent gRPC counts channels, and would count one twice


class _UnderWay:
    """All calls of this process that have not ended."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all calls: a fork has neither them nor the thread that may hold the lock."""
        self._changed = threading.Condition()
        self._calls: set[grpc.Future] = set()

    def add(self, call: grpc.Future) -> None:
        with self._changed:
            self._calls.add(call)

    def remove(self, call: grpc.Future) -> None:
        with self._changed:
            self._calls.discard(call)
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until all have ended, for three seconds at most: the end of the process would cancel them."""
        with self._changed:
            self._changed.wait_for(lambda: not self._calls, _EXIT_S)


_under_way = _UnderWay()
atexit.register(_under_way.wait)
os.register_at_fork(after_in_child=_under_way.reset)
