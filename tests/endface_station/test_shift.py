"""The shift out of the record."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from endface.files import sha256
from endface.report import ImageInfo
from endface_client import Record, ServerError
from endface_station.arrival import Arrival, PartPassed, ScanFirst
from endface_station.part import Attempt
from endface_station.shift import LAST_PARTS, Serials, Shift
from tests.endface_station.conftest import picture, report_of

NUMBERS = count(1)


def add(record: Record, verdict: str, serial: str, *, fiber: int = 1, fibers: int = 1, part: str = "") -> None:
    """Write the entry of another picture, as a station does."""
    number = next(NUMBERS)
    data = picture(number)
    arrival = Arrival("a.png", serial, part or serial, fiber, fibers, f"{number:x}")
    image = ImageInfo("a.png", sha256(data), 64, 48)
    record.add(data, dataclasses.replace(report_of(verdict), image=image, serial=serial, meta=arrival.meta))


def test_shift_is_what_the_record_says(tmp_path: Path) -> None:
    """Parts, attempts and yield come back after a restart."""
    with Record(tmp_path) as record:
        add(record, "pass", "A1")
        add(record, "fail", "A2")
        add(record, "pass", "A2")
        add(record, "pass", "A3", fiber=1, fibers=2)
        add(record, "invalid", "A3", fiber=2, fibers=2)
    shift = Shift.of_record(tmp_path)

    assert [(part.serial, part.word) for part in shift.last()] == [("A1", "pass"), ("A2", "pass"), ("A3", "invalid")]
    assert shift.first_pass_yield == pytest.approx(1 / 3)
    part = shift.begin("A3")
    assert (part.fibers, part.next_fiber({})) == (2, 2)
    assert part.face(1).attempts[0].report is not None


def test_serial_that_is_scanned_again_goes_on_where_it_was_left(tmp_path: Path) -> None:
    """Its faces are read from the record, however long ago they were inspected; so are its tries."""
    with Record(tmp_path) as record:
        add(record, "pass", "A1", fiber=1, fibers=2)
        add(record, "fail", "A1", fiber=2, fibers=2)
    shift = Shift.of_record(tmp_path, fibers=12)
    shift.begin("A2")
    part = shift.begin("A1")

    assert (part.fibers, part.word, part.tries(2), part.next_fiber({})) == (2, "fail", 1, 2)


def test_picture_that_was_not_inspected_says_nothing_about_a_face(tmp_path: Path) -> None:
    """Where its entry does not say which fiber it was of."""
    with Record(tmp_path) as record:
        add(record, "pass", "A1", fiber=1, fibers=2)
        record.add(None, ServerError("it failed"), name="a.png", serial="A1")
    part = Shift.of_record(tmp_path).begin("A1")

    assert (part.face(1).word, part.next_fiber({})) == ("pass", 2)


def test_error_on_the_first_picture_leaves_a_connector_its_fibers(tmp_path: Path) -> None:
    """Its entry does not say how many they are; one good picture must not pass it."""
    with Record(tmp_path) as record:
        record.add(None, ServerError("it failed"), name="a.png", serial="A1", fiber=1)
        add(record, "pass", "A2", fibers=12)
    shift = Shift.of_record(tmp_path, fibers=12)
    part = shift.begin("A1")
    shift.add(part, 1, attempt(1))

    assert (part.fibers, part.word) == (12, None)


@pytest.mark.parametrize(("serials", "is_asked"), [("connectors", True), ("optional", False)])
def test_connector_that_the_record_knows_asks_for_the_next_scan(
    tmp_path: Path, serials: Serials, is_asked: bool
) -> None:
    """On a station for single fibers, too."""
    with Record(tmp_path) as record:
        for fiber in (1, 2):
            add(record, "pass", "A1", fiber=fiber, fibers=2)
    shift = Shift.of_record(tmp_path, fibers=1, serials=serials)
    shift.begin("A1")
    if is_asked:
        with pytest.raises(PartPassed):
            shift.awaiting()
        shift.current = None
    assert (shift.awaiting().serial, shift.awaiting().fibers) == ("", 1)


def test_fewer_fibers_can_be_said_until_a_picture_shows_more() -> None:
    """Though the page has shown all of them; a fiber that is no more is not the chosen one."""
    shift = Shift(lambda _: (), fibers=12)
    part = shift.begin("A1")
    assert (part.is_whole, part.next_fiber({})) == (False, 1)
    part.selected = 7
    shift.count(4)
    assert (part.fibers, part.selected) == (4, None)
    shift.add(part, 3, attempt(1))
    shift.count(2)
    assert part.fibers == 3


def test_picture_after_a_pass_needs_a_scan(tmp_path: Path) -> None:
    """Without one it belongs to a part without a serial number, unless the operator has chosen a fiber."""
    with Record(tmp_path) as record:
        add(record, "pass", "A1")
        shift = Shift.of_record(tmp_path)
        part = shift.begin("A1")
        part.selected = 1
        assert shift.awaiting() is part
        part.selected = None
        assert shift.awaiting().serial == ""


@pytest.mark.parametrize(
    ("serials", "fibers", "is_asked"),
    [
        ("optional", 1, False),
        ("optional", 12, False),
        ("connectors", 1, False),
        ("connectors", 2, True),
        ("always", 1, True),
    ],
)
def test_scan_is_asked_for_by_setting_and_fibers(serials: Serials, fibers: int, is_asked: bool) -> None:
    """A folder without a page asks nobody."""
    shift = Shift(lambda _: (), fibers=fibers, serials=serials)
    if is_asked:
        with pytest.raises(ScanFirst):
            shift.awaiting()
    else:
        assert shift.awaiting().fibers == fibers


def attempt(second: int, word: str = "pass") -> Attempt:
    """A picture that was filed at that second."""
    time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    return Attempt(word, time, f"{second:064x}", report=report_of(word))  # type: ignore[arg-type]


def test_takt_is_the_median_time_between_parts() -> None:
    """A break does not change it."""
    shift = Shift(lambda _: ())
    assert shift.takt is None
    for number, second in enumerate((0, 40, 80, 120, 2000, 2040)):
        shift.add(shift.begin(f"A{number}"), 1, attempt(second))

    assert shift.takt == timedelta(seconds=40)


def test_shift_keeps_fifty_parts_and_few_reports() -> None:
    """However many are inspected."""
    shift = Shift(lambda _: ())
    for second in range(500):
        shift.add(shift.begin(f"A{second}"), 1, attempt(second))
    last = shift.last()
    held = [part for part in last if part.face(1).attempts[0].report]

    assert [part.serial for part in last] == [f"A{number}" for number in range(450, 500)]
    assert len(last) == LAST_PARTS
    assert len(held) <= 4


def test_part_in_progress_counts_once_it_is_whole() -> None:
    """One that is left before counts as open."""
    shift = Shift(lambda _: (), fibers=2)
    shift.add(shift.begin("A1"), 1, attempt(1))
    assert shift.last() == []
    shift.begin("A2")
    assert dict(shift.counts) == {"open": 1}
