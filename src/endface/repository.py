"""Where the models are when nobody says so: the repository that ENDFACE_REPOSITORY names, or the checkout's own."""

from __future__ import annotations

import os
from pathlib import Path

from endface import environment
from endface.errors import RepositoryError


def default_repository() -> Path:
    """The model repository of this machine; an installed wheel has none, because its network is versioned on its own.

    Raises:
        RepositoryError: none is named, and this is no checkout.
    """
    if named := os.environ.get(environment.REPOSITORY):
        return Path(named)
    repository = Path(__file__).parents[2] / "model_repository"
    if not repository.is_dir():
        raise RepositoryError(
            "endface is not run from its checkout, so it must be told where its models are: "
            f"name their folder in {environment.REPOSITORY}"
        )
    return repository
