"""Parts of a line: each has a serial number, a picture, and a report that is known beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.common.pictures import Picture
from endface import offline
from endface.engines.catalog import ONNXRUNTIME
from endface.files import sha256
from endface.options import Options
from endface.report import ImageInfo, Report

_START: Final = b"\xff\xd8"
_COMMENT: Final = b"\xff\xfe"
"""JPEG's markers of a picture's start and of a comment (ITU-T T.81, table B.1)."""

_NOBODY: Final = ImageInfo(name="", sha256="", width=0, height=0)


@dataclass(frozen=True)
class Known:
    """A picture with all that a report must find in it.

    Attributes:
        data: The file.
        findings: As ``findings`` gives them.
    """

    data: bytes
    findings: Report


@dataclass(frozen=True)
class SerialPart:
    """What a station presents.

    Attributes:
        serial: Its serial number.
        data: Its picture: that of a ``Known``; a JPEG has the serial number in it, so that no two have the same bytes.
        findings: What its report must say.
    """

    serial: str
    data: bytes
    findings: Report

    def is_judged_by(self, report: Report) -> bool:
        """Whether a report is this part's, and right in everything."""
        echoes = report.serial == self.serial and report.image.sha256 == sha256(self.data)
        return echoes and findings(report) == self.findings


def known(pictures: Iterable[Picture], profile: str) -> list[Known]:
    """Inspect pictures in this process."""
    found = []
    for picture in pictures:
        report = offline.inspect(picture.data, Options(profile), engine=ONNXRUNTIME)
        found.append(Known(picture.data, findings(Report.from_json(report.to_json()))))
    return found


def part(number: int, pool: Sequence[Known]) -> SerialPart:
    """The part with a number: the pictures take turns."""
    chosen, serial = pool[number % len(pool)], f"part-{number:06}"
    data, comment = chosen.data, serial.encode()
    if data.startswith(_START):
        data = _START + _COMMENT + (2 + len(comment)).to_bytes(2, "big") + comment + data[len(_START) :]
    return SerialPart(serial, data, chosen.findings)


def findings(report: Report) -> Report:
    """A report without what belongs to one part and one moment."""
    return replace(report, image=_NOBODY, serial="", meta={}, timings_ms={})
