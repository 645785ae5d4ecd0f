"""Follower of the repository: a running server loads a newer network, and leaves a withdrawn one, without a pause."""

from __future__ import annotations

import threading
from collections.abc import Callable

from endface import contract
from endface.errors import EndfaceError
from endface.server.control import Control
from endface.server.offered_version import OfferedVersion
from endface.server.process import EmbeddedServer


class Follower:
    """Follower of one repository: it loads each change once, in a thread of its own.

    Args:
        server: a server that is ready.
        say: takes a line for each version that is refused; the one before goes on serving.
    """

    def __init__(self, server: EmbeddedServer, say: Callable[[str], None]) -> None:
        self._server = server
        self._say = say
        self._loading: threading.Thread | None = None
        self._is_blind = False

    def follow(self) -> None:
        """Load what is new in the repository; returns at once."""
        if self._loading is not None and self._loading.is_alive():
            return
        offered = self._server.offered
        version = self._changed(offered)
        if version is not None:
            # The thread gets what runs now: after a restart that is another server, which loads the newest by itself.
            now = (offered, self._server.control, version)
            self._loading = threading.Thread(target=self._load, args=now, name="triton-load", daemon=True)
            self._loading.start()

    def _changed(self, offered: OfferedVersion) -> int | None:
        """The version to load; a repository that cannot be read is reported once, and the server goes on serving."""
        try:
            version = offered.change()
        except OSError as exc:
            if not self._is_blind:
                self._say(f"the repository cannot be read, new versions are not seen: {exc}")
            self._is_blind = True
            return None
        self._is_blind = False
        return version

    def _load(self, offered: OfferedVersion, control: Control, version: int) -> None:
        try:
            offered.check()
            control.load(contract.SEGMENT.name)
        except (EndfaceError, OSError) as exc:
            self._say(f"version {version} of the network is not served: {exc}")
