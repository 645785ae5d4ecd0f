from __future__ import annotations

from pathlib import Path

import pytest

from endface import repository
from endface.environment import default_repository
from endface.errors import RepositoryError


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENDFACE_REPOSITORY", raising=False)


def test_checkout_has_its_repository_beside_it(project: Path) -> None:
    """From a checkout nobody has to say where the models are."""
    assert default_repository() == project / "model_repository"


def test_environment_names_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the environment names comes before the checkout's own."""
    monkeypatch.setenv("ENDFACE_REPOSITORY", str(tmp_path))

    assert default_repository() == tmp_path


def test_installed_package_must_be_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wheel carries no models, and the message says how to name them."""
    monkeypatch.setattr(repository, "__file__", str(tmp_path / "lib" / "endface" / "__init__.py"))

    with pytest.raises(RepositoryError, match=r"name their folder in ENDFACE_REPOSITORY"):
        default_repository()
