"""Label maps from COCO segmentation and YOLO polygon files.

Regions to ignore are drawn first, the others in the file's order: what is labelled for certain wins. A region without
an outline (a box alone) is refused, for a face with boxes would read as a clean one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from endface.errors import ConfigurationError
from endface_build.drawing.canvas import UNDECIDED

Draw = Callable[[tuple[int, int]], NDArray[np.uint8]]
"""Draws a label map of a height and width."""

Points = NDArray[np.float64]
"""A polygon's corners (N, 2) as x, y."""

NAMES_FILES: Final = ("data.yaml", "classes.txt", "labels/classes.txt")
"""Where YOLO folders keep the names of their classes: Ultralytics' file, and the one of most labelling tools."""

_MIN_NUMBERS: Final = 6
"""A polygon has at least three corners."""


def read_coco(path: Path, codes: Mapping[str, int]) -> dict[str, Draw]:
    """The pictures of a COCO file, and what draws the label map of each; empty where the JSON file is not COCO.

    Args:
        path: The file.
        codes: Our code for each of their class names.

    Raises:
        ConfigurationError: The file is broken, names a class that ``codes`` does not have or a picture twice, or holds
            boxes without polygons or compressed runs.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"{path} is no JSON: export it anew. ({exc})") from exc
    if not isinstance(values, dict) or not {"images", "annotations", "categories"} <= values.keys():
        return {}
    try:
        names = {category["id"]: str(category["name"]) for category in values["categories"]}
        regions: dict[Any, list[tuple[int, Any]]] = {image["id"]: [] for image in values["images"]}
        for annotation in values["annotations"]:
            code = _code(names[annotation["category_id"]], codes, path)
            regions[annotation["image_id"]].append((code, _segmentation(annotation, path)))
        drawings: dict[str, Draw] = {
            str(image["file_name"]): partial(_paint, regions[image["id"]]) for image in values["images"]
        }
    except (KeyError, TypeError, ValueError) as exc:
        raise ConfigurationError(f"{path} is not a whole COCO file: {exc!r} is missing or wrong.") from exc
    if len(drawings) < len(values["images"]):
        raise ConfigurationError(f"{path} has a picture's file_name twice: give each picture a name of its own.")
    return drawings


def yolo_names(folder: Path) -> list[str]:
    """Names of a YOLO folder's classes, in the order of their numbers.

    Raises:
        ConfigurationError: There is no file with names, or it is broken.
    """
    for name in NAMES_FILES:
        path = folder / name
        if not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".txt":
            return [line.strip() for line in text.splitlines() if line.strip()]
        try:
            names = yaml.safe_load(text)["names"]
        except (yaml.YAMLError, KeyError, TypeError) as exc:
            raise ConfigurationError(f"{path} has no list of names: write names: [scratch, pit].") from exc
        return [str(names[key]) for key in sorted(names)] if isinstance(names, dict) else [str(each) for each in names]
    raise ConfigurationError(f"No names of the classes in {folder}: add {' or '.join(NAMES_FILES[:2])}.")


def read_yolo(path: Path, names: list[str], codes: Mapping[str, int]) -> Draw:
    """Drawing of a YOLO file's label map; its lines are a class number and corners as shares of width and height.

    Args:
        path: The file.
        names: Names of the classes by number.
        codes: Our code for each name.

    Raises:
        ConfigurationError: A line is no polygon, or its class has no name.
    """
    regions: list[tuple[int, Points]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            first, *rest = line.split()
            name, corners = names[int(first)], np.array([float(each) for each in rest])
            if int(first) < 0 or len(corners) < _MIN_NUMBERS or len(corners) % 2:
                raise ValueError("a polygon is a class number and at least three pairs x y, a box is not enough")
        except (ValueError, IndexError) as exc:
            raise ConfigurationError(f"{path}, line {number}, is no polygon of a known class: {exc}.") from exc
        regions.append((_code(name, codes, path), corners.reshape(-1, 2)))
    return partial(_paint_shares, regions)


def _code(name: str, codes: Mapping[str, int], path: Path) -> int:
    if name not in codes:
        raise ConfigurationError(f"{path} has class {name!r}, which classes.toml does not name: add it there.")
    return codes[name]


def _segmentation(annotation: Mapping[str, Any], path: Path) -> list[Points] | NDArray[np.int64]:
    """Polygons as corners, or plain run lengths."""
    drawn = annotation.get("segmentation")
    if not drawn or (isinstance(drawn, list) and min(map(len, drawn)) < _MIN_NUMBERS):
        raise ConfigurationError(
            f"{path} has no polygon in annotation {annotation.get('id')}: a box does not say which pixels are defect. "
            "Export polygons or masks."
        )
    if isinstance(drawn, list):
        return [np.array(ring, np.float64).reshape(-1, 2) for ring in drawn]
    if not isinstance(drawn["counts"], list):
        raise ConfigurationError(
            f"{path} holds compressed runs (RLE) in annotation {annotation.get('id')}: export polygons, or runs as "
            "lists of counts."
        )
    return np.array(drawn["counts"], np.int64)


def _paint(regions: list[tuple[int, Any]], shape: tuple[int, int]) -> NDArray[np.uint8]:
    labels = np.zeros(shape, np.uint8)
    for code, drawn in sorted(regions, key=lambda region: region[0] != UNDECIDED):
        labels[_runs(drawn, shape) if isinstance(drawn, np.ndarray) else _filled(drawn, shape)] = code
    return labels


def _paint_shares(regions: list[tuple[int, Points]], shape: tuple[int, int]) -> NDArray[np.uint8]:
    size = np.array(shape[::-1], np.float64)
    return _paint([(code, [corners * size]) for code, corners in regions], shape)


def _filled(rings: list[Points], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels of a region's parts.

    Both formats measure corners from the picture's corner, so that pixel centers stand at halves.
    """
    mask = np.zeros(shape, np.uint8)
    for ring in rings:
        cv2.fillPoly(mask, [np.round(ring - 0.5).astype(np.int32).reshape(-1, 1, 2)], [1])
    return mask.astype(np.bool_)


def _runs(counts: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels from run lengths, down the columns, background first."""
    values = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    if len(values) != shape[0] * shape[1]:
        raise ConfigurationError(
            f"A run-length mask has {len(values)} pixels, its picture {shape[1]} x {shape[0]}: export it anew."
        )
    return np.asarray(values.reshape(shape[1], shape[0]).T)
