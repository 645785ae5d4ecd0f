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

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.errors import ConfigurationError
from endface_build.data.class_codes import AS_THEY_ARE, CLASSES_FILE, read_classes
from endface_build.data.class_maps import EITHER_FILE, read_class_map
from endface_build.data.labelled import Labelled, picture_shape
from endface_build.data.polygons import read_coco, read_yolo, yolo_names

PICTURES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


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
    known = AS_THEY_ARE | codes
    pictures: dict[str, list[Path]] = {}
    for path in sorted(images_folder(folder).glob("*")):
        if path.suffix.lower() in PICTURES:
            pictures.setdefault(path.stem, []).append(path)
    if maps := _paired(pictures, folder, ("masks", "labels"), ".png"):
        return LabelledFolder("masks", tuple(partial(read_class_map, picture, path, known) for picture, path in maps))
    for path in sorted([*folder.glob("*.json"), *folder.glob("annotations/*.json")]):
        if drawings := read_coco(path, known):
            found = {name: _find(folder, name) for name in drawings}
            _refuse_shared(found, path)
            return LabelledFolder("coco", tuple(partial(_draw, found[name], draw) for name, draw in drawings.items()))
    if texts := _paired(pictures, folder, ("labels",), ".txt"):
        names = yolo_names(folder)
        return LabelledFolder(
            "yolo", tuple(partial(_draw, picture, read_yolo(path, names, known)) for picture, path in texts)
        )
    raise ConfigurationError(
        f"No labels in {folder}: expected images/ beside masks/*.png or labels/*.txt, or a COCO file *.json."
    )


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
            pairs = {path.name: _only(pictures.get(path.stem, []), path) for path in found}
            _refuse_shared(pairs, folder / place)
            return [(pairs[path.name], path) for path in found]
    return []


def _only(pictures: list[Path], label: Path) -> Path:
    """The one picture of a label file's name: a label without a picture, or with two, must not go unseen."""
    if not pictures:
        raise ConfigurationError(f"{label.parent} has {label.name} but no picture of that name: add it.")
    if len(pictures) > 1:
        names = " and ".join(path.name for path in pictures)
        raise ConfigurationError(f"{label} may belong to {names}: give each picture a name of its own.")
    return pictures[0]


def _refuse_shared(pictures: dict[str, Path], labels: Path) -> None:
    """Refuse labels that lead to one picture by several names: all but one would be another picture's."""
    names: dict[Path, str] = {}
    for name, picture in pictures.items():
        if picture in names:
            raise ConfigurationError(
                f"{labels} has labels of {names[picture]} and of {name}, and both lead to {picture}: give each picture "
                "a name of its own."
            )
        names[picture] = name


def _find(folder: Path, name: str) -> Path:
    plain = name.replace("\\", "/")  # as tools on Windows write it
    for place in (folder / name, folder / plain, folder / "images" / plain, folder / "images" / Path(plain).name):
        if place.is_file():
            return place
    raise ConfigurationError(f"The COCO file names {name}, which is neither in {folder} nor in its images/: add it.")


def _draw(picture: Path, draw: Callable[[tuple[int, int]], NDArray[np.uint8]]) -> Labelled:
    data = picture.read_bytes()
    return Labelled(picture.name, data, draw(picture_shape(data, picture)))
