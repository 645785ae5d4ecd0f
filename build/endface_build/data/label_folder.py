"""Folders of labelled pictures: class maps, COCO segmentation or YOLO polygons.

    masks   images/*.jpg + masks/*.png (or labels/*.png): gray levels are classes; beside a map, NAME.json may give the
            ``cladding_ellipse`` [cx, cy, rx, ry] in pixels (and a ``hole_ellipse`` that is as good), and ``either``
            with NAME.either.png: objects that may be read in two ways
    COCO    *.json with images, annotations and categories, in the folder or in its annotations/
    YOLO    images/*.jpg + labels/*.txt, and data.yaml or classes.txt with the names

``classes.toml`` in the folder says which of their classes is which of ours:

    [classes]
    "Scratch - deep" = "scratch"
    "dust" = "contamination"
    "3" = "chip"            # a class map's gray level
    "not sure" = "ignore"   # neither trained on nor counted
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
from endface_build.data.labelled import GAP_CODE, Either, Labelled
from endface_build.data.polygons import read_coco, read_yolo, yolo_names
from endface_build.drawing.canvas import UNDECIDED

CLASSES_FILE: Final = "classes.toml"
EITHER_FILE: Final = ".either.png"
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
    """The labelled pictures of a folder, in whichever layout it has.

    Args:
        folder: The folder.
        classes: The class map; None for ``classes.toml`` in the folder, or for our own names where there is none.

    Raises:
        ConfigurationError: The folder holds no labels in a known layout, a label file belongs to no picture or to two,
            or the class map is broken.
    """
    codes = read_classes(classes or folder / CLASSES_FILE) if classes or (folder / CLASSES_FILE).exists() else {}
    known = _AS_THEY_ARE | codes
    pictures: dict[str, list[Path]] = {}
    for path in sorted(images_folder(folder).glob("*")):
        if path.suffix.lower() in PICTURES:
            pictures.setdefault(path.stem, []).append(path)
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


def images_folder(folder: Path) -> Path:
    """Where a folder's pictures lie: in its ``images/``, or in the folder itself."""
    return folder / "images" if (folder / "images").is_dir() else folder


def _paired(
    pictures: dict[str, list[Path]], folder: Path, places: tuple[str, ...], ending: str
) -> list[tuple[Path, Path]]:
    """Pictures with their label files, from the first of some places that has any."""
    for place in places:
        found = [
            path
            for path in sorted((folder / place).glob("*"))
            if path.suffix.lower() == ending and path.name != "classes.txt" and not path.name.endswith(EITHER_FILE)
        ]
        if found:
            return [(_only(pictures.get(path.stem, []), path), path) for path in found]
    return []


def _only(pictures: list[Path], label: Path) -> Path:
    """The one picture of a label file's name: a label without a picture, or with two, must not go unseen."""
    if not pictures:
        raise ConfigurationError(f"{label.parent} has {label.name} but no picture of that name: add it.")
    if len(pictures) > 1:
        names = " and ".join(path.name for path in pictures)
        raise ConfigurationError(f"{label} may belong to {names}: give each picture a name of its own.")
    return pictures[0]


def _find(folder: Path, name: str) -> Path:
    plain = name.replace("\\", "/")  # as tools on Windows write it
    for place in (folder / name, folder / plain, folder / "images" / plain, folder / "images" / Path(plain).name):
        if place.is_file():
            return place
    raise ConfigurationError(f"The COCO file names {name}, which is neither in {folder} nor in its images/: add it.")


def _read_map(picture: Path, path: Path, known: Codes) -> Labelled:
    """A PNG class map, its gray levels translated, with what the JSON file beside it says."""
    levels = _read_levels(path)
    if unknown := [str(level) for level in np.unique(levels) if str(level) not in known]:
        raise ConfigurationError(f"{path} has level {unknown[0]}, which {CLASSES_FILE} does not name: add it there.")
    table = np.zeros(int(levels.max()) + 1, np.uint8)
    for level in np.unique(levels):
        table[level] = known[str(level)]
    data = picture.read_bytes()
    height, width = _shape(data, picture)
    if levels.shape != (height, width):
        raise ConfigurationError(f"{path} does not have its picture's size, {width} x {height} pixels: draw it anew.")
    sidecar = _sidecar(path)
    return Labelled(picture.name, data, table[levels], _claddings(sidecar, path), _either(sidecar, path, levels.shape))


def _read_levels(path: Path) -> NDArray[np.uint8]:
    levels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if levels is None or levels.ndim != 2:
        raise ConfigurationError(f"{path} is no class map: save it as a gray or indexed PNG, one level a class.")
    return np.asarray(levels)


def _draw(picture: Path, draw: Callable[[tuple[int, int]], NDArray[np.uint8]]) -> Labelled:
    data = picture.read_bytes()
    return Labelled(picture.name, data, draw(_shape(data, picture)))


def _sidecar(path: Path) -> dict[str, Any]:
    """The JSON object beside a class map; empty where there is none."""
    sidecar = path.with_suffix(".json")
    if not sidecar.exists():
        return {}
    try:
        return dict(json.loads(sidecar.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as exc:
        raise ConfigurationError(f"{sidecar} is not a JSON object: write it anew or remove it. ({exc})") from exc


def _claddings(sidecar: dict[str, Any], path: Path) -> tuple[Ellipse, ...]:
    try:
        found = [sidecar[key] for key in ("cladding_ellipse", "hole_ellipse") if sidecar.get(key)]
        return tuple(Ellipse((float(cx), float(cy)), (float(rx), float(ry))) for cx, cy, rx, ry in found)
    except (ValueError, TypeError) as exc:
        place = path.with_suffix(".json")
        raise ConfigurationError(f"{place}: cladding_ellipse must be [cx, cy, rx, ry] in pixels. ({exc})") from exc


def _either(sidecar: dict[str, Any], path: Path, shape: tuple[int, ...]) -> Either | None:
    """Objects that may be read in two ways, from the JSON object and the PNG file that belong to a class map."""
    if not sidecar.get("either"):
        return None
    try:
        types = tuple((str(one), str(many)) for one, many in (entry["types"] for entry in sidecar["either"]))
    except (KeyError, TypeError, ValueError) as exc:
        raise ConfigurationError(f'{path.with_suffix(".json")}: either needs objects with "types": [T1, T2].') from exc
    marks = [name for name, code in OURS.items() if code not in (Label.BACKGROUND, UNDECIDED)]
    if unknown := sorted({each for pair in types for each in pair} - set(marks)):
        raise ConfigurationError(
            f"{path.with_suffix('.json')}: either names {unknown[0]}; types are {', '.join(marks)}."
        )
    drawing = path.with_name(path.stem + EITHER_FILE)
    if not drawing.is_file():
        raise ConfigurationError(f"{path.with_suffix('.json')} has either objects, but {drawing} is missing: add it.")
    pixels = _read_levels(drawing)
    if pixels.shape != shape or set(np.unique(pixels) % GAP_CODE) - set(range(len(types) + 1)):
        raise ConfigurationError(f"{drawing} does not fit its picture or the objects of its JSON file: draw it anew.")
    return Either(pixels, types)


def _shape(data: bytes, path: Path) -> tuple[int, int]:
    """Height and width of an encoded picture, from its header."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            return image.height, image.width
    except (OSError, Image.DecompressionBombError) as exc:
        raise ConfigurationError(
            f"{path} is no picture that can be read: replace it or take its labels away. ({exc})"
        ) from exc
