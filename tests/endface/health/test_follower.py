from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

from endface.errors import ServerStartError
from endface.health.follower import Follower
from endface.server.process import EmbeddedServer


class Restarting:
    """A server that is killed for a restart while a new version is being loaded into it."""

    def __init__(self) -> None:
        self.loading, self.killed = threading.Event(), threading.Event()
        self.runs = True

    @property
    def offered(self) -> Any:
        """A new version."""
        self._check()
        return SimpleNamespace(change=lambda: 2, check=self._wait)

    @property
    def control(self) -> Any:
        """The killed server's, which answers no more."""
        self._check()
        return SimpleNamespace(load=self._refuse)

    def _check(self) -> None:
        if not self.runs:
            raise RuntimeError("the server was not started")

    def _wait(self) -> None:
        self.loading.set()
        self.killed.wait()

    def _refuse(self, _model: str) -> None:
        raise ServerStartError("Triton did not say whether it loaded")


def test_restart_during_a_load_ends_no_thread() -> None:
    """The load fails as one of the server that was killed, in a line; the new server loads the newest by itself."""
    server, said = Restarting(), threading.Event()
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        said.set()

    Follower(cast("EmbeddedServer", server), say).follow()
    server.loading.wait()
    server.runs = False
    server.killed.set()
    said.wait()

    assert lines == ["version 2 of the network is not served: Triton did not say whether it loaded"]
