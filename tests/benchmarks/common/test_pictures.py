"""The pictures of a measurement."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.pictures import Picture, draw, expect, load, photographs, save
from endface import offline
from endface.options import Options


def test_both_cameras_take_turns() -> None:
    """The two sizes that users sent, as JPEG; the same again for the same arguments."""
    files = list(draw(3, "mm-pc"))
    sizes = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).shape[::-1] for _, data in files]

    assert sizes == [(1152, 864), (720, 576), (1152, 864)]
    assert all(data[:2] == b"\xff\xd8" for _, data in files)
    assert list(draw(1, "mm-pc")) == files[:1]


def test_expected_verdict_is_that_of_one_process(pictures: list[Picture]) -> None:
    """What serving must not change."""
    for picture in pictures:
        report = offline.inspect(picture.data, Options("mm-pc"))
        assert report.verdict == picture.verdict
        assert picture.size == f"{report.image.width} x {report.image.height}"


def test_unjudgeable_pictures_are_left_out(pictures: list[Picture]) -> None:
    """Without a server they would cost next to nothing; if none is left there is nothing to measure."""
    files = [("broken.jpg", b"no picture"), (pictures[0].name, pictures[0].data)]

    assert expect(iter(files), "mm-pc") == [pictures[0]]
    with pytest.raises(BenchmarkError, match="none of the pictures can be judged"):
        expect(iter(files[:1]), "mm-pc")


def test_saved_pictures_come_back(pictures: list[Picture], tmp_path: Path) -> None:
    """The load generator's processes see what was prepared."""
    save(pictures, tmp_path)

    assert load(tmp_path) == pictures


def test_folder_that_was_not_prepared(tmp_path: Path) -> None:
    """The message says how to prepare one."""
    with pytest.raises(BenchmarkError, match="holds no prepared pictures"):
        load(tmp_path)


def test_photographs_of_a_folder(tmp_path: Path) -> None:
    """Pictures at any depth; class maps under ``labels`` and other files are no pictures."""
    for name in ("a.jpg", "more/b.PNG", "labels/a.png", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())

    assert dict(photographs(tmp_path)) == {"a.jpg": b"a.jpg", "b.PNG": b"more/b.PNG"}
