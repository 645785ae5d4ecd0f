"""Version of the network that the repository offers while a server runs: a newer one, the one before, another plan."""

from __future__ import annotations

from pathlib import Path

from endface.engines import catalog
from endface.engines.catalog import Engine
from endface.engines.manifest import newest_version
from endface.engines.plan import PLAN_MANIFEST
from endface.errors import ConfigurationError


class OfferedVersion:
    """The newest version of the network, with the plan that an engine needs.

    Args:
        directory: the model's folder in the repository, with its numbered versions.
        engine: the engine that is to run it.

    Raises:
        ConfigurationError: no version is there.
    """

    def __init__(self, directory: Path, engine: Engine) -> None:
        self._directory = directory
        self._engine = engine
        self._known = self._look()

    def check(self) -> None:
        """Check that the engine can run it on this machine.

        Raises:
            ConfigurationError, EngineError: as ``endface.engines.catalog.check`` says.
        """
        catalog.check(self._directory, self._engine)

    def change(self) -> int | None:
        """The newest version, if that is another one than at the last call, or got its plan since; else None."""
        try:
            found = self._look()
        except ConfigurationError:
            return None  # the last one is gone; what is loaded goes on serving
        if found == self._known:
            return None
        self._known = found
        return found[0]

    def _look(self) -> tuple[int, int]:
        """The newest version, and when its plan was finished: the plan's manifest is written last."""
        version = newest_version(self._directory)
        manifest = self._directory / str(version) / PLAN_MANIFEST
        has_plan = self._engine.runtime is not None and manifest.is_file()
        return version, manifest.stat().st_mtime_ns if has_plan else 0
