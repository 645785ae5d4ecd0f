"""Parts of a line: told apart by serial number and bytes, and judged by all that their reports say."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks.common.pictures import Picture
from benchmarks.studies.line.part import Known, known, part
from endface import offline
from endface.options import Options
from endface.report import Report


@pytest.fixture(scope="session")
def pool(pictures: list[Picture]) -> list[Known]:
    """The drawn pictures with their reports."""
    return known(pictures, "mm-pc")


def judged(data: bytes, serial: str) -> Report:
    """What a server would say."""
    return Report.from_json(offline.inspect(data, Options("mm-pc", serial=serial, name="else")).to_json())


def test_each_part_is_its_own(pool: list[Known]) -> None:
    """No two parts have the same serial number or the same bytes; the same number gives the same part."""
    parts = [part(number, pool) for number in range(3 * len(pool))]

    assert len({each.serial for each in parts}) == len({each.data for each in parts}) == len(parts)
    assert part(1, pool) == parts[1]


def test_serial_number_in_the_file_changes_nothing_that_is_seen(pool: list[Known]) -> None:
    """The report of a part is that of its picture."""
    own = part(5, pool)

    assert own.is_judged_by(judged(own.data, own.serial))


def test_report_of_another_part_is_noticed(pool: list[Known]) -> None:
    """By serial number, by sum, and, where both are right, by what was found."""
    own, other = part(0, pool), part(1, pool)
    report = judged(own.data, own.serial)
    stranger = judged(other.data, own.serial)

    assert not own.is_judged_by(replace(report, serial=other.serial))
    assert not own.is_judged_by(stranger)
    assert not own.is_judged_by(replace(stranger, image=report.image))


def test_other_files_stay_as_they_are(pictures: list[Picture]) -> None:
    """Only a JPEG takes a serial number."""
    _, png = cv2.imencode(".png", cv2.imdecode(np.frombuffer(pictures[0].data, np.uint8), cv2.IMREAD_GRAYSCALE))
    (only,) = known([replace(pictures[0], data=png.tobytes())], "mm-pc")

    assert part(7, [only]).data == png.tobytes()
    assert part(7, [only]).serial != part(8, [only]).serial
