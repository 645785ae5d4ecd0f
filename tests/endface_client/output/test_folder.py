"""The folder of a run: what is written, what is removed, and what is refused before a run begins."""

from __future__ import annotations

import dataclasses
import errno
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest
from click.testing import Result

from endface.report import ImageInfo, Report
from endface_client.outcome import Outcome
from endface_client.output.folder import OutputError, RunFolder
from endface_client.testing import PASS, Failure, FakeServer, Received

Run = Callable[..., Result]


@pytest.fixture
def inspect(run: Run, tmp_path: Path) -> Run:
    """Runs ``endface inspect`` into the folder ``out``."""
    return lambda *arguments: run("inspect", *arguments, "--profile", "mm-pc", "--out", tmp_path / "out")


def names(folder: Path) -> set[str]:
    """Names of the files in a folder."""
    return {path.name for path in folder.iterdir()}


def files(stems: str) -> set[str]:
    """Names of the results of some pictures, and of the page."""
    return {f"{stem}.{ending}" for stem in stems for ending in ("json", "overlay.png")} | {"index.html"}


def test_folder_holds_report_overlay_and_page(inspect: Run, pictures: Path, tmp_path: Path) -> None:
    """Per picture its report and overlay, and one page for the run; no temporary file stays."""
    result = inspect(pictures)
    out = tmp_path / "out"

    assert names(out) == files("abc")
    assert Report.from_json((out / "a.json").read_text()).image.name == "a.png"
    assert cv2.imread(str(out / "a.overlay.png")) is not None
    assert (out / "index.html").read_text().count("<article") == 3
    assert f"wrote {out / 'index.html'}" in result.stderr


def test_pictures_of_one_name_do_not_overwrite_each_other(inspect: Run, pictures: Path, tmp_path: Path) -> None:
    """Equal stems in two folders, or with two suffixes, get numbers."""
    other = tmp_path / "other"
    other.mkdir()
    for level, name in ((90, "a.png"), (91, "A.bmp")):
        cv2.imwrite(str(other / name), np.full((48, 64), level, np.uint8))
    inspect(pictures / "a.png", other)

    assert len({path.stem.casefold() for path in (tmp_path / "out").glob("*.json")}) == 3


def test_results_and_record_hold_the_bytes_that_were_sent(
    inspect: Run, fake_server: FakeServer, pictures: Path, tmp_path: Path
) -> None:
    """A file that changes during its inspection changes nothing: it is read once."""

    def answer(_: Received) -> Report:
        cv2.imwrite(str(pictures / "a.png"), np.full((48, 64), 200, np.uint8))
        return dataclasses.replace(PASS, borderline=True)  # so that the record keeps its picture

    fake_server.answer = answer
    sent = (pictures / "a.png").read_bytes()
    result = inspect(pictures / "a.png", "--record", tmp_path / "record")
    overlay = cv2.imread(str(tmp_path / "out" / "a.overlay.png"))

    assert result.exit_code == 0
    assert 40 in overlay
    assert not (overlay == 200).all(axis=2).any()
    assert [path.read_bytes() for path in (tmp_path / "record" / "pictures").iterdir()] == [sent]


def test_nothing_of_an_earlier_run_stays(inspect: Run, fake_server: FakeServer, pictures: Path, tmp_path: Path) -> None:
    """Neither the old pass of a picture that is refused now, nor results of pictures that are not in this run."""
    inspect(pictures)
    (tmp_path / "out" / ".endface-half").touch()  # of a run that was killed
    (tmp_path / "out" / "notes.txt").touch()
    fake_server.answer = lambda received: (
        Failure(grpc.StatusCode.INTERNAL, "internal: stumbled") if received.parameters["name"] == "a.png" else PASS
    )
    result = inspect(pictures / "a.png", pictures / "b.png")

    assert "removed the results of an earlier run" in result.stderr
    assert names(tmp_path / "out") == files("b") | {"notes.txt"}
    assert "stumbled" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.parametrize("nothing", ["empty", "gone"])
def test_run_without_a_picture_keeps_the_last_page(inspect: Run, pictures: Path, tmp_path: Path, nothing: str) -> None:
    """An empty or a missing folder is exit 2 and a sentence, and writes nothing."""
    (tmp_path / "empty").mkdir()
    inspect(pictures)
    before = (tmp_path / "out" / "index.html").read_bytes()
    result = inspect(tmp_path / nothing)

    assert result.exit_code == 2
    assert nothing in result.stdout
    assert (tmp_path / "out" / "index.html").read_bytes() == before


@pytest.mark.parametrize("name", ["a.json", "a.overlay.png", "index.html"])
def test_file_of_somebody_else_is_not_overwritten(
    inspect: Run, fake_server: FakeServer, pictures: Path, tmp_path: Path, name: str
) -> None:
    """The run is refused before it begins, and the file is named."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("somebody's own")
    result = inspect(pictures)

    assert result.exit_code == 2
    assert f"{name} was not written by endface" in result.stderr
    assert (tmp_path / "out" / name).read_text() == "somebody's own"
    assert fake_server.requests == []


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("../pictures", "is the folder of the pictures"),  # overlays there would be inspected the next time
        ("a.png", "a.png cannot be written: a file stands where a folder should be"),
    ],
)
def test_folder_that_cannot_be_written_is_named(
    run: Run, fake_server: FakeServer, pictures: Path, out: str, sentence: str
) -> None:
    """Before anything is inspected."""
    result = run("inspect", pictures, "--profile", "mm-pc", "--out", pictures / out)

    assert result.exit_code == 2
    assert sentence in result.stderr
    assert fake_server.requests == []


def test_name_of_any_length_has_its_results(inspect: Run, pictures: Path, tmp_path: Path) -> None:
    """Names are cut to what a disk takes, and stay apart."""
    for letter in "xy":
        (pictures / "a.png").with_name("ü" * 120 + letter + ".png").write_bytes((pictures / "a.png").read_bytes())
    result = inspect(pictures)

    assert result.exit_code == 0, result.stdout
    assert len(names(tmp_path / "out")) == len(files("abcde"))


@pytest.mark.parametrize("shape", [(20000, 3), (3, 20000), (1, 1)])
def test_picture_of_any_shape_has_its_results(
    inspect: Run, pictures: Path, tmp_path: Path, shape: tuple[int, int]
) -> None:
    """It is drawn, and stands on the page."""
    cv2.imwrite(str(pictures / "a.png"), np.full(shape, 90, np.uint8))

    assert inspect(pictures).exit_code == 0
    assert names(tmp_path / "out") == files("abc")


def test_results_that_cannot_be_written_are_the_error_of_one_picture(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others have theirs, and the page says what was wrong."""
    data = (pictures / "a.png").read_bytes()
    folder = RunFolder(tmp_path / "out", [pictures / "a.png", pictures / "b.png"])
    replace = os.replace

    def full(source: str, target: str) -> None:
        if Path(target).name.startswith("a."):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    report = dataclasses.replace(PASS, image=ImageInfo("a.png", "0" * 64))
    failed, written = (folder.add(Outcome(pictures / name, report, data=data)) for name in ("a.png", "b.png"))
    folder.write_page("line-3")

    assert isinstance(failed.result, OutputError)
    assert "was inspected (pass), but its results cannot be written: No space left on device" in str(failed.result)
    assert written.report == report
    assert names(tmp_path / "out") == files("b")
