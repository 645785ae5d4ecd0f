"""The page of a run: one HTML file that needs no other, with every picture, its verdict and its measurements."""

from __future__ import annotations

import base64
import os
import urllib.parse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import cv2
import jinja2
import numpy as np
from numpy.typing import NDArray

from endface.connector import ConnectorReport
from endface.report import Defect, Point, Report
from endface_client.outcome import WORDS, Outcome, Tally, Word
from endface_client.output.ownership import REPORT
from endface_client.output.palette import DEFECT_COLORS, VERDICT_COLORS, Color

_LONGEST_SIDE_PX: Final = 1280  # of a picture in the page: enough to see a 2 um pit, a tenth of the original's bytes
_FIRST: Final[tuple[Word, ...]] = ("error", "fail", "invalid", "pass")
_JPEG_QUALITY: Final = [cv2.IMWRITE_JPEG_QUALITY, 85]


@dataclass(frozen=True)
class Card:
    """One picture in the page.

    Attributes:
        outcome: the report or the error.
        photo: the picture as a data URI; empty where it cannot be shown.
        stem: beginning of the names of its files beside the page; empty where there are none.
        previous: the earlier report that this one was compared with, for the marks that are gone; None where unknown.
    """

    outcome: Outcome
    photo: str
    stem: str = ""
    previous: Report | None = None

    @property
    def report(self) -> Report | None:
        """The report, if there is one."""
        return self.outcome.report

    @property
    def has_face(self) -> bool:
        """Whether the picture can be shown around its fiber."""
        return bool(self.photo and self.report and self.report.fiber and self.report.calibration)

    @property
    def gone(self) -> Sequence[Defect]:
        """Marks of the earlier report that are gone; none where its fiber is not known."""
        found = self.report.reinspection if self.report else None
        if not (found and found.registered and self.previous and self.previous.fiber and self.previous.calibration):
            return ()
        ids = found.previous_ids("gone")
        return [defect for defect in self.previous.defects if defect.id in ids]

    @property
    def report_link(self) -> str:
        """The report's address, seen from the page; empty where there is none."""
        return urllib.parse.quote(os.fsencode(self.stem + REPORT)) if self.stem else ""


@dataclass(frozen=True)
class FaceRow:
    """A connector in the page: its faces side by side, as on a microscope that steps through them.

    Attributes:
        name: of its picture or folder.
        report: the verdict on it.
        numbers: of the cards of its fibers, from 1 in the order in which they were inspected.
    """

    name: str
    report: ConnectorReport
    numbers: Sequence[int]


@dataclass(frozen=True)
class ZoneBar:
    """Defects of one zone over the whole run, by type."""

    zone: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """All types together."""
        return sum(self.counts.values())


def photo_uri(gray: NDArray[np.uint8] | None) -> str:
    """The picture uint8 (H, W) as a data URI of its ``photo_jpeg``; empty for None."""
    return "" if gray is None else "data:image/jpeg;base64," + base64.b64encode(photo_jpeg(gray)).decode()


def photo_jpeg(gray: NDArray[np.uint8]) -> bytes:
    """The picture uint8 (H, W) as a JPEG of at most 1280 pixels a side."""
    shrink = min(1.0, _LONGEST_SIDE_PX / max(gray.shape))
    size = [max(1, round(side * shrink)) for side in gray.shape[::-1]]
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA) if shrink < 1 else gray
    _, jpeg = cv2.imencode(".jpg", small, _JPEG_QUALITY)
    return jpeg.tobytes()


def page(
    cards: Sequence[Card],
    rows: Sequence[FaceRow] = (),
    *,
    server: str,
    finished: datetime,
    warnings: Sequence[str] = (),
) -> str:
    """The HTML of a run: what did not pass comes first.

    Args:
        cards: the pictures in the order in which they were inspected.
        rows: the connectors whose fibers they are.
        server: where they were inspected.
        finished: when.
        warnings: sentences about the whole run.
    """
    reports = [card.report for card in cards if card.report is not None]
    tally = Tally()
    for card in cards:
        tally.add(card.outcome)
    return environment().get_template("run.html.j2").render(
        cards=cards,
        rows=rows,
        noun="fiber" if rows else "picture",
        ordered=sorted(enumerate(cards, 1), key=lambda each: _FIRST.index(each[1].outcome.word)),
        words=WORDS,
        counts=tally.counts,
        borderline=tally.borderline,
        bars=zone_bars(reports),
        kinds=list(DEFECT_COLORS),
        colors={name: css(color) for name, color in (*DEFECT_COLORS.items(), *VERDICT_COLORS.items())},
        profiles=sorted({report.criteria for report in reports}, key=lambda criteria: criteria.profile),
        models={report.model for report in reports if report.model},
        softwares=sorted({report.software for report in reports}),
        server=server,
        finished=finished,
        warnings=warnings,
    )  # fmt: skip


def zone_bars(reports: Sequence[Report]) -> list[ZoneBar]:
    """Defects of all reports by the innermost zone that they touch, from the core outward."""
    zones = dict.fromkeys(zone.name for report in reports for zone in report.zones)
    found = Counter((defect.zone, defect.type) for report in reports for defect in report.defects)
    return [ZoneBar(zone, {kind: found[zone, kind] for kind in DEFECT_COLORS}) for zone in zones]


def svg_path(rings: tuple[tuple[Point, ...], ...]) -> str:
    """A defect's rings as the ``d`` of an SVG path."""
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z" for ring in rings)


def upper_right(rings: tuple[tuple[Point, ...], ...]) -> Point:
    """The point of an outline where its number stands."""
    return max((point for ring in rings for point in ring), key=lambda point: point[0] - point[1])


def css(color: Color) -> str:
    """The color as CSS writes it."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def environment(*packages: str) -> jinja2.Environment:
    """Templates of these packages, then of this one.

    Everything from outside is escaped; an unknown name in a template is an error.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package) for package in (*packages, "endface_client.output")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"svg_path": svg_path, "upper_right": upper_right}
    return environment
