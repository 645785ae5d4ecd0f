"""Keeps a server serving: notices what is wrong, repairs it as cheaply as possible, and says so in two lines.

    stub that died or hangs -> its model's processes are made anew, the rest goes on serving
    anything else           -> the server is killed and started again on the same ports

A server that cannot be kept alive is given up, with the reason: whoever started us must see it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NoReturn

from endface import contract
from endface.backend import warmup
from endface.errors import EndfaceError, ServerStartError
from endface.health.canary import Canary, Outcome
from endface.health.events import Event
from endface.health.follower import Follower
from endface.health.hangs import Hangs
from endface.health.liveness import Fault, Pulse
from endface.health.reload import reload
from endface.health.restarts import Restarts
from endface.server.process import EmbeddedServer

_POLL_S: Final = 0.1
_LOOK_EVERY_S: Final = 0.25
_SERVES_WITHIN_S: Final = 10.0
"""After a repair a canary must come back in this time: requests that wait for a dead stub take 1 s each."""

_RETIRE_S: Final = 10.0
"""How long replaced stubs may finish what waits for them.  Triton never ends the healthy ones beside one that died."""

_AGAIN_S: Final = 10.0
"""A model whose stubs die sooner than this after they were made anew needs more than that."""


class Supervisor:
    """The doctor of one server.

    Args:
        server: a server that is ready.
        say: takes a line for each event; it may be called from other threads.
        ready_within_s: how long a restart may take.
    """

    def __init__(self, server: EmbeddedServer, say: Callable[[str], None], ready_within_s: float = 60) -> None:
        self._server = server
        self._say = say
        self._ready_within_s = ready_within_s
        self._follower = Follower(server, say)
        self._restarts = Restarts()
        self._reloaded_s: dict[str, float] = {}
        self._retired: dict[int, float] = {}
        picture = server.settings.repository / contract.PREPROCESS.name / warmup.PICTURE
        self._canary = Canary(server.settings.local_http_address, server.settings.http_port, picture.read_bytes())

    def watch(self) -> NoReturn:
        """Keep the server serving; return only by raising.

        Raises:
            ServerStartError: it does not stay alive, with what happened last.
        """
        while True:
            self._repair(self._next_fault())

    def _next_fault(self) -> Fault:
        server, looked_s = self._server, time.monotonic()
        pulse = Pulse(server.control, self._canary, server.session)
        hangs = Hangs(server.executions, server.session)
        well_s = looked_s
        while True:
            fault = self._fault_of_processes(well_s)
            well_s = time.monotonic()
            if fault is None and well_s - looked_s >= _LOOK_EVERY_S:
                fault, looked_s = hangs.look() or pulse.look(), well_s
            if fault is not None:
                return fault
            self._follower.follow()
            self._kill_retired(well_s)
            time.sleep(_POLL_S)

    def _fault_of_processes(self, well_s: float) -> Fault | None:
        """What /proc says; ``well_s`` is when it was all right."""
        if self._server.has_ended():
            return Fault("ended", str(self._server.failure()), well_s)
        if self._server.session.is_stopped():
            return Fault("stopped", "a signal stopped the server", well_s)
        missing = self._server.session.missing()
        if not missing:
            return None
        what = ", ".join(f"{count} of {model}" for model, count in missing.items())
        only = next(iter(missing)) if len(missing) == 1 else ""
        return Fault("stub", f"processes are gone or stopped: {what}", well_s, only)

    def _kill_retired(self, now_s: float) -> None:
        due = [pid for pid, end_s in self._retired.items() if end_s <= now_s]
        if due:
            self._server.session.kill_stubs(due)
            self._retired = {pid: end_s for pid, end_s in self._retired.items() if end_s > now_s}

    def _repair(self, fault: Fault) -> None:
        noticed_s = time.monotonic()
        self._canary.forget()
        action = "reload" if self._may_reload(fault.model, noticed_s) else "restart"
        self._say(Event.noticed(fault, action, noticed_s).line())
        if action == "restart" or not self._reload(fault):
            action = "restart"
            self._restart(fault)
        self._say(Event.serving(fault, action, noticed_s, time.monotonic()).line())

    def _may_reload(self, model: str, now_s: float) -> bool:
        return bool(model) and now_s - self._reloaded_s.get(model, -_AGAIN_S) >= _AGAIN_S

    def _reload(self, fault: Fault) -> bool:
        """Make a model's processes anew; whether the server serves then."""
        session, model = self._server.session, fault.model
        try:
            session.kill_stubs(fault.hanging)  # whoever waits for them learns it, and asks again
            session.kill_stopped(model)
            replaced = [pid for pid, found in session.stubs().items() if found == model]
            reload(self._server.control, session, model)
        except ServerStartError as exc:
            self._say(f"{model} was not reloaded: {exc}")
            return False
        self._reloaded_s[model] = time.monotonic()
        self._retired |= dict.fromkeys(replaced, self._reloaded_s[model] + _RETIRE_S)
        return self._serves()

    def _restart(self, fault: Fault) -> None:
        """Start the server anew until it serves.

        Raises:
            ServerStartError: that was tried too often.
        """
        reason = fault.what
        while True:
            pause_s = self._restarts.next_pause_s(reason)
            self._server.kill()
            self._retired.clear()
            time.sleep(pause_s)
            try:
                self._server.start()
                self._server.wait_ready(self._ready_within_s)
            except (EndfaceError, OSError) as exc:  # a full disk or no more processes may pass, too
                reason = str(exc)
                self._say(f"the server did not start again: {reason}")
                continue
            if self._serves():
                self._restarts.serves()
                return
            reason = "it started, but inspects nothing"

    def _serves(self) -> bool:
        """Whether anything is inspected within a while."""
        ends_s = time.monotonic() + _SERVES_WITHIN_S
        before = self._server.control.successes()
        while time.monotonic() < ends_s and not self._server.has_ended():
            self._canary.ask()
            answer = self._canary.answer(_POLL_S)
            now = self._server.control.successes()
            before = now if before is None else before
            if (answer is not None and answer.outcome is Outcome.REPORT) or now not in {None, before}:
                return True
            if answer is not None:
                time.sleep(_POLL_S)
        self._canary.forget()
        return False
