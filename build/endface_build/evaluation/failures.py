"""Pictures of the worst mistakes on drawn faces: missed defects and false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.files import write_whole
from endface.picture.decode import decode
from endface.report import Report
from endface_build.data.labelled import Labelled
from endface_build.evaluation.metrics import MIN_UM, EvaluatedPicture, Json

TILE_UM: Final = 44.0
TILE_PX: Final = 220
"""Side of a picture, on the face and on paper."""

LABEL_COLOR: Final = (80, 200, 0)
REPORT_COLOR: Final = (60, 60, 255)
"""Green for labels, red for reports, in OpenCV's order."""

GAP_PX: Final = 6


@dataclass(frozen=True)
class Failure:
    """A mistake: on which picture of the set, what it is, where, how large, and how surprising (larger is worse)."""

    number: int
    name: str
    what: str
    kind: str
    zone: str
    size_um: float
    center_px: tuple[float, float]
    weight: float

    def to_json(self) -> Json:
        """The mistake as JSON."""
        return {
            "picture": self.name,
            "what": self.what,
            "kind": self.kind,
            "zone": self.zone,
            "size_um": round(self.size_um, 1),
        }


def worst_failures(evaluated: Sequence[EvaluatedPicture], count: int) -> list[Failure]:
    """Half missed defects of the strongest contrast, half false alarms of the highest confidence; one a picture.

    Args:
        evaluated: Of the network.
        count: How many at most.
    """
    missed, alarms = [], []
    for number, picture in enumerate(evaluated):
        for defect in picture.match.labelled if picture.match else ():
            if not defect.found and defect.size_um >= MIN_UM:
                place = (defect.kind, defect.zone, defect.size_um, defect.center_px)
                missed.append(Failure(number, picture.name, "missed", *place, defect.contrast or 0.0))
        for alarm in picture.match.reported if picture.match else ():
            if not alarm.true and alarm.size_um >= MIN_UM:
                place = (alarm.kind, alarm.zone, alarm.size_um, alarm.center_px)
                alarms.append(Failure(number, picture.name, "false alarm", *place, alarm.confidence))
    return [failure for group in (missed, alarms) for failure in _first(group, count // 2)]


def draw_failures(cases: Sequence[tuple[Failure, Labelled, Report]], path: Path) -> None:
    """A sheet of two rows: each mistake as the camera saw it, and below with the outlines of labels and report.

    Args:
        cases: Each mistake with its picture and its report.
        path: The PNG file.
    """
    columns = [np.vstack([tile, _gap(tile), marked]) for tile, marked in (_tiles(*case) for case in cases)]
    between = np.full((columns[0].shape[0], GAP_PX, 3), 255, np.uint8)
    strip = [part for column in columns for part in (column, between)][:-1]
    _, encoded = cv2.imencode(".png", np.hstack(strip), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    write_whole(path, encoded.tobytes())


def _first(group: list[Failure], count: int) -> list[Failure]:
    chosen: dict[str, Failure] = {}
    for failure in sorted(group, key=lambda each: -each.weight):
        chosen.setdefault(failure.name, failure)
    return list(chosen.values())[:count]


def _tiles(failure: Failure, labelled: Labelled, report: Report) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    gray = decode(labelled.data).gray
    um_per_px = report.calibration.um_per_px if report.calibration else (0.5, 0.5)
    scale = np.array(um_per_px) * TILE_PX / TILE_UM
    offset = TILE_PX / 2 - scale * failure.center_px
    matrix = np.column_stack([np.diag(scale), offset])
    tile = cv2.warpAffine(gray, matrix, (TILE_PX, TILE_PX), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    tile = cv2.cvtColor(tile, cv2.COLOR_GRAY2BGR).astype(np.uint8)
    marked = tile.copy()
    labels = cv2.warpAffine(labelled.labels, matrix, (TILE_PX, TILE_PX), flags=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours((labels > 0).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(marked, outlines, -1, LABEL_COLOR, 1)
    for defect in report.defects:
        rings = [np.array(ring) * scale + offset for ring in defect.polygon_px]
        cv2.polylines(marked, [np.round(ring).astype(np.int32) for ring in rings], True, REPORT_COLOR, 1)
    return np.asarray(tile, np.uint8), np.asarray(marked, np.uint8)


def _gap(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.full((GAP_PX, tile.shape[1], 3), 255, np.uint8)
