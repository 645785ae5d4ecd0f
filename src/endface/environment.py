"""Environment variables: where the models are, and what a server tells the stages in its model processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from endface.errors import ConfigurationError

PROFILE: Final = "ENDFACE_PROFILE"
"""Profile of requests that name none; unset or empty: each must name one."""

PROFILES: Final = "ENDFACE_PROFILES"
"""Folder with the user's own profiles; unset or empty: there are none."""

ENGINE: Final = "ENDFACE_ENGINE"
"""Name of the engine that runs ``segment``, for the reports; unset: ONNX Runtime."""

REPOSITORY: Final = "ENDFACE_REPOSITORY"
"""The model repository; unset: the checkout's own."""

EXECUTIONS: Final = "ENDFACE_EXECUTIONS"
"""Folder where the stages' processes say since when they work; ``endface serve`` sets it.  Unset: they keep quiet."""

LOG: Final = "ENDFACE_LOG"
"""``inspections`` puts a line of JSON into the server's log for each inspection; unset or empty: it stays quiet."""


def profiles_folder() -> Path | None:
    """The folder with the user's own profiles, or None."""
    named = os.environ.get(PROFILES)
    return Path(named) if named else None


def logs_inspections() -> bool:
    """Whether the log gets a line for each inspection.

    Raises:
        ConfigurationError: the variable asks for something else.
    """
    asked = os.environ.get(LOG, "")
    if asked not in ("", "inspections"):
        raise ConfigurationError(f"{LOG} is {asked!r}; set it to inspections, or unset it")
    return bool(asked)
