"""Calls that nobody waits for any more: none is cancelled on the wire, for that can end a Triton."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import grpc
import pytest

from endface_client import AsyncClient, Client, DeadlineExceeded, Job, Overloaded, ServerUnavailable
from endface_client._transport.channel import Target
from endface_client._transport.connection import MOST_ABANDONED, Connection
from endface_client._transport.wire import pack
from endface_client.testing import PASS, FakeServer, Received
from tests.endface_client.name_service import NameService

LONG_S = 60.0
CALL = pack(Job(b"a picture", profile="mm-pc"))


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds a slow server's answers back until it is set; set at the end so that no thread stays behind."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def slow(gate: threading.Event) -> Iterator[FakeServer]:
    """A server that answers only when the gate opens."""

    def answer(_: Received) -> object:
        gate.wait(LONG_S)
        return PASS

    with FakeServer(answer) as server:  # type: ignore[arg-type]
        yield server
        gate.set()


def await_until(condition: Callable[[], object]) -> None:
    """Wait for a condition; for a minute at most."""
    ends_s = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < ends_s
        time.sleep(0.002)


def deadline_passes(server: FakeServer) -> None:
    """A caller stops waiting."""
    with Client(server.address, profile="mm-pc", deadline_s=0.2) as client, pytest.raises(DeadlineExceeded):
        client.inspect(b"a picture")


def deadline_passes_in_a_loop(server: FakeServer) -> None:
    """The same in an event loop, which ends at once."""

    async def inspect() -> None:
        async with AsyncClient(server.address, profile="mm-pc", deadline_s=0.2) as client:
            await client.inspect(b"a picture")

    with pytest.raises(DeadlineExceeded):
        asyncio.run(inspect())


def task_is_cancelled(server: FakeServer) -> None:
    """A program gives its task up, and its loop ends."""

    async def cancel() -> None:
        async with AsyncClient(server.address, profile="mm-pc", deadline_s=LONG_S) as client:
            task = asyncio.create_task(client.inspect(b"a picture"))
            while not server.requests:
                await asyncio.sleep(0.002)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel())


def client_is_closed(server: FakeServer) -> None:
    """Another thread closes the client meanwhile."""
    client = Client(server.address, profile="mm-pc", deadline_s=LONG_S)
    closing = threading.Thread(target=lambda: (await_until(lambda: server.requests), client.close()))
    closing.start()
    with pytest.raises(ServerUnavailable, match="closed"):
        client.inspect(b"a picture")
    closing.join()


def client_is_dropped(server: FakeServer) -> None:
    """Nobody refers to the client any more."""
    client = Client(server.address, profile="mm-pc", deadline_s=0.2)
    with contextlib.suppress(DeadlineExceeded):
        client.inspect(b"a picture")
    del client
    gc.collect()


def iteration_is_left(server: FakeServer) -> None:
    """A loop over reports ends before the last one."""
    with Client(server.address, profile="mm-pc", deadline_s=0.2) as client:
        for _ in client.inspect_many([b"1", b"2"], concurrency=2, return_errors=True):
            break


@pytest.mark.parametrize(
    "give_up",
    [
        deadline_passes, deadline_passes_in_a_loop, task_is_cancelled, client_is_closed, client_is_dropped,
        iteration_is_left,
    ],
)  # fmt: skip
def test_no_call_is_cancelled_on_the_wire(
    slow: FakeServer, gate: threading.Event, give_up: Callable[[FakeServer], None]
) -> None:
    """The caller is told in time; the call itself runs until the server has answered."""
    give_up(slow)
    assert slow.requests
    gate.set()
    await_until(lambda: slow.in_flight == 0)

    assert slow.cancelled == 0


PROGRAM = """
import atexit, sys
from endface_client import Client
atexit.register(print, "leaves", flush=True)
client = Client(sys.argv[1], profile="mm-pc", deadline_s=0.5)
if sys.argv[2] == "interrupted":
    client.deadline_s = 60
    with client:
        list(client.inspect_many([b"1", b"2", b"3"], concurrency=2))
try:
    client.inspect(b"a picture")
except Exception as exc:
    assert "in time" in str(exc)
