"""Supervisor of a server: it keeps it serving, with the smallest repair that helps, and logs two lines for each.

    stub that died or hangs -> its model's processes are made anew, the rest goes on serving
    anything else           -> the server is killed and started again on the same ports

It never gives up: a cause may pass (a network volume, a full disk), and nobody may be there to start the server.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from endface import contract
from endface.backend import warmup
from endface.backend.busy_marker import busy_since
from endface.errors import EndfaceError
from endface.health.canary import Canary
from endface.health.events import Event, Fault
from endface.health.follower import Follower
from endface.health.hangs import HangDetector
from endface.health.liveness import Inspections, Liveness
from endface.health.reload import reload
from endface.health.restarts import Restarts
from endface.server.process import EmbeddedServer
from endface.telemetry.serve_status import ServeStatus

_POLL_S: Final = 0.1
_LOOK_EVERY_S: Final = 0.25
_SERVES_WITHIN_S: Final = 10.0
"""After a repair a canary must come back in this time: requests that wait for a dead stub take 1 s each."""

_RETIRE_S: Final = 10.0
"""How long replaced stubs may finish what waits for them.  Triton never ends the healthy ones beside one that died."""

_AGAIN_S: Final = 10.0
"""A model whose stubs die sooner than this after they were made anew needs more than that."""

_PASSING: Final = (EndfaceError, OSError, RuntimeError)
"""What may pass by itself: a full disk, no more processes, threads (RuntimeError) or file descriptors."""


class Supervisor:
    """The supervisor of one server.

    Args:
        server: a server that is ready.
        say: takes a line for each event; it may be called from other threads.
        ready_within_s: how long a restart may take.
        serves_within_s: how long a repaired server may take to inspect a picture.
        retire_s: how long replaced stubs may finish their work.
        restarts: gives the pauses between restarts.
        log_lines_dropped: gives how many lines of the log were dropped, for the metrics.

    Raises:
        ConfigurationError: the picture that it asks with is missing.
    """

    def __init__(  # noqa: PLR0913 - the last four have defaults for all but tests
        self,
        server: EmbeddedServer,
        say: Callable[[str], None],
        ready_within_s: float = 60,
        *,
        serves_within_s: float = _SERVES_WITHIN_S,
        retire_s: float = _RETIRE_S,
        restarts: Restarts | None = None,
        log_lines_dropped: Callable[[], int] = lambda: 0,
    ) -> None:
        self._server = server
        self._say = say
        self._ready_within_s = ready_within_s
        self._serves_within_s = serves_within_s
        self._retire_s = retire_s
        self._log_lines_dropped = log_lines_dropped
        self._follower = Follower(server, say)
        self._restarts = restarts or Restarts()
        self._reloads = 0
        self._reloaded_s: dict[str, float] = {}
        self._retired: dict[int, float] = {}
        self._written: tuple[Path, ServeStatus] | None = None
        self._has_folder = True
        picture = warmup.read_picture(server.settings.repository / contract.PREPROCESS.name)
        self._canary = Canary(server.addresses.local_http, server.settings.http_port, picture)

    def watch(self) -> NoReturn:
        """Keep the server serving, for ever."""
        with contextlib.closing(self._canary):
            while True:
                try:
                    self._repair(self._next_fault())
                except _PASSING as exc:
                    self._say(f"the server cannot be checked, which is tried again: {exc}")
                    time.sleep(_LOOK_EVERY_S)

    def _next_fault(self) -> Fault:
        server, looked_s = self._server, time.monotonic()
        liveness = Liveness(server.control.successes, self._canary, server.processes)
        hangs = HangDetector(functools.partial(busy_since, server.running.workspace.busy_markers), server.processes)
        well_s = looked_s
        while True:
            fault = self._fault_of_processes(well_s)
            well_s = time.monotonic()
            if fault is None and well_s - looked_s >= _LOOK_EVERY_S:
                fault, looked_s = hangs.look() or liveness.look(), well_s
                self._restore_workspace()
                self._write_status()
            if fault is not None:
                return fault
            self._follower.follow()
            self._kill_retired(well_s)
            time.sleep(_POLL_S)

    def _fault_of_processes(self, well_s: float) -> Fault | None:
        """The fault that /proc shows; ``well_s`` is when there was none."""
        if self._server.has_ended():
            return Fault("ended", str(self._server.failure()), well_s)
        if self._server.processes.is_stopped():
            return Fault("stopped", "a signal stopped the server", well_s)
        missing = self._server.processes.missing()
        if not missing:
            return None
        what = ", ".join(f"{count} of {model}" for model, count in missing.items())
        only = next(iter(missing)) if len(missing) == 1 else ""
        return Fault("stub", f"processes are gone or stopped: {what}", well_s, only)

    def _restore_workspace(self) -> None:
        """Make the server's folder anew where it was removed; a failure is reported once, and tried again."""
        try:
            if self._server.restore_workspace():
                self._written = None
                self._say(f"somebody removed {self._server.running.workspace.path}; it is made anew")
            self._has_folder = True
        except _PASSING as exc:
            if self._has_folder:
                self._say(f"somebody removed the server's folder, and it cannot be made anew: {exc}")
            self._has_folder = False

    def _write_status(self) -> None:
        """Write the numbers that a stage puts on Triton's metrics port."""
        status = ServeStatus(self._reloads, self._restarts.total, self._log_lines_dropped())
        workspace = self._server.running.workspace.path
        if self._written != (workspace, status):
            with contextlib.suppress(OSError):  # a full disk: the next look tries again
                status.write(workspace)
                self._written = workspace, status

    def _kill_retired(self, now_s: float) -> None:
        due = [pid for pid, end_s in self._retired.items() if end_s <= now_s]
        if due:
            self._server.processes.kill_stubs(due)
            self._retired = {pid: end_s for pid, end_s in self._retired.items() if end_s > now_s}

    def _repair(self, fault: Fault) -> None:
        noticed_s = time.monotonic()
        self._canary.close()
        action = "reload" if self._may_reload(fault.model, noticed_s) else "restart"
        self._say(Event.noticed(fault, action, noticed_s).line())
        if action == "restart" or not self._reload(fault):
            action = "restart"
            self._restart()
        self._say(Event.serving(fault, action, noticed_s, time.monotonic()).line())

    def _may_reload(self, model: str, now_s: float) -> bool:
        return bool(model) and now_s - self._reloaded_s.get(model, -_AGAIN_S) >= _AGAIN_S

    def _reload(self, fault: Fault) -> bool:
        """Make a model's processes anew; whether the server serves then."""
        processes, model = self._server.processes, fault.model
        self._reloads += 1
        self._restore_workspace()  # without it Triton finds no Python backend
        try:
            processes.kill_stubs(fault.hanging)  # whoever waits for them learns it, and asks again
            processes.kill_stopped(model)
            replaced = [pid for pid, found in processes.stubs().items() if found == model]
            reload(self._server.control, processes, model)
        except _PASSING as exc:
            self._say(f"{model} was not reloaded: {exc}")
            return False
        self._reloaded_s[model] = time.monotonic()
        self._retired |= dict.fromkeys(replaced, self._reloaded_s[model] + self._retire_s)
        return self._serves()

    def _restart(self) -> None:
        """Start the server anew until it serves, with growing pauses."""
        while True:
            self._await_repository()
            pause_s = self._restarts.next_pause_s()
            if pause_s:
                self._say(f"the server is started again in {pause_s:g} s")
            try:
                self._server.kill()
                self._retired.clear()
                time.sleep(pause_s)
                self._server.start()
                self._server.wait_ready(self._ready_within_s)
                if self._serves():
                    self._restarts.serves()
                    return
                self._say("the server started again, but inspects nothing")
            except _PASSING as exc:
                self._say(f"the server did not start again: {exc}")

    def _await_repository(self) -> None:
        """Wait while the repository is gone, such as a network volume: what still works meanwhile serves on."""
        is_said = False
        while True:
            try:
                return self._server.settings.check_repository()
            except _PASSING as exc:
                if not is_said:
                    self._say(f"the server is started again when its repository is back: {exc}")
                is_said = True
            time.sleep(_LOOK_EVERY_S)

    def _serves(self) -> bool:
        """Whether the server inspects anything within ``serves_within_s``."""
        ends_s = time.monotonic() + self._serves_within_s
        inspections = Inspections(self._server.control.successes, self._canary)
        while time.monotonic() < ends_s and not self._server.has_ended():
            self._canary.ask()
            time.sleep(_POLL_S)
            if inspections.seen():
                return True
        self._canary.close()
        return False
