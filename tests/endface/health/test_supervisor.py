from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from endface import contract
from endface.health.events import Event
from endface.health.restarts import Restarts
from endface.health.supervisor import Supervisor
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface.telemetry.serve_status import ServeStatus

Install = Callable[..., None]


class EnoughError(Exception):
    """Ends the watching."""


class EvenRestarts(Restarts):
    """Restarts with the same pause before each, by default none."""

    def __init__(self, pause_s: float = 0.0) -> None:
        super().__init__()
        self._pause_s = pause_s

    def next_pause_s(self) -> float:
        """The pause; the restart is counted."""
        super().next_pause_s()
        return self._pause_s


class Watch:
    """Watches a server; after each repair the next of some steps is taken, and after the last it ends."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self.lines: list[str] = []
        self.steps: list[Callable[[], object]] = []
        self.upon: dict[str, Callable[[], object]] = {}
        self.looks = 0
        self.most_looks = sys.maxsize

    @property
    def events(self) -> list[Event]:
        """The repairs so far."""
        return list(filter(None, map(Event.parse, self.lines)))

    @property
    def happened(self) -> list[tuple[str, str, str, str]]:
        """The events without their times."""
        return [(event.event, event.kind, event.model, event.action) for event in self.events]

    def said(self, what: str) -> list[str]:
        """Lines with some words in them, of Triton, too."""
        return [line for line in self.lines if what in line]

    def run(
        self, *steps: Callable[[], object], serves_within_s: float = 60, retire_s: float = 10, pause_s: float = 0
    ) -> None:
        """Take the first step, and watch until all are taken."""
        self.steps = list(steps)
        self._server.listen(self.say)
        self._next()
        supervisor = Supervisor(
            self._server,
            self.say,
            serves_within_s=serves_within_s,
            retire_s=retire_s,
            restarts=EvenRestarts(pause_s),
            log_lines_dropped=self._look,
        )
        with pytest.raises(EnoughError):
            supervisor.watch()

    def say(self, line: str) -> None:
        """Take a line, of Triton, too; where it has words of ``upon``, do what belongs to them."""
        self.lines.append(line)
        for words, step in self.upon.items():
            if words in line:
                step()
        event = Event.parse(line)
        if event is not None and event.event == "serving":
            self._next()

    def _next(self) -> None:
        if not self.steps:
            raise EnoughError
        self.steps.pop(0)()

    def _look(self) -> int:
        self.looks += 1
        if self.looks > self.most_looks:
            raise EnoughError
        return 7


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


@pytest.fixture
def leader(server: EmbeddedServer) -> int:
    """Process id of the server itself."""
    return server.running.process.pid


def kill_stub(server: EmbeddedServer, number: int = signal.SIGKILL) -> Callable[[], None]:
    """A step that sends a signal to the only stub."""

    def kill() -> None:
        for pid in server.processes.stubs():
            os.kill(pid, number)

    return kill


def post(server: EmbeddedServer, path: str) -> None:
    """Tell the fake server something."""
    connection = http.client.HTTPConnection(server.addresses.local_http, server.settings.http_port)
    connection.request("POST", path)
    connection.getresponse().read()
    connection.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_dead_stub_is_replaced_alone(server: EmbeddedServer, watch: Watch, leader: int, number: signal.Signals) -> None:
    """Its model is reloaded; the server goes on, and the old stub is gone."""
    old = set(server.processes.stubs())

    watch.run(kill_stub(server, number))

    assert watch.happened == [("noticed", "stub", "segment", "reload"), ("serving", "stub", "segment", "reload")]
    assert leader in server.processes.members()
    assert set(server.processes.stubs()).isdisjoint(old)
    assert watch.said("asked models/segment/load")


def test_stub_that_hangs_is_replaced_alone(server: EmbeddedServer, watch: Watch) -> None:
    """It works on a picture and wants nothing: it is killed, its model reloaded, and the server goes on."""
    (hanging,) = server.processes.stubs()
    marker = server.running.workspace.busy_markers / str(hanging)

    watch.run(lambda: marker.write_bytes(time.monotonic_ns().to_bytes(8, sys.byteorder)))

    assert watch.happened == [("noticed", "hung", "segment", "reload"), ("serving", "hung", "segment", "reload")]
    assert hanging not in server.processes.members()


def test_replaced_stubs_are_ended(server: EmbeddedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Triton keeps a healthy stub whose neighbor died for ever; it gets some time to finish, and is killed."""
    post(server, "/be/keeping")
    (neighbor,) = server.processes.stubs()
    kill_stubs = server.processes.kill_stubs

    def kill(pids: list[int]) -> None:
        kill_stubs(pids)
        if neighbor in pids:
            raise EnoughError

    monkeypatch.setattr(server.processes, "missing", lambda: {} if watch.events else {"segment": 1})
    monkeypatch.setattr(server.processes, "kill_stubs", kill)
    watch.run(lambda: None, lambda: None, retire_s=0.1)

    while neighbor in server.processes.stubs():
        pass
    assert len(server.processes.stubs()) == 1


