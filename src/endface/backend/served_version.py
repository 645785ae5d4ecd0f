"""Version of the network that draws the label maps now, while a newer one arrives or a withdrawn one leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from endface.engines import catalog
from endface.engines.catalog import Engine
from endface.engines.manifest import describe, newest_version
from endface.errors import ConfigurationError
from endface.report import ModelInfo

_TICK_NS: Final = 100_000_000
"""A folder may change twice within a tick of the file system's clock, of which the time of its change shows one."""


class ServedVersion:
    """The network that a report names.

    The repository holds a new version seconds before the server has loaded it, so the server is asked, once for each
    change: a report must not name a network that did not look at its picture.  A repository that is gone changes
    nothing: what is loaded goes on serving.

    Args:
        directory: the model's folder in the repository, with its numbered versions.
        engine: the engine that runs it.
        is_ready: whether the server has loaded a version.

    Raises:
        ConfigurationError: no version is there, its manifest cannot be read, or its plan does not fit.
        EngineError: the machine has no GPU, which the engine needs.
    """

    def __init__(self, directory: Path, engine: Engine, is_ready: Callable[[int], bool]) -> None:
        self._directory = directory
        self._engine = engine
        self._is_ready = is_ready
        self._changed_ns = 0
        self._version = newest_version(directory)
        self._info = self._describe()

    def info(self) -> ModelInfo:
        """The newest version that the server has loaded; the folder is listed only after it has changed.

        Raises:
            ConfigurationError: a version that is loaded has no manifest, or a plan that is not made from its network.
        """
        try:
            changed_ns = self._directory.stat().st_mtime_ns
            if changed_ns != self._changed_ns and self._is_settled():
                self._changed_ns = changed_ns if time.time_ns() - changed_ns > _TICK_NS else 0
        except (OSError, ConfigurationError):
            if (self._directory / str(self._version)).is_dir():
                raise
        return self._info  # of what is loaded, where the last version or the whole repository is gone

    def _is_settled(self) -> bool:
        """Take over the newest version; whether it is the one that the server has loaded."""
        newest = newest_version(self._directory)
        if newest == self._version:
            return True
        if not self._is_ready(newest):
            return False
        try:
            self._info = self._describe()
        except ConfigurationError:
            if (self._directory / str(newest)).is_dir():
                raise
            return False  # withdrawn at this moment; the server goes back to the version before
        self._version = newest
        return True

    def _describe(self) -> ModelInfo:
        catalog.check(self._directory, self._engine)
        return describe(self._directory, self._engine.name)
