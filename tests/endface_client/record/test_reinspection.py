"""A part that failed, was cleaned, and is inspected again: the record has its earlier picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from endface.report import Report
from endface_build.drawing.camera import photograph
from endface_build.drawing.marks import Mark, particle, pit
from endface_build.drawing.sample_scenes import MULTIMODE
from endface_client import Record
from endface_client.testing import FakeServer, Received
from tests.endface.reinspection.drawn_pairs import SIDE_PX, STILL, Shot, face_of, picture_of

Run = Callable[..., Result]

MIDDLE = (SIDE_PX - 1) / 2
DIRT = (particle((20.0, -12.0), 9.0, seed=1), particle((-40.0, 25.0), 11.0, seed=2))
PIT = pit((5.0, 5.0), 8.0)
FAR = tuple(pit(place, 4.0) for place in ((80.0, 30.0), (-75.0, -50.0), (10.0, 95.0)))
TEXTURED = replace(MULTIMODE, grain=1.2, seed=5)


def shot(marks: tuple[Mark, ...], turn_deg: float, seed: int) -> tuple[bytes, Report]:
    """A picture of the face with some marks, and its report."""
    drawn = replace(TEXTURED, marks=marks)
    how = Shot(turn_deg, (MIDDLE + seed, MIDDLE - seed), seed=seed)
    drawing = photograph(drawn, STILL, seed=0)
    return picture_of(drawing, how), replace(face_of(drawn, how, drawing=drawing).report, serial="A123")


@pytest.fixture(scope="module")
def dirty() -> tuple[bytes, Report]:
    """Two particles, a pit in the core: it fails."""
    return shot((*DIRT, PIT, *FAR), 0.0, 0)


@pytest.fixture(scope="module")
def cleaned() -> tuple[bytes, Report]:
    """The particles are gone, the pit is there: it still fails."""
    return shot((PIT, *FAR), 75.0, 9)


@pytest.fixture(scope="module")
def clean() -> tuple[bytes, Report]:
    """Only what is within the limits is left."""
    return shot(FAR, 200.0, 5)


def added(record: Record, taken: tuple[bytes, Report], fiber: int | None = None, **options: int) -> Report:
    """The report as a record gives it back, once it is added."""
    data, report = taken
    report = record.reinspected(data, report, fiber=fiber, **options)
    record.add(data, report, fiber=fiber)
    return report


def test_marks_that_went_are_told_until_the_part_passes(
    tmp_path: Path, dirty: tuple[bytes, Report], cleaned: tuple[bytes, Report], clean: tuple[bytes, Report]
) -> None:
    """The first inspection has nothing to compare, each later one the last before it, and a pass ends the series."""
    with Record(tmp_path / "record") as record:
        reports = [added(record, taken) for taken in (dirty, cleaned, clean, dirty)]
    again = [report.reinspection.text if report.reinspection else "" for report in reports]

    assert [report.verdict for report in reports] == ["fail", "fail", "pass", "fail"]
    assert again == [
        "",
        "2 of 6 marks gone (removable), 4 stayed; clean it again (try 1 of 3)",
        "1 of 4 marks gone (removable), 3 stayed",
        "",
    ]


def test_a_part_that_still_fails_goes_to_rework(
    tmp_path: Path, dirty: tuple[bytes, Report], cleaned: tuple[bytes, Report]
) -> None:
    """After as many cleanings as were asked for; a fiber's inspections are its own."""
    with Record(tmp_path / "record") as record:
        added(record, dirty, fiber=3)
        data, report = cleaned

        first = record.reinspected(data, report, fiber=3, rework_after=2).reinspection
        at_once = record.reinspected(data, report, fiber=3, rework_after=1).reinspection
        other = record.reinspected(data, report, fiber=4).reinspection

    assert first is not None
    assert at_once is not None
    assert (first.advice, at_once.advice, other) == ("clean", "rework", None)


def test_the_very_same_picture_is_no_other_inspection(tmp_path: Path, dirty: tuple[bytes, Report]) -> None:
    """Sent twice it is still the first try."""
    with Record(tmp_path / "record") as record:
        added(record, dirty)

        assert added(record, dirty).reinspection is None


def test_an_earlier_picture_that_is_gone_is_told(
    tmp_path: Path, dirty: tuple[bytes, Report], cleaned: tuple[bytes, Report]
) -> None:
    """The tries are counted still, the marks are not compared."""
    with Record(tmp_path / "record") as record:
        added(record, dirty)
        for picture in (tmp_path / "record" / "pictures").iterdir():
            picture.unlink()
        again = added(record, cleaned).reinspection

    assert again is not None
    assert (again.registered, again.marks, again.attempts) == (False, (), 1)
    assert again.text == "not compared: the earlier picture is not in the record any more; clean it again (try 1 of 3)"


def test_a_run_shows_what_became_of_the_marks(
    run: Run, fake_server: FakeServer, tmp_path: Path, dirty: tuple[bytes, Report], cleaned: tuple[bytes, Report]
) -> None:
    """In the table, the page, the JSON, the record and its CSV."""
    reports = {report.image.sha256: report for _, report in (dirty, cleaned)}
    names = {"1.png": dirty, "2.png": cleaned}

    def answer(received: Received) -> Report:
        report = names[received.parameters["name"]][1]
        return replace(reports[report.image.sha256], serial=received.parameters["serial"])

    fake_server.answer = answer
    record, out = tmp_path / "record", tmp_path / "out"
    results = []
    for name, (data, _) in names.items():
        (tmp_path / name).write_bytes(data)
        options = ("--serial", "A123", "--record", record, "--out", out, "--rework-after", "1")
        results.append(run("inspect", tmp_path / name, "--profile", "mm-pc", *options))
    expected = "2 of 6 marks gone (removable), 4 stayed; send it to rework (try 1 of 1)"
    written = Report.from_json((out / "2.json").read_text(encoding="utf-8"))
    rows = list(csv.DictReader(io.StringIO(run("record", "export", record).stdout, newline="")))

    assert [result.exit_code for result in results] == [1, 1]
    assert "since the last inspection" not in results[0].stdout
    assert f"since the last inspection {expected}" in " ".join(results[1].stdout.split())
    assert written.reinspection is not None
    assert written.reinspection.text == expected
    assert expected in (out / "index.html").read_text(encoding="utf-8")
    assert expected in run("record", "show", record, "A123").stdout
    assert [row["reinspection"] for row in rows] == ["", expected]


def test_pictures_of_one_run_are_of_one_state(
    run: Run, fake_server: FakeServer, tmp_path: Path, dirty: tuple[bytes, Report], cleaned: tuple[bytes, Report]
) -> None:
    """Nobody cleans between them, so none is the earlier inspection of another."""
    names = {"A123-1.png": dirty, "A123-2.png": cleaned}
    for name, (data, _) in names.items():
        (tmp_path / name).write_bytes(data)
    fake_server.answer = lambda received: names[received.parameters["name"]][1]
    options = ("--serial-from-name", "A123", "--record", tmp_path / "record")
    result = run("inspect", *(tmp_path / name for name in names), "--profile", "mm-pc", *options)

    assert "since the last inspection" not in result.stdout
