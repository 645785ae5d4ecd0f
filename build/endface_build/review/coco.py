"""COCO segmentation files (https://cocodataset.org/#format-data): polygons out, polygons or plain runs back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from endface.errors import ConfigurationError
from endface.files import write_whole
from endface.review.marks import TYPES, Mark
from endface_build.data.polygons import coco_pictures, pixels_of_runs
from endface_build.review.sheet import Returned, Sheet, from_corner, mark_of_pixels, to_corner, type_of

FILE: Final = "annotations.json"


def write(folder: Path, sheets: Sequence[Sheet]) -> Path:
    """Write the annotations of pictures that lie in the folder's ``images/``.

    Returns:
        The file.
    """
    annotations: list[dict[str, Any]] = []
    for number, sheet in enumerate(sheets, start=1):
        annotations += [_annotation(mark, number) for mark in sheet.marks]
    values = {
        "info": {"description": "review cases of endface"},
        "images": [
            {"id": number, "file_name": sheet.file, "width": sheet.size[0], "height": sheet.size[1]}
            for number, sheet in enumerate(sheets, start=1)
        ],
        "annotations": [each | {"id": number} for number, each in enumerate(annotations, start=1)],
        "categories": [
            {"id": number, "name": name, "supercategory": "mark"} for number, name in enumerate(TYPES, start=1)
        ],
    }
    write_whole(folder / FILE, json.dumps(values, indent=1).encode())
    return folder / FILE


def read(path: Path, codes: Mapping[str, int]) -> list[Returned]:
    """The pictures of a file.

    Args:
        path: the file, or a folder with ``annotations.json``.
        codes: our code for each of its classes.

    Raises:
        ConfigurationError: it is no COCO file, or holds what is no outline.
    """
    file = path / FILE if path.is_dir() else path
    pictures = coco_pictures(file, codes)
    if not pictures:
        raise ConfigurationError(f"{file} is no COCO file, or has no pictures: export the project as COCO.")
    found = []
    for name, picture in pictures.items():
        marks = []
        for code, drawn in picture.regions:
            kind = type_of(code)
            if isinstance(drawn, list):
                marks.append(Mark(kind, tuple(from_corner([(x, y) for x, y in ring.tolist()]) for ring in drawn)))
            else:
                marks.append(mark_of_pixels(kind, pixels_of_runs(drawn, file, picture.size)))
        size = None if picture.size is None else (picture.size[1], picture.size[0])
        found.append(Returned(name, tuple(marks), size=size))
    return found


def _annotation(mark: Mark, image: int) -> dict[str, Any]:
    rings = [to_corner(ring) for ring in mark.rings]
    points = np.concatenate([np.asarray(ring, np.float32) for ring in rings])
    (x, y), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return {
        "image_id": image,
        "category_id": TYPES.index(mark.type) + 1,
        "segmentation": [[number for point in ring for number in point] for ring in rings],
        "area": round(sum(abs(cv2.contourArea(np.asarray(ring, np.float32))) for ring in rings), 2),
        "bbox": [round(each, 2) for each in (x, y, right - x, bottom - y)],
        "iscrowd": 0,
    }