def test_stub_that_dies_again_restarts_the_server(server: EmbeddedServer, watch: Watch) -> None:
    """A model that was reloaded a moment ago needs more; the metrics find both repairs in the new server's folder."""

    def end_after_a_look() -> None:
        watch.most_looks = watch.looks + 1

    watch.run(kill_stub(server), kill_stub(server), end_after_a_look)

    assert [event.action for event in watch.events] == ["reload", "reload", "restart", "restart"]
    assert ServeStatus.read(server.running.workspace.path) == ServeStatus(reloads=1, restarts=1, log_lines_dropped=7)


def test_reload_that_fails_restarts_the_server(server: EmbeddedServer, watch: Watch) -> None:
    """The cheap way failed, so the sure one is taken, and the line says so."""
    post(server, "/be/stubborn")

    watch.run(kill_stub(server))

    assert [(event.event, event.action) for event in watch.events] == [("noticed", "reload"), ("serving", "restart")]
    assert watch.said("segment was not reloaded: Triton cannot load 'segment': ")


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (lambda server: os.kill(server.running.process.pid, signal.SIGKILL), "ended"),
        (lambda server: os.kill(server.running.process.pid, signal.SIGSTOP), "stopped"),
        (lambda server: post(server, "/be/hung"), "hung"),  # it says "ready", but no inspection ends
    ],
    ids=["killed", "stopped", "hung"],
)
def test_server_that_serves_no_more_is_started_again(
    server: EmbeddedServer, watch: Watch, harm: Callable[[EmbeddedServer], None], kind: str
) -> None:
    """On the same ports, at once, and nothing of the former stays."""
    former = server.processes

    watch.run(lambda: harm(server))

    assert watch.happened == [("noticed", kind, "-", "restart"), ("serving", kind, "-", "restart")]
    assert former.members() == set()
    assert server.is_ready()


def test_failing_server_is_repaired(server: EmbeddedServer, watch: Watch) -> None:
    """Canaries fail; when the reload of the model that they name does not help the server is restarted."""
    watch.run(lambda: post(server, "/be/failing"), serves_within_s=0.5)

    assert [(event.kind, event.model) for event in watch.events] == [("failing", "segment")] * 2
    assert [event.action for event in watch.events] == ["reload", "restart"]


def test_full_queue_is_left_alone(server: EmbeddedServer, watch: Watch) -> None:
    """A server that refuses every canary while others are served is well."""
    post(server, "/be/full")
    watch.most_looks = 12

    watch.run(lambda: None)

    assert watch.events == []


