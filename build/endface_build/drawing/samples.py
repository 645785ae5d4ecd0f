"""Drawing of the demo's pictures, with the truth about every mark in micrometers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from endface.contract import Label
from endface.files import write_whole
from endface_build.drawing.camera import Photograph, photograph
from endface_build.drawing.canvas import UNDECIDED
from endface_build.drawing.line_marks import LineMark
from endface_build.drawing.marks import Mark
from endface_build.drawing.sample_scenes import CLEANING, SAMPLES, Sample
from endface_build.provenance import write_json


def draw_samples(folder: Path) -> list[Path]:
    """Draw the demo's pictures, and those of a face that is cleaned into a folder ``...-cleaning`` beside it.

    Beside them ``truth.json`` lists every mark in micrometers from the fiber's center.

    Args:
        folder: Where the files go.

    Returns:
        The pictures' paths.
    """
    return [*_draw(folder, SAMPLES), *_draw(folder.with_name(f"{folder.name}-cleaning"), CLEANING)]


def _draw(folder: Path, samples: Sequence[Sample]) -> list[Path]:
    """Draw pictures and their truth into one folder."""
    folder.mkdir(parents=True, exist_ok=True)
    truth, paths = [], []
    for number, sample in enumerate(samples):
        photo = photograph(sample.face, replace(sample.camera, jpeg_quality=None), seed=number)
        options = [cv2.IMWRITE_JPEG_QUALITY, 92] if sample.name.endswith(".jpg") else [cv2.IMWRITE_PNG_COMPRESSION, 9]
        _, encoded = cv2.imencode(Path(sample.name).suffix, photo.picture, options)
        paths.append(folder / sample.name)
        write_whole(paths[-1], encoded.tobytes())
        truth.append(_truth(sample, photo))
    write_json(folder / "truth.json", {"samples": truth})
    return paths


def _truth(sample: Sample, photo: Photograph) -> dict[str, Any]:
    """What is known about a sample, as JSON."""
    labels = photo.labels
    counts = np.bincount(labels[labels != UNDECIDED], minlength=len(Label))
    return {
        "name": sample.name,
        "shows": sample.shows,
        "center_px": list(photo.placement.center_px),
        "um_per_px": list(photo.placement.um_per_px),
        "cladding_um": sample.face.cladding_um,
        "core_um": sample.face.core_um,
        "defects": [_defect(mark) for mark in sample.face.marks],
        "labelled_px": {label.name.lower(): int(counts[label]) for label in Label if label != Label.BACKGROUND},
    }


def _defect(mark: Mark) -> dict[str, Any]:
    """A mark's kind, place and size as JSON."""
    kind = mark.kind.name.lower()
    if isinstance(mark, LineMark):
        return {"type": kind, "points_um": [list(point) for point in mark.points_um], "width_um": mark.width_um}
    center_um = [round(coordinate, 2) for coordinate in mark.center_um]
    return {
        "type": kind,
        "center_um": center_um,
        "length_um": round(mark.length_um, 2),
        "width_um": round(mark.width_um, 2),
    }
