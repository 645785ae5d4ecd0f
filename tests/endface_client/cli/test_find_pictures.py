"""Paths of a command line to pictures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from endface_client.cli.find_pictures import FoundPictures, find_pictures

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
    """All levels; hidden folders stay out, and a linked folder is counted, not followed: it may lead in a circle."""
    (folder / "deeper" / "back").symlink_to(folder)
    found = find_pictures([folder], recursive=True)

    assert names(found.pictures) == ["a.jpg", "b.PNG", "c.Tiff"]
    assert "deeper" not in refused(found)
    assert "back" in refused(found)


def test_results_and_records_are_no_parts(folder: Path) -> None:
    """What endface has written beside the pictures is not inspected and not counted; pictures beside it are."""
    before = refused(find_pictures([folder]))
    report = '{"schema_version":"endface.report/1"}'
    for name, text in (
        ("out/index.html", '<meta name="generator" content="endface">'),
        *((f"{place}a{ending}", report) for place in ("", "out/") for ending in (".json", ".overlay.png")),
        ("record/record.db", ""),
        ("record/pictures/kept.png", ""),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    assert refused(find_pictures([folder])) == before
    assert names(find_pictures([folder]).left_out) == ["Thumbs.db", "notes.txt"]
    assert len(find_pictures([folder], recursive=True).pictures) == 3
    (folder / "out" / "part.png").touch()
    assert "out" in refused(find_pictures([folder]))
    assert len(find_pictures([folder], recursive=True).pictures) == 4


def test_named_file_may_be_called_anything(folder: Path) -> None:
    """Whoever names a file means it."""
    assert names(find_pictures([folder / "photo.jfif", folder / ".hidden.png"]).pictures) == [
        "photo.jfif",
        ".hidden.png",
    ]


def test_order_of_the_command_line_is_kept_and_doubles_dropped(folder: Path) -> None:
    """A picture that is named and lies in a named folder is inspected once."""
    assert names(find_pictures([folder / "b.PNG", folder]).pictures) == ["b.PNG", "a.jpg"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("empty", "holds no picture (.bmp, .jpeg, .jpg, .png, .tif, .tiff)"),
        ("texts", "holds no picture (.bmp, .jpeg, .jpg, .png, .tif, .tiff)"),
        ("gone.png", "cannot be read: No such file or directory"),
        ("x" * 300 + ".png", "cannot be read: File name too long"),
    ],
)
def test_path_without_a_picture_is_an_error(tmp_path: Path, name: str, sentence: str) -> None:
    """None of them looks like a pass, and none stops the others."""
    for made in ("empty/deeper", "texts"):
        (tmp_path / made).mkdir(parents=True)
    (tmp_path / "texts" / "notes.txt").touch()
    (tmp_path / "a.png").touch()
    found = find_pictures([tmp_path / name, tmp_path / "a.png"], recursive=True)

    assert names(found.pictures) == ["a.png"]
    assert [str(outcome.result) for outcome in found.not_inspected] == [f"{tmp_path / name} {sentence}"]


def test_folders_that_the_run_will_write_are_not_counted(folder: Path) -> None:
    """They may be there already, with whatever an earlier run has left."""
    (folder / "out").mkdir()
    (folder / "out" / ".endface-half").touch()
    (folder / "out" / "half").touch()

    assert "out" in refused(find_pictures([folder]))
    assert "out" not in refused(find_pictures([folder], outputs=[folder / "out", None]))


def test_pipe_in_a_folder_does_not_stop_the_run(tmp_path: Path) -> None:
    """Nobody would ever write into it."""
    os.mkfifo(tmp_path / "a.png")

    assert refused(find_pictures([tmp_path])) == ["a.png"]
