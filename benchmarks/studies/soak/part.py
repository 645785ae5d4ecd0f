"""Parts of a soak: each has a serial number and a picture of its own, and a report that is known beforehand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.pictures import Picture
from endface import offline
from endface.engines.catalog import ONNXRUNTIME
from endface.options import Options
from endface.report import ImageInfo, Report

_START: Final = b"\xff\xd8"
_COMMENT: Final = b"\xff\xfe"
"""JPEG's markers of a picture's start and of a comment (ITU-T T.81, table B.1)."""

_NOBODY: Final = ImageInfo(name="", sha256="", width=0, height=0)


@dataclass(frozen=True)
class Known:
    """A picture, and all that a report must find in it.

    Attributes:
        data: The JPEG file.
        findings: As ``findings`` gives them.
    """

    data: bytes
    findings: Report


@dataclass(frozen=True)
class Part:
    """What a station presents.

    Attributes:
        serial: Its serial number.
        data: Its picture: that of a ``Known`` with the serial number in it, so that no two have the same bytes.
        findings: What its report must say.
    """

    serial: str
    data: bytes
    findings: Report

    def is_judged_by(self, report: Report) -> bool:
        """Whether a report is this part's, and right in everything."""
        echoes = report.serial == self.serial and report.image.sha256 == hashlib.sha256(self.data).hexdigest()
        return echoes and findings(report) == self.findings


def known(pictures: Iterable[Picture], profile: str) -> list[Known]:
    """Inspect pictures in this process.

    Args:
        pictures: JPEG files that can be judged.
        profile: the limits to judge by.

    Raises:
        BenchmarkError: one is no JPEG.
    """
    found = []
    for picture in pictures:
        if not picture.data.startswith(_START):
            raise BenchmarkError(f"{picture.name} is no JPEG; a soak takes nothing else")
        report = offline.inspect(picture.data, Options(profile), engine=ONNXRUNTIME)
        found.append(Known(picture.data, findings(Report.from_json(report.to_json()))))
    return found


def part(number: int, pool: Sequence[Known]) -> Part:
    """The part with a number: the pictures take turns."""
    chosen, serial = pool[number % len(pool)], f"soak-{number:06}"
    comment = serial.encode()
    length = (2 + len(comment)).to_bytes(2, "big")
    data = _START + _COMMENT + length + comment + chosen.data[len(_START) :]
    return Part(serial, data, chosen.findings)


def findings(report: Report) -> Report:
    """A report without what belongs to one part and one moment."""
    return replace(report, image=_NOBODY, serial="", meta={}, timings_ms={})
