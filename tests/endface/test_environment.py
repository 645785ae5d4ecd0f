from __future__ import annotations

from pathlib import Path

import pytest

from endface.environment import default_repository, logs_inspections
from endface.errors import ConfigurationError, RepositoryError


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDFACE_REPOSITORY", "ENDFACE_LOG"):
        monkeypatch.delenv(name, raising=False)


def test_checkout_has_its_repository_beside_it(project: Path) -> None:
    """From a checkout nobody has to say where the models are."""
    assert default_repository() == project / "model_repository"


def test_environment_names_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the environment names comes before the checkout's own."""
    monkeypatch.setenv("ENDFACE_REPOSITORY", str(tmp_path))

    assert default_repository() == tmp_path


def test_installed_package_must_be_told(tmp_path: Path) -> None:
    """A wheel carries no models, and the message says how to name them."""
    with pytest.raises(RepositoryError, match=r"name their folder in ENDFACE_REPOSITORY"):
        default_repository(tmp_path)


@pytest.mark.parametrize(("value", "expected"), [(None, False), ("", False), ("inspections", True)])
def test_log_is_quiet_unless_asked(monkeypatch: pytest.MonkeyPatch, value: str | None, expected: bool) -> None:
    """ENDFACE_LOG=inspections asks for a line for each inspection."""
    if value is not None:
        monkeypatch.setenv("ENDFACE_LOG", value)

    assert logs_inspections() is expected


def test_misspelt_wish_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that was asked for in the wrong words is not silently left out."""
    monkeypatch.setenv("ENDFACE_LOG", "all")

    with pytest.raises(ConfigurationError, match="ENDFACE_LOG is 'all'; set it to inspections"):
        logs_inspections()
