"""Paths of a command line to pictures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from endface_client._cli.find_pictures import FoundPictures, find_pictures

JPEG = b"\xff\xd8\xff\xe0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three pictures, one of them in a subfolder, and with much that is none."""
    for name in (
        "b.PNG", "a.jpg", "notes.txt", "Thumbs.db", ".hidden.png", "._a.jpg", ".trash/c.png", "deeper/c.Tiff",
        "photo.jfif", "photo.jpe", "photo.webp", "without_ending",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "scan.dat").write_bytes(JPEG)
    (tmp_path / "lost.png").symlink_to("nowhere.png")
    return tmp_path


def names(paths: list[Path]) -> list[str]:
    """Names without their folders."""
    return [path.name for path in paths]


def refused(found: FoundPictures) -> list[str]:
    """Names of what is counted as not inspected."""
    return names([outcome.path for outcome in found.not_inspected])


def test_folder_gives_its_pictures_by_name(folder: Path) -> None:
    """Suffixes in any case; hidden files are no parts; a text is left out and named."""
    found = find_pictures([folder])

    assert names(found.pictures) == ["a.jpg", "b.PNG"]
    assert names(found.left_out) == ["Thumbs.db", "notes.txt"]


def test_what_may_hold_a_part_is_counted_as_not_inspected(folder: Path) -> None:
    """Subfolders, other endings of pictures, no ending, a picture under another ending, a link that leads nowhere."""
    assert refused(find_pictures([folder])) == [
        "deeper", "lost.png", "photo.jfif", "photo.jpe", "photo.webp", "scan.dat", "without_ending",
    ]  # fmt: skip


def test_recursive_looks_into_subfolders(folder: Path) -> None:
    """All levels; hidden folders stay out."""
    found = find_pictures([folder], recursive=True)

    assert names(found.pictures) == ["a.jpg", "b.PNG", "c.Tiff"]
    assert "deeper" not in refused(found)


def test_links_in_a_circle_end(folder: Path) -> None:
    """A linked folder is counted, not followed."""
    (folder / "deeper" / "back").symlink_to(folder)
    found = find_pictures([folder], recursive=True)

    assert len(found.pictures) == 3
    assert "back" in refused(found)


def test_results_and_records_are_no_parts(folder: Path) -> None:
    """What endface has written beside the pictures is not inspected and not counted."""
    before = refused(find_pictures([folder]))
    for name, text in (
        ("out/index.html", '<meta name="generator" content="endface">'),
        ("record/record.db", ""),
        ("a.json", '{"schema_version":"endface.report/1"}'),
        ("a.overlay.png", ""),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    assert refused(find_pictures([folder])) == before
    assert len(find_pictures([folder], recursive=True).pictures) == 3


def test_named_file_may_be_called_anything(folder: Path) -> None:
    """Whoever names a file means it."""
    assert names(find_pictures([folder / "photo.jfif", folder / ".hidden.png"]).pictures) == [
        "photo.jfif",
        ".hidden.png",
    ]


def test_order_of_the_command_line_is_kept_and_doubles_dropped(folder: Path) -> None:
    """A picture that is named and lies in a named folder is inspected once."""
    assert names(find_pictures([folder / "b.PNG", folder]).pictures) == ["b.PNG", "a.jpg"]


def test_path_without_a_picture_is_an_error(tmp_path: Path) -> None:
    """An empty folder, one with a text only, and a path that does not exist: none of them looks like a pass."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").touch()
    found = find_pictures([tmp_path / "empty", tmp_path / "texts", tmp_path / "gone.png"])

    assert found.pictures == []
    assert [str(outcome.result).partition(" ")[2] for outcome in found.not_inspected] == [
        "holds no picture (.bmp, .jpeg, .jpg, .png, .tif, .tiff)",
        "holds no picture (.bmp, .jpeg, .jpg, .png, .tif, .tiff)",
        "cannot be read: No such file or directory",
    ]


def test_pipe_in_a_folder_does_not_stop_the_run(tmp_path: Path) -> None:
    """Nobody would ever write into it."""
    os.mkfifo(tmp_path / "a.png")

    assert refused(find_pictures([tmp_path])) == ["a.png"]
