"""Label maps from COCO segmentation and YOLO polygon files.

Regions to ignore are drawn first, the others in the file's order: what is labelled for certain wins. A region that
would leave no trace is refused, for its face would read as a clean one: a box alone, corners that are no numbers, an
outline beside the picture, a picture of another size than the outlines were drawn on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

_BEYOND: Final = 0.05
"""By which share of the picture a corner may lie beside it: labelling tools let the mouse go over the edge."""

TEXT: Final = "utf-8-sig"
"""Encoding of label files: UTF-8, with the mark that editors on Windows put before it or without."""


@dataclass(frozen=True)
class CocoPicture:
    """A picture of a COCO file.

    Attributes:
        size: Height and width; None where the file does not say.
        regions: Our code of each region, and its outlines or its run lengths.
    """

    size: tuple[int, int] | None
    regions: list[tuple[int, list[Points] | NDArray[np.int64]]]


def read_coco(path: Path, codes: Mapping[str, int]) -> dict[str, Draw]:
    """The pictures of a COCO file, and what draws the label map of each; empty where the JSON file is not COCO.

    Args:
        path: The file.
        codes: Our code for each of their class names.

    Raises:
        ConfigurationError: As ``coco_pictures``. Drawing raises it where the picture has another size than the file
            says, or a region has no pixel in it.
    """
    pictures = coco_pictures(path, codes)
    return {name: partial(_paint_sized, each.regions, path, each.size) for name, each in pictures.items()}


def coco_pictures(path: Path, codes: Mapping[str, int]) -> dict[str, CocoPicture]:
    """The pictures of a COCO file by their names; empty where the JSON file is not COCO.

    Args:
        path: The file.
        codes: Our code for each of their class names.

    Raises:
        ConfigurationError: The file is broken, names a class that ``codes`` does not have or a picture twice, or holds
            boxes without polygons or compressed runs.
    """
    try:
        values = json.loads(path.read_text(encoding=TEXT))
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"{path} is no JSON: export it anew. ({exc})") from exc
    if not isinstance(values, dict) or not {"images", "annotations", "categories"} <= values.keys():
        return {}
    try:
        names = {category["id"]: str(category["name"]) for category in values["categories"]}
        regions: dict[Any, list[tuple[int, list[Points] | NDArray[np.int64]]]] = {
            image["id"]: [] for image in values["images"]
        }
        for annotation in values["annotations"]:
            code = _code(names[annotation["category_id"]], codes, path)
            regions[annotation["image_id"]].append((code, _segmentation(annotation, path)))
        pictures = {
            str(image["file_name"]): CocoPicture(_size(image), regions[image["id"]]) for image in values["images"]
        }
    except (KeyError, TypeError, ValueError) as exc:
        raise ConfigurationError(f"{path} is not a whole COCO file: {exc!r} is missing or wrong.") from exc
    if len(pictures) < len(values["images"]):
        raise ConfigurationError(f"{path} has a picture's file_name twice: give each picture a name of its own.")
    return pictures


def pixels_of_runs(counts: NDArray[np.int64], path: Path, size: tuple[int, int] | None) -> NDArray[np.bool_]:
    """Pixels (H, W) of a region that a COCO file gives in runs.

    Raises:
        ConfigurationError: They are none of a picture of that height and width, or are empty.
    """
    if size is None:
        raise ConfigurationError(f"{path} gives runs of a picture without its width and height: export it anew.")
    pixels = _runs(counts, path, size)
    if not pixels.any():
        raise ConfigurationError(f"{path} has a region without a pixel: draw it anew or remove it.")
    return pixels


def yolo_names(folder: Path) -> list[str]:
    """Names of a YOLO folder's classes, in the order of their numbers.

    Raises:
        ConfigurationError: There is no file with names, or it is broken.
    """
    for name in NAMES_FILES:
        path = folder / name
        if not path.exists():
            continue
        text = _text(path)
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
        ConfigurationError: A line is no polygon, its corners are no shares, or its class has no name.
    """
    regions: list[tuple[int, Points]] = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            first, *rest = line.split()
            name, corners = names[int(first)], np.array([float(each) for each in rest])
            if int(first) < 0 or len(corners) < _MIN_NUMBERS or len(corners) % 2:
                raise ValueError("a polygon is a class number and at least three pairs x y, a box is not enough")
            if not (np.abs(corners - 0.5) <= 0.5 + _BEYOND).all():
                raise ValueError("corners are shares of the picture's width and height, 0 to 1")
        except (ValueError, IndexError) as exc:
            raise ConfigurationError(f"{path}, line {number}, is no polygon of a known class: {exc}.") from exc
        regions.append((_code(name, codes, path), corners.reshape(-1, 2)))
    return partial(_paint_shares, regions, path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding=TEXT)
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{path} is no text in UTF-8: save it as such. ({exc})") from exc


