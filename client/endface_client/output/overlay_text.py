"""What stands above and below the picture of an overlay: the verdict with its reasons, the legend and a scale bar."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from functools import cache
from typing import Final, TypeAlias

from PIL import Image, ImageDraw, ImageFont

from endface.report import DefectType, Report
from endface_client.output.palette import DEFECT_COLORS, FAINT, INK, PAPER, VERDICT_COLORS

Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

_BAR_UM: Final = 50


@cache
def font(size_px: float) -> Font:
    """Pillow's own font, so that no file of the system is needed."""
    return ImageFont.load_default(size_px)


def banner(report: Report, width: int, unit: float) -> Image.Image:
    """The verdict on its color, the picture's name, profile and scope, and as many reasons as there is room for."""
    large, small = font(30 * unit), font(15 * unit)
    pad, line = 14 * unit, 21 * unit
    reasons = [text for reason in report.reasons[:2] for text in _wrapped(reason, small, width - 2 * pad)][:3]
    strip = Image.new("RGB", (width, round(56 * unit + line * len(reasons) + (8 * unit if reasons else 0))), INK)
    pen = ImageDraw.Draw(strip)
    pen.rectangle((0, 0, width, 56 * unit), VERDICT_COLORS[report.verdict])
    word = report.verdict.upper()
    pen.text((pad, 28 * unit), word, "white", large, anchor="lm")
    start = pad + large.getlength(word) + 20 * unit
    room = width - start - pad
    name = " · ".join(filter(None, (report.image.name, report.serial)))
    said = (report.criteria.profile, report.scope_text, "borderline" if report.borderline else "")
    pen.text((start, 18 * unit), _cut(name, small, room), "white", small, anchor="lm")
    pen.text((start, 39 * unit), _cut(" · ".join(filter(None, said)), small, room), "white", small, anchor="lm")
    for row, text in enumerate(reasons):
        pen.text((pad, 60 * unit + line * (row + 0.5)), text, PAPER, small, anchor="lm")
    return strip


def _wrapped(text: str, face: Font, room: float) -> list[str]:
    """The text in lines that fit."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if face.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _cut(text: str, face: Font, room: float) -> str:
    """The text, its end replaced by dots where it does not fit."""
    if face.getlength(text) <= room:
        return text
    keep = bisect_right(range(len(text)), room, key=lambda length: face.getlength(text[:length] + "..."))
    return text[: max(keep - 1, 0)] + "..."


def counted(number: int, kind: DefectType) -> str:
    """A number of defects in words: "1 scratch", "2 scratches", "3 contamination"."""
    ending = {"scratch": "es", "contamination": ""}.get(kind, "s") if number != 1 else ""
    return f"{number} {kind}{ending}"


def legend(report: Report, width: int, unit: float, zoom: int) -> Image.Image:
    """What the colors mean and how often they occur, and a bar of known length.

    Args:
        report: what was found.
        width: of the sheet in pixels.
        unit: 1 for letters of normal size, more on large pictures.
        zoom: sheet pixels per camera pixel.
    """
    small, middle = font(14 * unit), 20 * unit
    strip = Image.new("RGB", (width, round(2 * middle)), INK)
    pen = ImageDraw.Draw(strip)
    end = width - _scale_bar(pen, report, width, unit, zoom)
    counts = Counter(defect.type for defect in report.defects)
    x = 14 * unit
    for kind, color in DEFECT_COLORS.items():
        text = counted(counts[kind], kind)
        if not counts[kind] or x + small.getlength(text) + 40 * unit > end:
            continue
        pen.rounded_rectangle((x, middle - 6 * unit, x + 12 * unit, middle + 6 * unit), 3 * unit, color)
        pen.text((x + 18 * unit, middle), text, PAPER, small, anchor="lm")
        x += small.getlength(text) + 40 * unit
    if not report.defects:
        pen.text((x, middle), "no defects", FAINT, small, anchor="lm")
    return strip


def _scale_bar(pen: ImageDraw.ImageDraw, report: Report, width: int, unit: float, zoom: int) -> float:
    """A bar of 50 um at the right; returns how much room it took."""
    if report.calibration is None:
        return 0.0
    text, face, middle = f"{_BAR_UM} um", font(14 * unit), 20 * unit
    length = _BAR_UM / report.calibration.um_per_px[0] * zoom
    right = width - 14 * unit
    left = right - length
    pen.line((left, middle, right, middle), PAPER, max(1, round(2 * unit)))
    for x in (left, right):
        pen.line((x, middle - 5 * unit, x, middle + 5 * unit), PAPER, max(1, round(2 * unit)))
    pen.text((left - 8 * unit, middle), text, PAPER, face, anchor="rm")
    return length + face.getlength(text) + 36 * unit
