from __future__ import annotations

import http.client
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from endface import contract
from endface.errors import ServerStartError
from endface.health import supervisor
from endface.health.events import Event
from endface.health.supervisor import Supervisor
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings

Install = Callable[..., None]


class EnoughError(Exception):
    """Ends the watching."""


class Watch:
    """Watches a server; after each repair the next of some steps is taken, and after the last it ends."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self.lines: list[str] = []
        self.steps: list[Callable[[], None]] = []

    @property
    def events(self) -> list[Event]:
        """The repairs so far."""
        return list(filter(None, map(Event.parse, self.lines)))

    def said(self, what: str) -> list[str]:
        """Lines with some words in them, of Triton, too."""
        return [line for line in self.lines if what in line]

    def run(self) -> None:
        """Take the first step, and watch."""
        self._server.on_line = self.lines.append
        self._next()
        Supervisor(self._server, self._say, ready_within_s=60).watch()

    def _say(self, line: str) -> None:
        self.lines.append(line)
        event = Event.parse(line)
        if event is not None and event.event == "serving":
            self._next()

    def _next(self) -> None:
        if not self.steps:
            raise EnoughError
        self.steps.pop(0)()


@pytest.fixture
def server(settings: Settings, install: Install) -> Iterator[EmbeddedServer]:
    """A server that is ready."""
    install()
    with EmbeddedServer(settings) as running:
        running.wait_ready()
        yield running


@pytest.fixture
def watch(server: EmbeddedServer) -> Watch:
    """Something that watches it."""
    return Watch(server)


def kill_stub(server: EmbeddedServer, number: int = signal.SIGKILL) -> Callable[[], None]:
    """A step that sends a signal to the only stub."""
    return lambda: [os.kill(pid, number) for pid in server.session.stubs()] and None


def post(server: EmbeddedServer, path: str) -> None:
    """Tell the fake server something."""
    connection = http.client.HTTPConnection(server.settings.local_address, server.settings.http_port)
    connection.request("POST", path)
    connection.getresponse().read()
    connection.close()


def happened(watch: Watch) -> list[tuple[str, str, str, str]]:
    """The events without their times."""
    return [(event.event, event.kind, event.model, event.action) for event in watch.events]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_dead_stub_is_replaced_alone(server: EmbeddedServer, watch: Watch, number: signal.Signals) -> None:
    """Its model is reloaded; the server goes on, and the old stub is gone."""
    pid = next(iter(server.session.members() - set(server.session.stubs())))
    old = set(server.session.stubs())
    watch.steps = [kill_stub(server, number)]

    with pytest.raises(EnoughError):
        watch.run()

    assert happened(watch) == [("noticed", "stub", "segment", "reload"), ("serving", "stub", "segment", "reload")]
    assert pid in server.session.members()
    assert set(server.session.stubs()).isdisjoint(old)
    assert watch.said("asked models/segment/load")


def test_stub_that_hangs_is_replaced_alone(server: EmbeddedServer, watch: Watch) -> None:
    """It works on a picture and wants nothing: it is killed, its model reloaded, and the server goes on."""
    (hanging,) = server.session.stubs()
    now = time.monotonic_ns()
    watch.steps = [lambda: (server.executions / str(hanging)).write_bytes(now.to_bytes(8, sys.byteorder)) and None]

    with pytest.raises(EnoughError):
        watch.run()

    assert happened(watch) == [("noticed", "hung", "segment", "reload"), ("serving", "hung", "segment", "reload")]
    assert hanging not in server.session.members()


def test_replaced_stubs_are_ended(server: EmbeddedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Triton keeps a healthy stub whose neighbour died for ever; it gets some time to finish, and is killed."""
    monkeypatch.setattr(supervisor, "_RETIRE_S", 0.1)
    post(server, "/be/keeping")
    (neighbour,) = server.session.stubs()
    killed = threading.Event()
    kill_stubs = server.session.kill_stubs

    def kill(pids: list[int]) -> None:
        kill_stubs(pids)
        if neighbour in pids:
            killed.set()
            raise EnoughError

    monkeypatch.setattr(server.session, "missing", lambda: {} if killed.is_set() or watch.events else {"segment": 1})
    monkeypatch.setattr(server.session, "kill_stubs", kill)
    watch.steps = [lambda: None, lambda: None]
    with pytest.raises(EnoughError):
        watch.run()

    while neighbour in server.session.stubs():
        pass
    assert len(server.session.stubs()) == 1


def test_stub_that_dies_again_restarts_the_server(server: EmbeddedServer, watch: Watch) -> None:
    """What was made anew a moment ago needs more than that."""
    watch.steps = [kill_stub(server), kill_stub(server)]

    with pytest.raises(EnoughError):
        watch.run()

    assert [event.action for event in watch.events] == ["reload", "reload", "restart", "restart"]