def _size(image: Mapping[str, Any]) -> tuple[int, int] | None:
    """Height and width of a picture as a COCO file gives them; None where it does not."""
    if "width" not in image or "height" not in image:
        return None
    return int(image["height"]), int(image["width"])


def _code(name: str, codes: Mapping[str, int], path: Path) -> int:
    if name not in codes:
        raise ConfigurationError(f"{path} has class {name!r}, which classes.toml does not name: add it there.")
    return codes[name]


def _segmentation(annotation: Mapping[str, Any], path: Path) -> list[Points] | NDArray[np.int64]:
    """Polygons as corners, or plain run lengths."""
    drawn, where = annotation.get("segmentation"), f"in annotation {annotation.get('id')}"
    if not drawn or (isinstance(drawn, list) and min(map(len, drawn)) < _MIN_NUMBERS):
        raise ConfigurationError(
            f"{path} has no polygon {where}: a box does not say which pixels are defect. Export polygons or masks."
        )
    if isinstance(drawn, list):
        rings = [np.array(ring, np.float64).reshape(-1, 2) for ring in drawn]
        if not all(np.isfinite(ring).all() for ring in rings):
            raise ConfigurationError(f"{path} has a corner that is no number {where}: draw that polygon anew.")
        return rings
    if not isinstance(drawn["counts"], list):
        raise ConfigurationError(
            f"{path} holds compressed runs (RLE) {where}: export polygons, or runs as lists of counts."
        )
    return np.array(drawn["counts"], np.int64)


def _paint_sized(
    regions: Sequence[tuple[int, Any]], path: Path, size: tuple[int, int] | None, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    if size is not None and size != shape:
        raise ConfigurationError(
            f"{path} was drawn on a picture of {size[1]} x {size[0]} pixels, the picture has {shape[1]} x {shape[0]}: "
            "put the picture there that was labelled."
        )
    return _paint(regions, path, shape)


def _paint_shares(regions: list[tuple[int, Points]], path: Path, shape: tuple[int, int]) -> NDArray[np.uint8]:
    size = np.array(shape[::-1], np.float64)
    return _paint([(code, [corners * size]) for code, corners in regions], path, shape)


def _paint(regions: Sequence[tuple[int, Any]], path: Path, shape: tuple[int, int]) -> NDArray[np.uint8]:
    labels = np.zeros(shape, np.uint8)
    for code, drawn in sorted(regions, key=lambda region: region[0] != UNDECIDED):
        mask = _runs(drawn, path, shape) if isinstance(drawn, np.ndarray) else _filled(drawn, shape)
        if not mask.any():
            raise ConfigurationError(f"{path} has a region with no pixel in its picture: draw it anew or remove it.")
        labels[mask] = code
    return labels


def _filled(rings: list[Points], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels of a region's parts.

    Both formats measure corners from the picture's corner, so that pixel centers stand at halves.
    """
    mask = np.zeros(shape, np.uint8)
    for ring in rings:
        cv2.fillPoly(mask, [np.round(ring - 0.5).astype(np.int32).reshape(-1, 1, 2)], [1])
    return mask.astype(np.bool_)


def _runs(counts: NDArray[np.int64], path: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels from run lengths, down the columns, background first."""
    if (counts < 0).any() or counts.sum() != shape[0] * shape[1]:
        raise ConfigurationError(
            f"{path} has a run-length mask of {counts.sum()} pixels, its picture has {shape[1]} x {shape[0]}: "
            "export it anew."
        )
    values = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return np.asarray(values.reshape(shape[1], shape[0]).T)
