"""A report drawn on its picture: zones, the fiber, the outline of every defect, and the verdict above.

Only thin lines and small numbers cover the picture; the banner stands above it, the legend below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from endface.errors import PictureError
from endface.picture.decode import decode
from endface.report import Defect, Ellipse, Report
from endface_client.output.overlay_text import banner, font, legend
from endface_client.output.palette import DEFECT_COLORS, INK, PAPER, Color

_ZONE_COLOR: Final = (255, 255, 255)
_FIBER_COLOR: Final = (94, 234, 212)
_ENLARGE_BELOW_PX: Final = 1000  # a smaller picture is shown at twice its size, so that numbers do not hide it
_MARGIN_PX: Final = 3  # between a defect and the line around it
_LETTER_ANGLES: Final = np.radians([45, 30, 60, 15, 75, 135])  # where a zone's letter may stand, best first
_MOST_NUMBERS: Final = 30  # more numbers would hide the picture; the report's table has them all
_FIXED_BITS: Final = 4  # OpenCV draws at sixteenths of a pixel
_BLANK_PX: Final = (480, 640)  # canvas for bytes that are no picture


@dataclass(frozen=True)
class Canvas:
    """The enlarged picture to draw on: ``rgb`` is uint8 (H, W, 3); a camera pixel is ``zoom`` canvas pixels wide."""

    rgb: NDArray[np.uint8]
    zoom: int

    @classmethod
    def of(cls, gray: NDArray[np.uint8] | None) -> Canvas:
        """The canvas for a picture uint8 (H, W); blank where there is none."""
        if gray is None:
            gray = np.full(_BLANK_PX, 40, np.uint8)
        zoom = 2 if max(gray.shape) < _ENLARGE_BELOW_PX else 1
        size = (gray.shape[1] * zoom, gray.shape[0] * zoom)
        enlarged = cv2.resize(gray, size, interpolation=cv2.INTER_CUBIC) if zoom > 1 else gray
        return cls(np.repeat(enlarged[:, :, None], 3, axis=2).astype(np.uint8), zoom)

    @property
    def unit(self) -> float:
        """Widths of lines and letters grow with the picture: 1 at 1000 pixels."""
        height, width = self.rgb.shape[:2]
        return max(1.0, min(width, 2 * height) / 1000)  # a strip of a few rows keeps small letters

    def at(self, camera_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Camera pixels (N, 2) to canvas pixels (N, 2)."""
        return (camera_xy + 0.5) * self.zoom - 0.5

    def line(self, lines: list[NDArray[Any]], color: Color, *, closed: bool = True, halo: bool = False) -> None:
        """Thin lines through canvas pixels (N, 2); as a ``halo`` wide enough to show on both sides of a thin one."""
        points = [np.round(each * (1 << _FIXED_BITS)).astype(np.int32) for each in lines]
        width = max(1, round(self.unit)) + 2 * halo
        cv2.polylines(self.rgb, points, closed, color, width, cv2.LINE_AA, _FIXED_BITS)


def gray_levels(data: bytes) -> NDArray[np.uint8] | None:
    """The picture as uint8 (H, W), as it was judged; None if it cannot be decoded, which its report says as well."""
    try:
        return decode(data).gray
    except PictureError:
        return None


