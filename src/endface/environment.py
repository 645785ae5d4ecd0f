"""Environment variables: where the models are, and what a server passes to the stages in its model processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from endface.errors import ConfigurationError, RepositoryError

PROFILE: Final = "ENDFACE_PROFILE"
"""Profile of requests that name none; unset or empty: each must name one."""

ZONES: Final = "ENDFACE_ZONES"
"""Zones that are judged where a request names none, such as ``A,B``; unset or empty: all of the profile's."""

SCREEN: Final = "ENDFACE_SCREEN"
"""``true`` searches pictures that are too coarse to pass for large defects where a request does not say."""

PROFILES: Final = "ENDFACE_PROFILES"
"""Folder with the user's own profiles; unset or empty: there are none."""

ENGINE: Final = "ENDFACE_ENGINE"
"""Name of the engine that runs ``segment``, for the reports; unset: ONNX Runtime."""

REPOSITORY: Final = "ENDFACE_REPOSITORY"
"""The model repository; unset: the checkout's own."""

WORKSPACE: Final = "ENDFACE_WORKSPACE"
"""The server's private folder, where it and its stages write for each other; ``endface serve`` sets it."""

BUSY_FOLDER: Final = "busy"
"""Name of the folder in the workspace where each process of a stage says since when it works."""

LOG: Final = "ENDFACE_LOG"
"""``inspections`` puts a line of JSON into the server's log for each inspection; unset or empty: it stays quiet."""

_CHECKOUT: Final = Path(__file__).parents[2]


def default_repository(checkout: Path = _CHECKOUT) -> Path:
    """The model repository that ENDFACE_REPOSITORY names, or the checkout's own.

    An installed wheel has none, because its network is versioned on its own.

    Raises:
        RepositoryError: none is named, and this is no checkout.
    """
    if named := os.environ.get(REPOSITORY):
        return Path(named)
    repository = checkout / "model_repository"
    if not repository.is_dir():
        raise RepositoryError(
            "endface is not run from its checkout, so it must be told where its models are: "
            f"name their folder in {REPOSITORY}"
        )
    return repository


def profiles_folder() -> Path | None:
    """The folder with the user's own profiles, or None."""
    named = os.environ.get(PROFILES)
    return Path(named) if named else None


def request_defaults() -> dict[str, str | int | float | bool]:
    """Values of request parameters that the environment sets; those of a request come before."""
    named = {"zones": os.environ.get(ZONES, ""), "screen": os.environ.get(SCREEN, "")}
    return {key: value for key, value in named.items() if value}


def workspace() -> Path | None:
    """The private folder of the server that started this process; None where ``endface serve`` did not."""
    named = os.environ.get(WORKSPACE)
    return Path(named) if named else None


def logs_inspections() -> bool:
    """Whether the log gets a line for each inspection.

    Raises:
        ConfigurationError: the variable has a value that it does not know.
    """
    wish = os.environ.get(LOG, "")
    if wish not in ("", "inspections"):
        raise ConfigurationError(f"{LOG} is {wish!r}; set it to inspections, or unset it")
    return bool(wish)
