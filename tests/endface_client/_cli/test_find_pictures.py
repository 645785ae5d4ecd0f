"""Paths of a command line to pictures."""

from __future__ import annotations

from pathlib import Path

from endface_client import UnreadablePicture
from endface_client._cli.find_pictures import find_pictures


def touch(folder: Path, *names: str) -> None:
    """Make empty files."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_folder_gives_its_pictures_sorted(tmp_path):
    """Picture suffixes in any case, one level deep, by name."""
    touch(tmp_path, "b.PNG", "a.jpg", "c.Tiff", "d.bmp", "e.jpeg", "f.tif", "notes.txt", "deeper/g.png")
    pictures, missing = find_pictures([tmp_path])

    assert [path.name for path in pictures] == ["a.jpg", "b.PNG", "c.Tiff", "d.bmp", "e.jpeg", "f.tif"]
    assert missing == []


def test_a_named_file_may_be_called_anything(tmp_path):
    """Whoever names a file means it, there or not."""
    pictures, _ = find_pictures([tmp_path / "scan.dat", tmp_path / "gone.png"])

    assert [path.name for path in pictures] == ["scan.dat", "gone.png"]


def test_the_order_of_the_command_line_is_kept_and_doubles_dropped(tmp_path):
    """A picture that is named and lies in a named folder is inspected once."""
    touch(tmp_path, "a.png", "b.png")
    pictures, _ = find_pictures([tmp_path / "b.png", tmp_path])

    assert [path.name for path in pictures] == ["b.png", "a.png"]


def test_a_folder_without_pictures_is_told(tmp_path):
    """It would otherwise look as if everything had passed."""
    touch(tmp_path, "notes.txt")
    pictures, (outcome,) = find_pictures([tmp_path])

    assert pictures == []
    assert isinstance(outcome.result, UnreadablePicture)
    assert "holds no picture" in str(outcome.result)
