from __future__ import annotations

from pathlib import Path

import pytest

import endface
from endface.errors import RepositoryError
from endface_client._serve import checkout_repository


def test_checkout_has_its_repository_beside_it(project: Path) -> None:
    """From a checkout nobody has to say where the models are."""
    assert checkout_repository() == project / "model_repository"


def test_installed_package_must_be_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wheel carries no models, and the message names both ways to say where they are."""
    monkeypatch.setattr(endface, "__file__", str(tmp_path / "lib" / "endface" / "__init__.py"))

    with pytest.raises(RepositoryError, match=r"--repository or in ENDFACE_REPOSITORY"):
        checkout_repository()
