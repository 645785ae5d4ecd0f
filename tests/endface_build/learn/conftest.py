"""Drawn faces whose reviews say what was drawn."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from endface.offline import Inspector, load
from endface.options import Options
from endface.review.cases import Cases
from endface.review.marks import Mark, marks_of, same_marks
from endface.review.opinions import Review
from endface_build.data.drawn_pictures import DrawnFaces
from endface_build.data.labelled import Labelled
from endface_build.review.sheet import mark_of_pixels, type_of

FACES = 5


def drawn_marks(labelled: Labelled) -> tuple[Mark, ...]:
    """A mark for each object of a label map."""
    marks = []
    for code in range(1, 5):
        count, numbers = cv2.connectedComponents((labelled.labels == code).astype(np.uint8))
        marks += [mark_of_pixels(type_of(code), np.asarray(numbers == number)) for number in range(1, count)]
    return tuple(marks)


@pytest.fixture(scope="session")
def reviewed_folder(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """Cases of drawn multimode faces of as many parts, each reviewed as it was drawn."""
    cases = Cases(tmp_path_factory.mktemp("reviewed") / "cases")
    network = repository / "segment" / "1" / "model.onnx"
    for number, labelled in enumerate(DrawnFaces("multimode", FACES, seed=77)):
        options = Options("mm-pc", serial=f"P{number:03}", name=labelled.name)
        report = Inspector.around(load(network=network), options)(labelled.data)
        case = cases.keep(report, labelled.data, asked=True)
        assert case is not None
        marks = drawn_marks(labelled)
        opinion = "right" if same_marks(marks, marks_of(report)) else "wrong"
        cases.add_review(case.name, Review("Ana", "2026-11-29T08:00:00+00:00", opinion, marks))
    return cases.folder


@pytest.fixture
def reviewed(reviewed_folder: Path, tmp_path: Path) -> Cases:
    """A copy of these cases."""
    return Cases(Path(shutil.copytree(reviewed_folder, tmp_path / "cases")))
