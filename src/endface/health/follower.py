"""Has a running server follow the repository: a newer network is loaded, a withdrawn one left, without a pause."""

from __future__ import annotations

import threading
from collections.abc import Callable

from endface import contract
from endface.errors import EndfaceError
from endface.server.process import EmbeddedServer


class Follower:
    """Loads what is new, once for each change, beside whatever the caller does.

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
        """See what the repository offers; returns at once."""
        if self._loading is not None and self._loading.is_alive():
            return
        version = self._changed()
        if version is not None:
            self._loading = threading.Thread(target=self._load, args=(version,), name="triton-load", daemon=True)
            self._loading.start()

    def _changed(self) -> int | None:
        """The version to load; a repository that cannot be read is said once, and keeps no server from serving."""
        try:
            version = self._server.offered.change()
        except OSError as exc:
            if not self._is_blind:
                self._say(f"the repository cannot be read, new versions are not seen: {exc}")
            self._is_blind = True
            return None
        self._is_blind = False
        return version

    def _load(self, version: int) -> None:
        try:
            self._server.offered.check()
            self._server.control.load(contract.SEGMENT.name)
        except EndfaceError as exc:
            self._say(f"version {version} of the network is not served: {exc}")
