"""The fiber as the pipeline's separation stage found it: a second opinion, and a hint where endface finds none."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from endface.report import Ellipse, ImageInfo, Point, Report
from endface.stages import LARGEST_SCALE_ERROR

DETECTED: Final = "3_detected"
"""Folder of the detection stage in a run's folder; the pipeline's last stage looks nowhere else."""

_SEPARATED: Final = "2_separated"
_FILE: Final = "consensus_report.json"

_CROP_RADII: Final = 2.3
"""Half the side of the crop in cladding radii: the outermost zone ends at 2, and the hint may be a little off."""


@dataclass(frozen=True)
class Consensus:
    """The fiber as the separation stage agreed on it, in pixels of the whole picture; its file names the fields."""

    center: Point
    core_radius: float
    cladding_radius: float

    @classmethod
    def beside(cls, output_dir: Path, stem: str) -> Consensus | None:
        """Read the consensus of a picture; None where there is none, or where its numbers cannot be a fiber.

        Args:
            output_dir: ``RUN/3_detected/STEM``, as the pipeline calls the detection stage.
            stem: the picture's name without its ending.
        """
        if output_dir.parent.name != DETECTED:
            return None
        path = output_dir.parent.parent / _SEPARATED / stem / _FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            x, y = values["center"]
            found = cls((float(x), float(y)), float(values["core_radius"]), float(values["cladding_radius"]))
        except (OSError, ValueError, TypeError, KeyError):  # no hint, then: the stage is another one's
            return None
        numbers = (*found.center, found.core_radius, found.cladding_radius)
        return found if all(map(math.isfinite, numbers)) and found.cladding_radius > 1 else None

    def agrees(self, cladding: Ellipse) -> bool:
        """Whether center and radius are those of the cladding, to a fifth of the radius."""
        off_px = math.dist(self.center, cladding.center_px)
        ratio = math.sqrt(cladding.radii_px[0] * cladding.radii_px[1]) / self.cladding_radius
        near = 1 / (1 + LARGEST_SCALE_ERROR) <= ratio <= 1 + LARGEST_SCALE_ERROR
        return near and off_px <= LARGEST_SCALE_ERROR * self.cladding_radius

    def crop(self, gray: NDArray[Any]) -> tuple[NDArray[Any], tuple[int, int]]:
        """The part of a picture (H, W) that holds the face, and its first column and row."""
        reach = _CROP_RADII * self.cladding_radius
        x, y = (max(0, math.floor(middle - reach)) for middle in self.center)
        right, bottom = (max(0, math.ceil(middle + reach)) for middle in self.center)
        return gray[y:bottom, x:right], (x, y)


def moved(report: Report, by_px: tuple[int, int], image: ImageInfo) -> Report:
    """The report of a crop as that of the whole picture.

    Args:
        report: what was found in the crop.
        by_px: the crop's first column and row.
        image: the whole picture.
    """
    dx, dy = by_px

    def ellipse(found: Ellipse) -> Ellipse:
        return dataclasses.replace(found, center_px=(found.center_px[0] + dx, found.center_px[1] + dy))

    fiber = report.fiber and dataclasses.replace(
        report.fiber,
        cladding=ellipse(report.fiber.cladding),
        core=report.fiber.core and ellipse(report.fiber.core),
    )
    defects = tuple(
        dataclasses.replace(
            defect,
            bbox_px=(defect.bbox_px[0] + dx, defect.bbox_px[1] + dy, *defect.bbox_px[2:]),
            polygon_px=tuple(tuple((x + dx, y + dy) for x, y in ring) for ring in defect.polygon_px),
        )
        for defect in report.defects
    )
    return dataclasses.replace(report, image=image, fiber=fiber, defects=defects)