def test_reload_that_fails_restarts_the_server(server: EmbeddedServer, watch: Watch) -> None:
    """The cheap way failed, so the sure one is taken, and the line says so."""
    post(server, "/be/stubborn")
    watch.steps = [kill_stub(server)]

    with pytest.raises(EnoughError):
        watch.run()

    assert [(event.event, event.action) for event in watch.events] == [("noticed", "reload"), ("serving", "restart")]
    assert watch.said("segment was not reloaded: Triton cannot load 'segment': ")


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGKILL, "ended"), (signal.SIGSTOP, "stopped")])
def test_dead_server_is_started_again(server: EmbeddedServer, watch: Watch, number: signal.Signals, kind: str) -> None:
    """On the same ports, at once, and nothing of the former stays."""
    former = server.session
    leader = next(iter(former.members() - set(former.stubs())))
    watch.steps = [lambda: os.kill(leader, number)]

    with pytest.raises(EnoughError):
        watch.run()

    assert happened(watch) == [("noticed", kind, "-", "restart"), ("serving", kind, "-", "restart")]
    assert former.members() == set()
    assert server.is_ready()


def test_hung_server_is_started_again(server: EmbeddedServer, watch: Watch) -> None:
    """Everything runs and says "ready", but no inspection ends, and nobody does anything."""
    watch.steps = [lambda: post(server, "/be/hung")]

    with pytest.raises(EnoughError):
        watch.run()

    assert happened(watch) == [("noticed", "hung", "-", "restart"), ("serving", "hung", "-", "restart")]


def test_failing_server_is_repaired(server: EmbeddedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Canaries fail; when the reload of the model that they name does not help the server is restarted."""
    watch.steps = [lambda: post(server, "/be/failing")]
    monkeypatch.setattr(supervisor, "_SERVES_WITHIN_S", 0.5)
    with pytest.raises(EnoughError):
        watch.run()

    assert [(event.kind, event.model) for event in watch.events] == [("failing", "segment")] * 2
    assert [event.action for event in watch.events] == ["reload", "restart"]


def test_full_queue_is_left_alone(server: EmbeddedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that refuses every canary while others are served is well."""
    post(server, "/be/full")
    looks = threading.Semaphore(0)
    look = supervisor.Pulse.look

    def counted(pulse: supervisor.Pulse) -> object:
        looks.release()
        if looks._value > 12:
            raise EnoughError
        return look(pulse)

    monkeypatch.setattr(supervisor.Pulse, "look", counted)
    watch.steps = [lambda: None]
    with pytest.raises(EnoughError):
        watch.run()

    assert watch.events == []


def test_server_that_does_not_stay_alive_is_given_up(
    server: EmbeddedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some tries, with the reason out of the server's own log."""
    monkeypatch.setattr("endface.health.restarts._FIRST_PAUSE_S", 0.01)
    monkeypatch.setenv("ENDFACE_FAKE", "sys.exit('error: the network is broken')")
    (leader,) = server.session.members() - set(server.session.stubs())
    watch.steps = [lambda: os.kill(leader, signal.SIGKILL)]

    with pytest.raises(ServerStartError, match=r"5 times and does not stay alive: .*the network is broken"):
        watch.run()

    assert len(watch.said("the server did not start again")) == 5


def test_new_version_is_loaded_once(server: EmbeddedServer, watch: Watch) -> None:
    """A version of the network that comes into the repository while the server runs is loaded with the server's key."""
    key = next(re.findall(r"model-repository.*?=(\w+)", line) for line in server.log if line.startswith("flags"))[0]
    versions = server.settings.repository / contract.SEGMENT.name

    def end_on_load(line: str) -> None:
        watch.lines.append(line)
        if line.startswith("asked models/segment/load"):
            kill_stub(server)()

    server.on_line = end_on_load
    (versions / "2").mkdir()
    with pytest.raises(EnoughError):
        Supervisor(server, watch._say).watch()

    loads = [line for line in watch.lines if line.startswith("asked models/segment/load")]
    assert loads == [f"asked models/segment/load {key}"] * 2  # the second is the repair


def test_refused_version_is_named(server: EmbeddedServer, watch: Watch) -> None:
    """The one before goes on serving."""
    post(server, "/be/stubborn")
    (server.settings.repository / contract.SEGMENT.name / "2").mkdir()

    def end(line: str) -> None:
        watch.lines.append(line)
        kill_stub(server)()
        post(server, "/be/well")
        watch.steps = []

    supervised = Supervisor(server, lambda line: end(line) if "not served" in line else watch._say(line))
    with pytest.raises(EnoughError):
        supervised.watch()

    assert watch.said("version 2 of the network is not served: Triton cannot load 'segment'")


def test_repository_that_cannot_be_read_is_said_once(
    server: EmbeddedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that fails for a while keeps no server from serving."""
    looks = iter(range(5))

    def change() -> None:
        if next(looks, None) is None:
            raise EnoughError
        raise OSError("stale file handle")

    monkeypatch.setattr(server.offered, "change", change)
    watch.steps = [lambda: None]
    with pytest.raises(EnoughError):
        watch.run()

    assert len(watch.said("the repository cannot be read")) == 1


def test_repository_without_versions_ends_nothing(server: EmbeddedServer, watch: Watch) -> None:
    """What is loaded goes on serving where somebody takes all versions away."""
    (server.settings.repository / contract.SEGMENT.name / "1").rmdir()
    watch.steps = [kill_stub(server)]

    with pytest.raises(EnoughError):
        watch.run()

    assert [event.action for event in watch.events] == ["reload", "reload"]