def test_server_that_does_not_stay_alive_is_started_again_and_again(
    watch: Watch, leader: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the cause has passed; each failure is said with the reason out of the server's own log."""
    monkeypatch.setenv("ENDFACE_FAKE", "sys.exit('error: the network is broken')")

    def mend_after_the_seventh() -> None:
        if len(watch.said("did not start again")) == 7:
            monkeypatch.setenv("ENDFACE_FAKE", "")

    watch.upon["did not start again"] = mend_after_the_seventh
    watch.run(lambda: os.kill(leader, signal.SIGKILL))

    failures = watch.said("did not start again")
    assert ["the network is broken" in failure for failure in failures] == [True] * 7
    assert watch.happened[-1] == ("serving", "ended", "-", "restart")


def test_nothing_is_killed_while_the_repository_is_gone(server: EmbeddedServer, watch: Watch, leader: int) -> None:
    """A model that lost a process cannot be loaded then; the others go on, and the repair follows at once."""
    repository = server.settings.repository
    away = repository.with_name("away")

    def lose_both() -> None:
        repository.rename(away)
        kill_stub(server)()

    def come_back() -> None:
        assert server.running.process.pid == leader
        assert not server.has_ended()
        away.rename(repository)

    watch.upon["is started again when its repository is back"] = come_back
    watch.run(kill_stub(server), lose_both)

    assert len(watch.said("when its repository is back")) == 1
    assert watch.happened[-1] == ("serving", "stub", "segment", "restart")


def test_pause_before_a_restart_is_said(watch: Watch, leader: int) -> None:
    """An operator who looks at the log knows when something will happen."""
    watch.run(lambda: os.kill(leader, signal.SIGKILL), pause_s=0.25)

    assert watch.said("the server is started again in 0.25 s")


@pytest.mark.parametrize("failure", [RuntimeError("can't start new thread"), OSError(28, "No space left on device")])
def test_supervisor_outlives_what_its_machine_lacks(settings: Settings, install: Install, failure: Exception) -> None:
    """Threads, disks and descriptors may be there again at the next attempt."""
    failures: list[Exception] = []

    class Poor(EmbeddedServer):
        def start(self) -> None:
            if failures:
                raise failures.pop()
            super().start()

    install()
    with Poor(settings) as server:
        server.wait_ready()
        watch = Watch(server)
        failures += [failure, failure]
        watch.run(lambda: os.kill(server.running.process.pid, signal.SIGKILL))

    assert len(watch.said(f"the server did not start again: {failure}")) == 2
    assert watch.happened[-1] == ("serving", "ended", "-", "restart")


def test_removed_folder_is_made_anew(server: EmbeddedServer, watch: Watch) -> None:
    """Whoever removes the server's private folder costs neither the server nor its next repair."""
    workspace = server.running.workspace
    watch.most_looks = 3
    watch.run(lambda: shutil.rmtree(workspace.path))

    assert watch.events == []
    assert watch.said(f"somebody removed {workspace.path}; it is made anew")
    assert workspace.busy_markers.is_dir()


def test_new_version_is_loaded_once(server: EmbeddedServer, watch: Watch) -> None:
    """A version of the network that comes into the repository while the server runs is loaded with the server's key."""
    key = next(re.findall(r"model-repository.*?=(\w+)", line) for line in server.log if line.startswith("flags"))[0]
    watch.upon["asked models/segment/load"] = kill_stub(server)

    watch.run((server.settings.repository / contract.SEGMENT.name / "2").mkdir)

    loads = watch.said("asked models/segment/load")
    assert loads == [f"asked models/segment/load {key}"] * 2  # the second is the repair


def test_refused_version_is_named(server: EmbeddedServer, watch: Watch) -> None:
    """The one before goes on serving."""
    post(server, "/be/stubborn")

    def be_well_and_end() -> None:
        post(server, "/be/well")
        kill_stub(server)()

    watch.upon["not served"] = be_well_and_end
    watch.run((server.settings.repository / contract.SEGMENT.name / "2").mkdir)

    assert watch.said("version 2 of the network is not served: Triton cannot load 'segment'")


def test_repository_that_cannot_be_read_is_said_once(
    server: EmbeddedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that fails for a while keeps no server from serving."""

    def change() -> None:
        raise OSError("stale file handle")

    monkeypatch.setattr(server.offered, "change", change)
    watch.most_looks = 3
    watch.run(lambda: None)

    assert len(watch.said("the repository cannot be read")) == 1
