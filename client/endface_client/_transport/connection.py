"""Inferences over gRPC that are never canceled.

A canceled call can end Triton 2.51 for all its clients (segmentation fault in its gRPC front end).  gRPC cancels a
call whose deadline passes, whose thread Ctrl-C interrupts, or whose channel is closed.  So a call here runs in a thread
of its own until the server has answered, even where its caller has stopped waiting and the answer is dropped.
Triton's own ``timeout`` says how long the picture may wait in the queue: the server drops one whose turn comes later,
without any work.
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
from functools import partial
from typing import Final, TypeAlias

import grpc
from tritonclient.grpc import service_pb2

from endface_client._errors import Overloaded, ServerUnavailable, call_error
from endface_client._transport.call_threads import CallThreads
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

_threads = CallThreads()
atexit.register(_threads.wait, _EXIT_S)
os.register_at_fork(after_in_child=_threads.reset)


class Connection:
    """Inferences on one or several servers; threads may share it.

    Args:
        target: the servers.
        clock: seconds that only grow.
        threads: run the calls; those of all connections by default.

    Raises:
        ServerUnavailable: one of several servers has no address.
    """

    def __init__(
        self, target: Target, clock: Callable[[], float] = time.monotonic, threads: CallThreads = _threads
    ) -> None:
        self._target = target
        self._clock = clock
        self._threads = threads
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
        channel = _Channel(self._target.open(self._url), self._target.servers, self._threads)
        weakref.finalize(self, channel.close).atexit = False  # at exit the calls are waited for
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
        threads: run the calls.
    """

    def __init__(self, channel: grpc.Channel, servers: str, threads: CallThreads) -> None:
        self._channel = channel
        self._servers = servers
        self._threads = threads
        self._infer = channel.unary_unary(
            _INFER, service_pb2.ModelInferRequest.SerializeToString, service_pb2.ModelInferResponse.FromString
        )
        self._lock = threading.RLock()  # the garbage collector may close it in a thread that holds the lock
        self._answers: set[PendingAnswer] = set()
        self._retired = False
        self._has_ended = False
        self._process = os.getpid()
        self.is_closed = False

    def infer(self, request: service_pb2.ModelInferRequest, metadata: Metadata, timeout_s: float) -> PendingAnswer:
        answer: PendingAnswer = Future()
        with self._lock:
            if self.is_closed:
                raise ServerUnavailable("the client is closed")
            abandoned = sum(each.cancelled() for each in self._answers)
            if abandoned >= MOST_ABANDONED:
                raise Overloaded(f"{self._servers} has not answered {abandoned} earlier pictures; wait until it has")
            self._answers.add(answer)
        try:
            self._threads.run(partial(self._call, request, metadata, timeout_s, answer))
        except BaseException as exc:
            with self._lock:
                self._answers.discard(answer)
            if isinstance(exc, RuntimeError):
                raise Overloaded(
                    f"this program can start no thread for another picture: {exc}; wait until earlier ones are answered"
                ) from exc
            raise
        return answer

    def _call(
        self, request: service_pb2.ModelInferRequest, metadata: Metadata, timeout_s: float, answer: PendingAnswer
    ) -> None:
        try:
            response = self._infer(request, timeout=timeout_s + _SPARE_S, metadata=metadata)
        except grpc.RpcError as exc:  # its traceback would keep the picture
            end = partial(answer.set_exception, call_error(exc.with_traceback(None), self._servers))
        except Exception as exc:  # raised where the answer is awaited
            end = partial(answer.set_exception, exc)
        else:
            end = partial(answer.set_result, response)
        with self._lock:
            self._answers.discard(answer)
        with contextlib.suppress(InvalidStateError):  # its caller has stopped waiting
            end()
        self._close_if_done()

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
            answers = list(self._answers)
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
