"""Cases with hand-made reports, whose marks are known by construction."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from endface.report import Defect, Point, Report
from endface.review.cases import Cases
from tests.endface_client.faces import FOUND, SCRATCH

WIDTH, HEIGHT = 320, 240


def ring(x: float, y: float, side: float) -> tuple[Point, ...]:
    """A square from its upper left corner."""
    return ((x, y), (x + side, y), (x + side, y + side), (x, y + side))


PIT: Defect = dataclasses.replace(SCRATCH, id=1, type="pit", polygon_px=(ring(100.25, 80.5, 12.0),))
DIRT: Defect = dataclasses.replace(
    SCRATCH, id=2, type="contamination", polygon_px=(ring(150.0, 100.0, 40.0), ring(160.0, 110.0, 10.0))
)
"""With a hole of a sixteenth."""

LINE: Defect = dataclasses.replace(SCRATCH, id=3, polygon_px=(ring(40.0, 40.0, 8.0), ring(60.0, 60.0, 8.0)))
"""In two parts."""


def report(serial: str, *defects: Defect) -> Report:
    """A failed face of a small picture."""
    image = dataclasses.replace(FOUND.image, name=f"{serial}.png", width=WIDTH, height=HEIGHT)
    return dataclasses.replace(FOUND, serial=serial, image=image, defects=defects, borderline=False)


@pytest.fixture
def cases(tmp_path: Path) -> Cases:
    """Two cases: one with a pit, dirt with a hole and a line of two parts; one with a pit."""
    cases = Cases(tmp_path / "cases")
    for number, (serial, defects) in enumerate({"A": (PIT, DIRT, LINE), "B": (PIT,)}.items()):
        picture = np.full((HEIGHT, WIDTH), 100 + number, np.uint8)
        assert cases.keep(report(serial, *defects), cv2.imencode(".png", picture)[1].tobytes())
    return cases
