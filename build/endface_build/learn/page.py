"""The page of a learning run: old against new in figures, and side by side on the pictures where they differ."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import jinja2
import numpy as np
from numpy.typing import NDArray

from endface.files import write_whole
from endface.picture.decode import decode
from endface.report import Point, Report
from endface_build.learn.compare import FIGURES, Change, Pair
from endface_build.learn.learn import Learned

PAGE: Final = "learn.html"

MOST_PICTURES: Final = 40
SIDE_PX: Final = 420
"""Side of a picture in the page."""

_NAMES: Final = {
    "recall": "defects found",
    "precision": "reported defects that are true",
    "verdict": "right verdicts",
    "false_pass": "bad parts that pass",
}


@dataclass(frozen=True)
class Shown:
    """A picture in the page.

    Attributes:
        pair: what both networks say of it.
        set: name of its set.
        photo: the face as a data URI.
        view: x, y and side of what is seen, in camera pixels.
        truth: outlines of the labels, in camera pixels.
    """

    pair: Pair
    set: str
    photo: str
    view: tuple[float, float, float]
    truth: list[list[Point]]

    @property
    def sides(self) -> list[tuple[str, Report]]:
        """The two reports under their headings."""
        return [("serving", self.pair.serving), ("candidate", self.pair.candidate)]


def write_page(learned: Learned, folder: Path) -> Path:
    """Write the page of a run, one file that needs no other.

    Returns:
        Its path.
    """
    ordered = sorted(learned.differing, key=lambda each: each[1].serving.verdict == each[1].candidate.verdict)
    text = (
        _environment()
        .get_template("learn.html.j2")
        .render(
            learned=learned,
            figures=FIGURES,
            names=_NAMES,
            pictures=[_shown(name, pair) for name, pair in ordered[:MOST_PICTURES]],
            more=max(0, len(ordered) - MOST_PICTURES),
            side=SIDE_PX,
        )
    )
    write_whole(folder / PAGE, text.encode())
    return folder / PAGE


def _shown(name: str, pair: Pair) -> Shown:
    gray = decode(pair.labelled.data).gray
    x, y, side = _view(pair, gray)
    scale = SIDE_PX / side
    shift = np.array([[scale, 0.0, -scale * x], [0.0, scale, -scale * y]])
    small = cv2.warpAffine(gray, shift, (SIDE_PX, SIDE_PX), flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 82])
    photo = "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()
    marked = (pair.labelled.labels > 0).astype(np.uint8)
    contours, _ = cv2.findContours(marked, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    truth = [[(float(px), float(py)) for px, py in contour[:, 0]] for contour in contours]
    return Shown(pair, name, photo, (x, y, side), truth)


def _view(pair: Pair, gray: NDArray[np.uint8]) -> tuple[float, float, float]:
    """The square around the face."""
    for report in (pair.serving, pair.candidate):
        if report.fiber is not None and report.calibration is not None and report.zones:
            side = 1.06 * max(zone.outer_um for zone in report.zones) / min(report.calibration.um_per_px)
            x, y = report.fiber.cladding.center_px
            return x - side / 2, y - side / 2, side
    side = float(max(gray.shape))
    return (gray.shape[1] - side) / 2, (gray.shape[0] - side) / 2, side


def _path(rings: Sequence[Sequence[Point]]) -> str:
    """The ``d`` of an SVG path."""
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z" for ring in rings)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _interval(change: Change) -> str:
    if change.low is None or change.high is None:
        return "too few parts"
    return f"{change.low:+.1%} to {change.high:+.1%}"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("endface_build.learn"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"path": _path, "share": _share, "interval": _interval}
    return environment
