"""A face that failed is cleaned and inspected again: what the record and the page say of its marks.

The samples of one face, dirty, wiped and clean, are judged in this process; what was drawn on them is the truth: three
grains of dust that always stay, a particle that the first wipe leaves, another one that it brings, and what it takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from endface import offline
from endface.comparison import ComparedMark, Reinspection
from endface.options import Options
from endface_client.testing import Answer, FakeServer, Received
from endface_station.advice import Step
from endface_station.intake.camera import SampleCamera
from endface_station.station import Station
from endface_station.texts import Texts
from endface_station.web.cleaning import Cleaning
from tests.endface_station.conftest import Running, picture

Start = Callable[..., Running]


def inspect(received: Received) -> Answer:
    """The report of this process."""
    return offline.inspect(received.picture, Options.from_parameters(received.parameters))


def look(line: Running, camera: SampleCamera) -> str:
    """Take a picture; what the page says of the marks once it is filed."""
    data, name = camera.take()
    line.station.accept(data, name)
    line.settle()
    return str(line.web.get("/state").json()["cleaning"])


def test_cleaned_face_is_compared_before_it_is_filed(started: Start, fake_server: FakeServer, project: Path) -> None:
    """Turned and wiped: what is gone, what has stayed, what is new, in the record as on the page."""
    fake_server.answer = inspect
    cameras: list[SampleCamera] = []

    def made(station: Station) -> SampleCamera:
        cameras.append(SampleCamera(project / "samples", station.aim))
        return cameras[0]

    line = started(fibers=12, camera=made)
    line.station.begin("MPO1")
    line.station.select(3)
    assert look(line, cameras[0]) == "None"
    said = look(line, cameras[0])
    page = line.web.get("/").text

    assert re.fullmatch(r"\d+ of \d+ marks gone, 4 stayed, 1 new: clean again", said)
    assert "Cleaning 1 of 3" in page
    assert page.count('<path class="ghost"') == int(said.split()[0])
    assert len(re.findall(r'<path class="defect \w+ stayed', page)) == 4
    assert len(re.findall(r'<path class="defect \w+ new', page)) == 1
    assert re.search(r'<text class="id \w+ new"[^>]*>\+\d', page)
    assert look(line, cameras[0]) == "2 of 5 marks gone, 3 stayed"
    filed = [(each.word, each.fiber, each.report.reinspection) for each in line.entries if each.report]
    assert [(word, fiber) for word, fiber, _ in filed] == [("fail", 3), ("fail", 3), ("pass", 3)]
    comparisons = [found for _, _, found in filed]
    assert comparisons[0] is None
    assert [(each.attempts, each.advice) for each in comparisons[1:] if each] == [(1, "clean"), (2, "none")]


def test_face_that_fails_too_often_goes_to_rework(started: Start) -> None:
    """Pictures that cannot be laid over one another count as well, and the page says that they were not compared."""
    line = started(fibers=2, rework_after=2)
    line.station.begin("A1")
    for number in range(3):
        line.station.accept(picture(number), "fail.png", fiber="1")
    line.settle()
    line.station.select(1)

    assert line.web.get("/state").json()["cleaning"] == "Not registered: rework"
    page = line.web.get("/").text
    assert "Cleaning 2 of 2" in page
    assert "Cleaned 2 times without a pass: send the part to rework." in page
    assert "not compared" in page


def test_another_fiber_or_part_is_no_second_try(started: Start) -> None:
    """Only the same serial number and fiber are compared; without a serial number nobody knows the part."""
    line = started(fibers=2, serials="optional")
    line.station.begin("A1")
    for fiber in ("1", "2"):
        line.station.accept(picture(int(fiber)), "fail.png", fiber=fiber)
    line.station.accept(picture(3), "fail.png", serial="A2", fiber="1")
    for number in (4, 5):
        line.station.accept(picture(number), "fail.png", serial="", fiber="1")
    line.settle()

    assert [each.report.reinspection for each in line.entries if each.report] == [None] * 5


@pytest.mark.parametrize(
    ("states", "step", "text"),
    [
        (["gone", "gone", "stayed"], "clean", "2 of 3 marks gone, 1 stayed: clean again"),
        (["stayed"], "polish", "1 stayed"),  # the advice says what to do with a scratch
        (["stayed"], "rework", "1 stayed: rework"),
        (["gone", "unseen"], None, "1 of 2 marks gone, 1 not in both pictures"),
        ([], None, "No mark before, none now"),
    ],
)
def test_words_say_what_became_of_the_marks(states: list[str], step: Step | None, text: str) -> None:
    """Only states that there are; a word on what to do where that is to clean, or to give up."""
    marks = tuple(
        ComparedMark(number if state == "stayed" else None, number, state)  # type: ignore[arg-type]
        for number, state in enumerate(states, 1)
    )
    found = Reinspection("0" * 64, "", True, "", 0.0, (0.0, 0.0), 9.0, marks, 1, 3, "clean")
    assert Cleaning.of(found, step, Texts.of()).text == text