def overlay_png(gray: NDArray[np.uint8] | None, report: Report) -> bytes:
    """The report drawn on the picture that it belongs to, as PNG.

    Args:
        gray: the picture that was inspected, uint8 (H, W); None if it cannot be decoded.
        report: its report.
    """
    canvas = Canvas.of(gray)
    labels = Labels(canvas)
    if report.fiber is not None and report.calibration is not None:
        _draw_zones(canvas, report, labels)
    _draw_defects(canvas, report, labels)
    picture = labels.drawn()
    parts = [banner(report, picture.width, canvas.unit), picture]
    if report.verdict != "invalid":
        parts.append(legend(report, picture.width, canvas.unit, canvas.zoom))
    sheet = Image.new("RGB", (picture.width, sum(part.height for part in parts)))
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    _, png = cv2.imencode(".png", np.asarray(sheet)[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return png.tobytes()


class Labels:
    """Small texts beside what they name; one that would cover another is left out, so the important come first."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._taken: list[tuple[float, float, float, float]] = []
        self._texts: list[tuple[tuple[float, float, float, float], str, Color]] = []
        self._font = font(12 * canvas.unit)

    def add(self, text: str, corners: list[tuple[float, float]], color: Color) -> None:
        """Put a text's center at the first of the canvas points where it is free."""
        height, width = self._canvas.rgb.shape[:2]
        half_width, half_height = self._font.getlength(text) / 2 + 3 * self._canvas.unit, 8 * self._canvas.unit
        for x, y in corners:
            box = (x - half_width, y - half_height, x + half_width, y + half_height)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] < width and box[3] < height
            if inside and not any(_overlap(box, taken) for taken in self._taken):
                self._taken.append(box)
                self._texts.append((box, text, color))
                return

    def drawn(self) -> Image.Image:
        """The canvas with the texts on it."""
        picture = Image.fromarray(self._canvas.rgb)
        pen = ImageDraw.Draw(picture, "RGBA")
        for box, text, color in self._texts:
            pen.rounded_rectangle(box, 4 * self._canvas.unit, (*INK, 190))
            pen.text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), text, color, self._font, anchor="mm")
        return picture


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def ellipse_points(ellipse: Ellipse) -> NDArray[np.float64]:
    """Camera pixels (N, 2) along an ellipse, about two pixels apart."""
    count = max(24, round(np.pi * max(ellipse.radii_px)))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    points: NDArray[np.float64] = np.asarray(ellipse.center_px) + circle * np.asarray(ellipse.radii_px)
    return points


def _draw_zones(canvas: Canvas, report: Report, labels: Labels) -> None:
    """Zone bounds as faint circles with their letters, the fiber as dashes."""
    assert report.fiber is not None
    assert report.calibration is not None
    center, scale = report.fiber.cladding.center_px, np.asarray(report.calibration.um_per_px)
    plain = canvas.rgb.copy()
    for zone in report.zones:
        rx, ry = zone.outer_um / 2 / scale
        canvas.line([canvas.at(ellipse_points(Ellipse(center, (rx, ry))))], _ZONE_COLOR)
        places = np.asarray(center) + np.column_stack([np.cos(_LETTER_ANGLES) * rx, -np.sin(_LETTER_ANGLES) * ry])
        labels.add(zone.name, [(x, y) for x, y in canvas.at(places)], PAPER)
    cv2.addWeighted(canvas.rgb, 0.55, plain, 0.45, 0, dst=canvas.rgb)
    for ellipse in filter(None, (report.fiber.cladding, report.fiber.core)):
        points = canvas.at(ellipse_points(ellipse))
        canvas.line([points[start : start + 4] for start in range(0, len(points), 8)], _FIBER_COLOR, closed=False)


def _draw_defects(canvas: Canvas, report: Report, labels: Labels) -> None:
    """Outlines in the type's color over a dark halo, and numbers: the inner zones' and the largest come first."""
    outlines = [_outline(canvas, defect) for defect in report.defects]
    for outline in outlines:
        canvas.line(outline, INK, halo=True)
    for outline, defect in zip(outlines, report.defects, strict=True):
        canvas.line(outline, DEFECT_COLORS[defect.type])
    for outline, defect in list(zip(outlines, report.defects, strict=True))[:_MOST_NUMBERS]:
        labels.add(str(defect.id), _beside(outline, 10 * canvas.unit), DEFECT_COLORS[defect.type])


def _outline(canvas: Canvas, defect: Defect) -> list[NDArray[np.int32]]:
    """Lines on the canvas around a defect, a little off its edge: a line on a thin scratch would hide it."""
    margin = round(_MARGIN_PX * canvas.unit)
    rings = [np.round(canvas.at(np.array(ring))).astype(np.int32) for ring in defect.polygon_px]
    origin = np.concatenate(rings).min(axis=0) - 2 * margin
    width, height = np.concatenate(rings).max(axis=0) - origin + 2 * margin + 1
    shape = np.zeros((height, width), np.uint8)
    cv2.fillPoly(shape, [ring - origin for ring in rings], (1,))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    contours, _ = cv2.findContours(
        cv2.dilate(shape, disc), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=origin.tolist()
    )
    return [contour[:, 0].astype(np.int32) for contour in contours]


def _beside(outline: list[NDArray[np.int32]], gap: float) -> list[tuple[float, float]]:
    """Canvas points for a number: off the outline's ends to the upper right, lower right, upper left, lower left."""
    points = np.concatenate(outline)
    ends = [(points[np.argmax(points @ (x, y))], (x, y)) for x, y in ((1, -1), (1, 1), (-1, -1), (-1, 1))]
    return [(end[0] + gap * x, end[1] + gap * y) for end, (x, y) in ends]
