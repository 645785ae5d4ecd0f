"""Files that decide a verdict are the ones that were released, and a server says which they are."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from endface.criteria import profile
from endface.errors import ConfigurationError

SHIPPED = Path(profile.__file__).parent / "profiles"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped profiles, in their place."""
    folder = tmp_path / "profiles"
    shutil.copytree(SHIPPED, folder)
    monkeypatch.setattr(profile, "_SHIPPED", folder)
    monkeypatch.setattr(profile, "_SUMS", folder / "SHA256SUMS")
    return folder


def test_every_shipped_profile_has_its_sum() -> None:
    """The list is complete and true."""
    lines = (SHIPPED / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SHIPPED.glob("*.toml")}

    assert {line[66:]: line[:64] for line in lines} == found


@pytest.mark.parametrize("name", ["mm-pc.toml", "plant.toml"], ids=["changed", "foreign"])
def test_changed_profile_is_not_read(installed: Path, name: str) -> None:
    """A limit widened under the standard's name, or an own profile among the shipped, is refused, though sound."""
    text = (installed / "mm-pc.toml").read_text(encoding="utf-8")
    (installed / name).write_text(text + "# harmless\n", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=f"{name}: it is not the file that was released"):
        profile.read_profile(installed / name)
    profile.read_profile(installed / "sm-apc.toml")


def test_sums_of_all_profiles(tmp_path: Path) -> None:
    """Own profiles are listed with the shipped ones; ``endface serve`` writes that list into its log."""
    own = tmp_path / "plant.toml"
    shutil.copy(SHIPPED / "mm-pc.toml", own)

    sums = profile.profile_sums(tmp_path)

    assert set(sums) == set(profile.profile_names(tmp_path))
    assert sums["plant"] == sums["mm-pc"] == hashlib.sha256(own.read_bytes()).hexdigest()
