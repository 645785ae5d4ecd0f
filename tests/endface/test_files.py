from __future__ import annotations

import os
from pathlib import Path

import pytest

from endface.files import sha256_of, whole_file, write_together, write_whole


def test_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new bytes stand where the old ones stood, and nothing else is left in the folder."""
    path = tmp_path / "report.json"
    path.write_bytes(b"old")

    write_whole(path, b"new")

    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"new", [path])


def test_failure_leaves_the_old_file(tmp_path: Path) -> None:
    """A block that raises changes nothing."""
    path = tmp_path / "report.json"
    path.write_bytes(b"old")

    with pytest.raises(ValueError, match="closed"), whole_file(path) as file:
        file.close()

    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"old", [path])


def test_files_that_belong_together_are_all_old_or_all_new(tmp_path: Path) -> None:
    """One that cannot be written leaves the others as they were."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    (tmp_path / "taken").write_bytes(b"")

    with pytest.raises(OSError, match="taken"):
        write_together({path: b"new", tmp_path / "taken" / "manifest.json": b"new"})

    assert path.read_bytes() == b"old"


def test_the_last_file_comes_into_place_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest that is named last never describes a file that is not there yet."""
    order = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: order.append(target.name) or replace(self, target))

    write_together({tmp_path / "model.onnx": b"network", tmp_path / "manifest.json": b"manifest"})

    assert order == ["model.onnx", "manifest.json"]


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_umask_is_obeyed(tmp_path: Path, umask: int, mode: int) -> None:
    """Who keeps files to himself keeps these to himself."""
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "report.json", b"{}")
    finally:
        os.umask(before)

    assert (tmp_path / "report.json").stat().st_mode & 0o777 == mode


def test_sum_is_that_of_sha256sum(tmp_path: Path) -> None:
    """The sum of an empty file is the one that FIPS 180-4 gives."""
    (tmp_path / "empty").touch()

    assert sha256_of(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
