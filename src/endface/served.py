"""Which network draws the label maps now, while a newer version may be arriving or a withdrawn one leaving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from endface import network
from endface.errors import ConfigurationError
from endface.report import ModelInfo


class Served:
    """The network that a report names.

    The repository holds a new version seconds before the server has loaded it, so the server is asked, once for each
    change: a report must not name a network that did not look at its picture.

    Args:
        directory: the model's folder in the repository, with its numbered versions.
        engine: name of the engine that runs it.
        is_ready: whether the server has loaded a version.

    Raises:
        ConfigurationError: no version is there, or its manifest cannot be read.
    """

    def __init__(self, directory: Path, engine: str, is_ready: Callable[[int], bool]) -> None:
        self._directory = directory
        self._engine = engine
        self._is_ready = is_ready
        self._version = network.newest_version(directory)
        self._info = network.describe(directory, engine)

    def info(self) -> ModelInfo:
        """The newest version that the server has loaded.

        Raises:
            ConfigurationError: no version is there any more.
        """
        newest = network.newest_version(self._directory)
        if newest != self._version and self._is_ready(newest):
            try:
                self._info = network.describe(self._directory, self._engine)
            except ConfigurationError:
                if network.newest_version(self._directory) == newest:
                    raise
                return self._info  # withdrawn at this moment; the server goes back to the version before
            self._version = newest
        return self._info