"""


@pytest.mark.parametrize("ending", ["at its end", "interrupted"])
def test_a_program_that_ends_waits_for_its_calls(slow: FakeServer, gate: threading.Event, ending: str) -> None:
    """Neither the end of a program nor Ctrl-C in the middle of its pictures cancels one."""
    arguments = [sys.executable, "-c", PROGRAM, slow.address, ending]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        if ending == "interrupted":
            await_until(lambda: slow.in_flight == 2)
            program.send_signal(signal.SIGINT)
        assert program.stdout is not None
        assert program.stdout.readline() == "leaves\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(1.0)  # a program that does not wait for its calls ends, and the server sees them cancelled
        gate.set()
        program.communicate(timeout=LONG_S)
    await_until(lambda: slow.in_flight == 0)

    assert slow.cancelled == 0


def test_a_program_does_not_wait_for_ever(slow: FakeServer) -> None:
    """A server that never answers does not keep it."""
    program = subprocess.run([sys.executable, "-c", PROGRAM, slow.address, ""], timeout=LONG_S, check=False)

    assert program.returncode == 0


def test_a_fork_is_refused(fake_server: FakeServer) -> None:
    """A child has none of gRPC's threads and would wait for ever: it is told so, ends, and the parent goes on."""
    program = """
import os, sys
from endface_client import Client
client = Client(sys.argv[1], profile="mm-pc")
client.inspect(b"1")
if os.fork() == 0:
    try:
        client.inspect(b"2")
    except RuntimeError as exc:
        print(exc, flush=True)
    client.close()
    sys.exit()
os.wait()
print(client.inspect(b"3").verdict)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, fake_server.address], capture_output=True, text=True, timeout=LONG_S, check=True
    )

    assert ran.stdout == "this client was made in another process; make a new one after a fork\npass\n"


def test_calls_that_nobody_waits_for_are_bounded(slow: FakeServer, gate: threading.Event) -> None:
    """A client that only gives up does not fill its memory; once answers have come, it may ask again."""
    connection = Connection(Target(slow.address, None))
    for _ in range(MOST_ABANDONED):
        connection.infer(CALL, LONG_S).cancel()
    with pytest.raises(Overloaded, match=f"has not answered {MOST_ABANDONED} earlier pictures"):
        connection.infer(CALL, LONG_S)
    gate.set()
    await_until(lambda: slow.in_flight == 0 and len(slow.requests) == MOST_ABANDONED)

    def answered() -> bool:
        with contextlib.suppress(Overloaded):
            return bool(connection.infer(CALL, LONG_S).result(LONG_S))
        return False

    await_until(answered)
    connection.close()


class Counted(Target):
    """Servers whose channel counts how often it is closed."""

    closed = 0

    def open(self, url: str) -> grpc.Channel:
        """A channel that counts."""
        channel = super().open(url)
        close = channel.close

        def count() -> None:
            self.closed += 1
            close()

        channel.close = count
        return channel


def test_an_error_does_not_keep_its_picture() -> None:
    """A list of errors of many pictures holds words, not pictures."""
    with Client("127.0.0.1:1", profile="mm-pc", repeat=False) as client, pytest.raises(ServerUnavailable) as raised:
        client.inspect(b"a picture")

    assert raised.value.__cause__ is not None
    assert raised.value.__cause__.__traceback__ is None


@pytest.mark.parametrize("closes", [False, True], ids=["dropped", "closed"])
def test_a_channel_is_closed_once(fake_server: FakeServer, closes: bool) -> None:
    """Also where the connection is collected later: gevent's gRPC would count it twice, and Locust never exit."""
    target = Counted(fake_server.address, None)
    connection = Connection(target)
    connection.infer(CALL, LONG_S).result(LONG_S)
    if closes:
        connection.close()
        connection.close()
    del connection
    gc.collect()

    assert target.closed == 1


def test_the_server_is_told_how_long_the_caller_waits(connect: Callable[..., Client], fake_server: FakeServer) -> None:
    """In Triton's own parameter, in microseconds."""
    connect(fake_server.address, deadline_s=20).inspect(b"a picture")

    assert 0 < fake_server.requests[0].timeout_us <= 20_000_000
    assert "timeout" not in fake_server.requests[0].parameters


def test_several_names_are_looked_up_again() -> None:
    """Servers that come back with other addresses are found without a new client."""
    now_s = 0.0
    with NameService("line") as names, FakeServer() as old:
        port = old.address.rpartition(":")[2]
        with FakeServer(address=f"127.0.0.2:{port}") as new:
            names.addresses = ["127.0.0.1"]
            target = Target(f"a.line:{port},b.line:{port}", None, getaddrinfo=names.getaddrinfo)
            connection = Connection(target, lambda: now_s)
            connection.infer(CALL, LONG_S).result(LONG_S)
            assert len(old.requests) == 1
            names.addresses = ["127.0.0.2"]
            now_s += 10.0

            def reached() -> bool:
                connection.infer(CALL, LONG_S).result(LONG_S)
                return bool(new.requests)

            await_until(reached)
            connection.close()


def test_a_name_service_that_fails_costs_nothing(fake_server: FakeServer) -> None:
    """The addresses that are known stay."""
    now_s = 0.0
    with NameService("line") as names:
        port = fake_server.address.rpartition(":")[2]
        names.addresses = ["127.0.0.1"]
        connection = Connection(
            Target(f"a.line:{port},b.line:{port}", None, getaddrinfo=names.getaddrinfo), lambda: now_s
        )
        names.addresses = []
        asked = names.asked
        for _ in range(3):
            now_s += 10.0
            connection.infer(CALL, LONG_S).result(LONG_S)
        await_until(lambda: names.asked > asked)
        connection.close()

    assert len(fake_server.requests) == 3


@pytest.mark.parametrize("count", [1, 2])
def test_a_proxy_for_the_web_is_not_used(fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Nobody listens at the proxy; the picture is inspected all the same."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Client(",".join([fake_server.address] * count), profile="mm-pc") as client:
        assert client.inspect(b"a picture").verdict == "pass"


def test_a_proxy_for_grpc_is_used(fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names one wants it, although nobody listens there."""
    monkeypatch.setenv("grpc_proxy", "http://127.0.0.1:9")
    with Client(fake_server.address, profile="mm-pc", repeat=False) as client, pytest.raises(ServerUnavailable):
        client.inspect(b"a picture")

    assert fake_server.requests == []
