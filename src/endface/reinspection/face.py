"""A face as one inspection saw it: its square, what of it the camera saw, and its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from endface.picture.decode import decode
from endface.picture.square import Placement, resample
from endface.report import Calibration, Defect, Fiber, Report


@dataclass(frozen=True)
class Face:
    """A face as one inspection saw it.

    Attributes:
        square: gray levels uint8 (512, 512), 0.5 um per pixel, the fiber's center in the middle.
        seen: bool (512, 512), what of it the camera saw.
        report: the inspection's report; it names a fiber.
    """

    square: NDArray[np.uint8]
    seen: NDArray[np.bool_]
    report: Report

    @classmethod
    def of(cls, data: bytes, report: Report) -> Face:
        """The face in an encoded picture.

        Args:
            data: the picture that was inspected.
            report: of it.

        Raises:
            PictureError: the picture cannot be decoded.
            ValueError: the report names no fiber.
        """
        if report.fiber is None or report.calibration is None:
            raise ValueError(f"the report of {report.image.name!r} names no fiber")
        picture = decode(data)
        placement = Placement(report.fiber.cladding.center_px, report.calibration.um_per_px)
        return cls(resample(picture, placement), placement.seen(picture.field, picture.circle), report)

    @property
    def fiber(self) -> Fiber:
        """Where the fiber is in the camera's picture."""
        return cast("Fiber", self.report.fiber)

    @property
    def um_per_px(self) -> tuple[float, float]:
        """Scale of the camera in x and y."""
        return cast("Calibration", self.report.calibration).um_per_px

    @property
    def placement(self) -> Placement:
        """Where the square lies in the camera's picture."""
        return Placement(self.fiber.cladding.center_px, self.um_per_px)

    @property
    def cladding_radius_um(self) -> float:
        """Radius of the cladding on the square."""
        return sum(r * s for r, s in zip(self.fiber.cladding.radii_px, self.um_per_px, strict=True)) / 2

    @property
    def core_radius_um(self) -> float:
        """Radius of the core on the square; 0 where none was found."""
        core = self.fiber.core
        return sum(r * s for r, s in zip(core.radii_px, self.um_per_px, strict=True)) / 2 if core else 0.0

    def outline_um(self, defect: Defect) -> list[NDArray[np.float64]]:
        """Rings (N, 2) of a defect's outline in um from the fiber's center."""
        center, scale = np.asarray(self.fiber.cladding.center_px), np.asarray(self.um_per_px)
        return [(np.asarray(ring) - center) * scale for ring in defect.polygon_px]
