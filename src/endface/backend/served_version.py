"""Which network draws the label maps now, while a newer version may be arriving or a withdrawn one leaving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from endface.engines import catalog
from endface.engines.catalog import Engine
from endface.engines.manifest import describe, newest_version
from endface.errors import ConfigurationError
from endface.report import ModelInfo


class Served:
    """The network that a report names.

    The repository holds a new version seconds before the server has loaded it, so the server is asked, once for each
    change: a report must not name a network that did not look at its picture.

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
        self._version = newest_version(directory)
        self._info = self._describe()

    def info(self) -> ModelInfo:
        """The newest version that the server has loaded.

        Raises:
            ConfigurationError: no version is there any more, or the newest one's plan is not made from its network.
        """
        newest = newest_version(self._directory)
        if newest != self._version and self._is_ready(newest):
            try:
                self._info = self._describe()
            except ConfigurationError:
                if newest_version(self._directory) == newest:
                    raise
                return self._info  # withdrawn at this moment; the server goes back to the version before
            self._version = newest
        return self._info

    def _describe(self) -> ModelInfo:
        catalog.check(self._directory, self._engine)
        return describe(self._directory, self._engine.name)
