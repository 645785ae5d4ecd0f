"""Labels from outside: a folder of pictures with class maps, COCO segmentation or YOLO polygons.

    masks   images/*.jpg + masks/*.png (or labels/*.png): gray levels are classes; beside a map, NAME.json may give the
            ``cladding_ellipse`` [cx, cy, rx, ry] in pixels (and a ``hole_ellipse`` that is as good)
    COCO    *.json with images, annotations and categories, in the folder or in its annotations/
    YOLO    images/*.jpg + labels/*.txt, and data.yaml or classes.txt with the names

``classes.toml`` in the folder says which of their classes is which of ours:

    [classes]
    "Scratch - deep" = "scratch"
    "dust" = "contamination"
    "3" = "chip"            # a class map's gray level
    "not sure" = "ignore"   # neither learnt from nor judged
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from endface.contract import Label
from endface.errors import ConfigurationError
from endface.picture.decode import FORMATS
from endface.report import Ellipse
from endface_build.data.labelled import Labelled
from endface_build.data.polygons import read_coco, read_yolo, yolo_names
from endface_build.drawing.canvas import UNDECIDED

CLASSES_FILE: Final = "classes.toml"
PICTURES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")

OURS: Final = {label.name.lower(): int(label) for label in Label} | {"ignore": UNDECIDED}
"""What a class map's right side may say."""

_AS_THEY_ARE: Final = OURS | {str(code): code for code in OURS.values()}
"""Classes that need no class map: our own names, and our own codes in PNG maps."""

Codes = dict[str, int]


@dataclass(frozen=True)
class LabelledFolder:
    """Labelled pictures in a folder, read one by one.

    Attributes:
        layout: ``masks``, ``coco`` or ``yolo``.
        items: What reads each of them.
    """

    layout: str
    items: tuple[Callable[[], Labelled], ...]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Labelled]:
        return (read() for read in self.items)


def open_folder(folder: Path, classes: Path | None = None) -> LabelledFolder:
    """Find out how a folder is labelled.

    Args:
        folder: The folder.
        classes: The class map; None for ``classes.toml`` in the folder, or for our own names where there is none.

    Raises:
        ConfigurationError: The folder holds no labels in a layout that is known, or its class map is broken.
    """
    codes = read_classes(classes or folder / CLASSES_FILE) if classes or (folder / CLASSES_FILE).exists() else {}
    known = _AS_THEY_ARE | codes
    pictures = {path.stem: path for path in sorted(_images(folder).glob("*")) if path.suffix.lower() in PICTURES}
    if maps := _paired(pictures, folder, ("masks", "labels"), ".png"):
        return LabelledFolder("masks", tuple(partial(_read_map, picture, path, known) for picture, path in maps))
    for path in sorted([*folder.glob("*.json"), *folder.glob("annotations/*.json")]):
        if drawings := read_coco(path, known):
            return LabelledFolder(
                "coco", tuple(partial(_draw, _find(folder, name), draw) for name, draw in drawings.items())
            )
    if texts := _paired(pictures, folder, ("labels",), ".txt"):
        names = yolo_names(folder)
        return LabelledFolder(
            "yolo", tuple(partial(_draw, picture, read_yolo(path, names, known)) for picture, path in texts)
        )
    raise ConfigurationError(
        f"No labels in {folder}: expected images/ beside masks/*.png or labels/*.txt, or a COCO file *.json."
    )


def read_classes(path: Path) -> Codes:
    """Their class names to our codes.

    Args:
        path: A TOML file with a table ``classes``.

    Raises:
        ConfigurationError: The file is missing or broken, or names a class that we do not have.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))["classes"]
        pairs = {str(theirs): str(ours) for theirs, ours in table.items()}
    except (OSError, ValueError, KeyError, AttributeError) as exc:
        raise ConfigurationError(
            f'No class map in {path}: it needs a table [classes] with lines such as "dust" = "contamination". ({exc})'
        ) from exc
    if unknown := sorted(set(pairs.values()) - set(OURS)):
        raise ConfigurationError(f"{path} names {', '.join(unknown)}; classes are {', '.join(OURS)}.")
    return {theirs: OURS[ours] for theirs, ours in pairs.items()}


def _images(folder: Path) -> Path:
    return folder / "images" if (folder / "images").is_dir() else folder


def _paired(pictures: dict[str, Path], folder: Path, places: tuple[str, ...], ending: str) -> list[tuple[Path, Path]]:
    """Pictures with their label file; a label file without its picture is a mistake that must not go unseen.

    A folder of maps may lie beside the pictures' folder too: ``labels/`` next to ``images/``.
    """
    for place in places:
        found = sorted((folder / place).glob(f"*{ending}"))
        if found:
            if lost := [path.name for path in found if path.stem not in pictures and path.name != "classes.txt"]:
                raise ConfigurationError(f"{folder / place} has {lost[0]} but no picture of that name: add it.")
            return [(pictures[path.stem], path) for path in found if path.stem in pictures]
    return []


def _find(folder: Path, name: str) -> Path:
    for place in (folder / name, folder / "images" / name, folder / "images" / Path(name).name):
        if place.is_file():
            return place
    raise ConfigurationError(f"The COCO file names {name}, which is neither in {folder} nor in its images/: add it.")


def _read_map(picture: Path, path: Path, known: Codes) -> Labelled:
    """A PNG class map as it is, its gray levels translated."""
    levels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if levels is None or levels.ndim != 2:
        raise ConfigurationError(f"{path} is no class map: save it as a gray or indexed PNG, one level a class.")
    if unknown := [str(level) for level in np.unique(levels) if str(level) not in known]:
        raise ConfigurationError(f"{path} has level {unknown[0]}, which {CLASSES_FILE} does not name: add it there.")
    table = np.zeros(int(levels.max()) + 1, np.uint8)
    for level in np.unique(levels):
        table[level] = known[str(level)]
    return _checked(Labelled(picture.name, picture.read_bytes(), table[levels], _claddings(path)), path)


def _draw(picture: Path, draw: Callable[[tuple[int, int]], NDArray[np.uint8]]) -> Labelled:
    data = picture.read_bytes()
    return Labelled(picture.name, data, draw(_shape(data, picture)))


def _claddings(path: Path) -> tuple[Ellipse, ...]:
    """Ellipses in the JSON file beside a class map, if there is one."""
    sidecar = path.with_suffix(".json")
    if not sidecar.exists():
        return ()
    try:
        values: dict[str, Any] = json.loads(sidecar.read_text(encoding="utf-8"))
        found = [values[key] for key in ("cladding_ellipse", "hole_ellipse") if values.get(key)]
        return tuple(Ellipse((cx, cy), (rx, ry)) for cx, cy, rx, ry in found)
    except (OSError, ValueError, TypeError, AttributeError) as exc:
        raise ConfigurationError(f"{sidecar}: cladding_ellipse must be [cx, cy, rx, ry] in pixels. ({exc})") from exc


def _shape(data: bytes, path: Path) -> tuple[int, int]:
    """Height and width of an encoded picture, from its header."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            return image.height, image.width
    except (OSError, Image.DecompressionBombError) as exc:
        raise ConfigurationError(
            f"{path} is no picture that can be read: replace it or take its labels away. ({exc})"
        ) from exc


def _checked(labelled: Labelled, path: Path) -> Labelled:
    height, width = _shape(labelled.data, Path(labelled.name))
    if labelled.labels.shape != (height, width):
        raise ConfigurationError(f"{path} is not of its picture's size, {width} x {height} pixels: draw it anew.")
    return labelled
