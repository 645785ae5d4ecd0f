"""Labels from class maps, COCO and YOLO files become the same label map, and mistakes in them are named."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from endface.contract import Label
from endface.errors import ConfigurationError
from endface.report import Ellipse
from endface_build.data.class_codes import read_classes
from endface_build.data.label_folder import open_folder
from endface_build.data.labelled import Labelled
from endface_build.drawing.canvas import UNDECIDED

WIDTH, HEIGHT = 40, 30
POLYGON = [[5, 6, 13, 6, 13, 11, 5, 11]]

Labels = NDArray[np.uint8]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one picture, ``a.png``."""
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.full((HEIGHT, WIDTH), 90, np.uint8))
    return tmp_path


def box(code: int, x0: int, y0: int, x1: int, y1: int) -> Labels:
    """A label map with one box, x0 <= x < x1 and y0 <= y < y1."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[y0:y1, x0:x1] = code
    return labels


def write_map(folder: Path, labels: Labels, name: str = "masks/a.png", **values: Any) -> None:
    """Write a class map, and beside it a JSON object where it has any values."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(cv2.imencode(".png", labels)[1].tobytes())
    if values:
        path.with_suffix(".json").write_text(json.dumps(values))


def classes(folder: Path, **pairs: str) -> None:
    """Write a class map's translation."""
    lines = [f'"{theirs}" = "{ours}"' for theirs, ours in pairs.items()]
    (folder / "classes.toml").write_text("\n".join(["[classes]", *lines]))


def coco(
    folder: Path,
    annotations: list[dict[str, Any]],
    names: tuple[str, ...] = ("dust",),
    files: tuple[str, ...] = ("a.png",),
) -> None:
    """Write a COCO file of pictures from number 7 on; what does not say otherwise lies on the first."""
    categories = [{"id": number, "name": name} for number, name in enumerate(names)]
    images = [
        {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT}
        for number, name in enumerate(files, start=7)
    ]
    annotations = [{"image_id": 7, "category_id": 0} | annotation for annotation in annotations]
    values = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(values))


def yolo(folder: Path, *lines: str) -> None:
    """Write a YOLO file and the names of its classes."""
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("\n".join(lines))
    (folder / "classes.txt").write_text("pit\n")


def picture(folder: Path, name: str) -> None:
    """Write a further picture."""
    cv2.imwrite(str(folder / "images" / name), np.full((HEIGHT, WIDTH), 90, np.uint8))


def only(folder: Path) -> Labelled:
    """The folder's one labelled picture."""
    (labelled,) = open_folder(folder)
    return labelled


@pytest.mark.parametrize("place", ["masks", "labels"])
def test_class_map_in_our_codes(folder: Path, place: str) -> None:
    """A PNG with our codes and 255 for undecided needs no class map."""
    labels = box(Label.PIT, 3, 4, 9, 10) + box(UNDECIDED, 20, 20, 25, 25)
    write_map(folder, labels, f"{place}/a.png")

    assert np.array_equal(only(folder).labels, labels)
    assert only(folder).name == "a.png"


def test_class_map_with_a_palette(folder: Path) -> None:
    """An indexed PNG holds classes as its indexes, whatever colors they have."""
    labels = box(Label.PIT, 3, 4, 9, 10)
    indexed = Image.fromarray(labels)
    indexed.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
    (folder / "masks").mkdir()
    indexed.save(folder / "masks" / "a.png")

    assert np.array_equal(only(folder).labels, labels)


def test_class_map_in_their_codes(folder: Path) -> None:
    """Gray levels are translated by the class map."""
    write_map(folder, box(100, 3, 4, 9, 10) + box(17, 20, 20, 25, 25))
    classes(folder, **{"100": "scratch", "17": "ignore"})

    expected = box(Label.SCRATCH, 3, 4, 9, 10) + box(UNDECIDED, 20, 20, 25, 25)
    assert np.array_equal(only(folder).labels, expected)


def test_ellipses_beside_a_class_map(folder: Path) -> None:
    """A JSON file beside the map says where the cladding lies, and the bore, which is as good."""
    ellipses: dict[str, Any] = {
        "cladding_ellipse": [20.5, 15, 10, 11],
        "hole_ellipse": [20, 15, 12, 12],
        "core_ellipse": None,
    }
    write_map(folder, box(0, 0, 0, 1, 1), **ellipses)

    assert only(folder).claddings == (Ellipse((20.5, 15), (10, 11)), Ellipse((20, 15), (12, 12)))


def test_coco_polygons(folder: Path) -> None:
    """A polygon around whole pixels, corners at their outer edges, labels those pixels."""
    coco(folder, [{"segmentation": POLYGON}])
    classes(folder, dust="contamination")
    expected = box(Label.CONTAMINATION, 5, 6, 13, 11)

    found = only(folder).labels
    assert np.count_nonzero(found != expected) <= 2 * (8 + 5)  # at most the outline's own pixels
    assert np.array_equal(found[7:10, 6:12], expected[7:10, 6:12])


def test_coco_runs(folder: Path) -> None:
    """Plain run lengths run down the columns and start with background."""
    labels = box(1, 5, 6, 13, 11)
    flat = labels.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    coco(folder, [{"segmentation": {"counts": counts, "size": [HEIGHT, WIDTH]}, "iscrowd": 1}])
    classes(folder, dust="pit")

    assert np.array_equal(only(folder).labels, labels * Label.PIT)


def test_coco_what_is_certain_wins(folder: Path) -> None:
    """A region to ignore gives way to a defect on it, in whatever order they come."""
    around = {"segmentation": [[0, 0, 40, 0, 40, 30, 0, 30]], "category_id": 1}
    coco(folder, [{"segmentation": POLYGON}, around], names=("dust", "?"))
    classes(folder, dust="pit", **{"?": "ignore"})
    labels = only(folder).labels

    assert labels[8, 8] == Label.PIT
    assert labels[20, 30] == UNDECIDED


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.yaml", "names: [crack, dust]"),
        ("data.yaml", "names: {1: dust, 0: crack}"),
        ("classes.txt", "crack\ndust\n"),
        ("labels/classes.txt", "crack\ndust\n"),
    ],
)
def test_yolo_polygons(folder: Path, name: str, text: str) -> None:
    """Corners are shares of width and height; names come from either file."""
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("1 0.25 0.2 0.75 0.2 0.75 0.8 0.25 0.8\n\n")
    (folder / name).write_text(text, encoding="utf-8-sig")  # as an editor on Windows writes it
    classes(folder, crack="scratch", dust="contamination")
    labels = only(folder).labels

    assert labels[15, 20] == Label.CONTAMINATION
    assert set(np.unique(labels)) == {0, Label.CONTAMINATION}
    assert np.count_nonzero(labels) == pytest.approx(20 * 18, rel=0.15)


def test_our_own_names_need_no_class_map(folder: Path) -> None:
    """A label file that already speaks our classes is taken as it is."""
    coco(folder, [{"segmentation": POLYGON}], names=("chip",))

    assert set(np.unique(only(folder).labels)) == {0, Label.CHIP}


def test_either_objects_beside_a_class_map(folder: Path) -> None:
    """The JSON object and NAME.either.png give the objects that may be read in two ways."""
    pixels = box(1, 3, 4, 6, 6) + box(101, 6, 4, 8, 6) + box(1, 8, 4, 10, 6)
    write_map(folder, box(1, 3, 4, 10, 6), either=[{"bbox": [3, 4, 7, 2], "types": ["scratch", "contamination"]}])
    write_map(folder, pixels, "masks/a.either.png")
    either = only(folder).either

    assert either is not None
    assert either.types == (("scratch", "contamination"),)
    assert np.array_equal(either.pixels, pixels)


@pytest.mark.parametrize("name", ["images\\a.png", "images/a.png", "else\\where\\a.png"])
def test_names_of_windows_are_found(folder: Path, name: str) -> None:
    """A COCO file may name its pictures with backslashes or slashes, below any folder."""
    coco(folder, [{"segmentation": POLYGON}], names=("pit",), files=(name,))

    assert only(folder).name == "a.png"


def test_capital_endings_are_found(folder: Path) -> None:
    """A mask b.PNG belongs to the picture b.JPG."""
    picture(folder, "b.JPG")
    write_map(folder, box(1, 3, 4, 9, 10), "masks/b.PNG")

    assert only(folder).name == "b.JPG"


def test_pictures_of_one_stem_in_a_coco_file(folder: Path) -> None:
    """COCO names pictures in full, so a.jpg and a.png are two pictures, each with its own labels."""
    picture(folder, "a.jpg")
    coco(folder, [{"segmentation": POLYGON, "image_id": 8}], names=("pit",), files=("a.jpg", "a.png"))

    assert [(each.name, bool(each.labels.any())) for each in open_folder(folder)] == [("a.jpg", False), ("a.png", True)]


MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda _: None, "expected images"),
    "unknown class": (lambda f: coco(f, [{"segmentation": POLYGON}], names=("blob",)), "'blob'"),
    "unknown picture": (lambda f: coco(f, [{"segmentation": POLYGON, "image_id": 9}], ("pit",)), "not a whole"),
    "picture twice": (lambda f: coco(f, [], files=("a.png", "a.png")), "file_name twice"),
    "box alone": (lambda f: coco(f, [{"bbox": [5, 6, 8, 5]}], ("pit",)), "no polygon"),
    "box with an empty polygon": (
        lambda f: coco(f, [{"bbox": [5, 6, 8, 5], "segmentation": []}], ("pit",)),
        "no polygon",
    ),
    "polygon of two corners": (lambda f: coco(f, [{"segmentation": [[5, 6, 13, 11]]}], ("pit",)), "no polygon"),
    "empty polygon": (lambda f: coco(f, [{"segmentation": [[]]}], ("pit",)), "no polygon"),
    "corner that is no number": (
        lambda f: coco(f, [{"segmentation": [[5, 6, 13, math.nan, 13, 11]]}], ("pit",)),
        "corner that is no number in annotation",
    ),
    "polygon beside the picture": (
        lambda f: coco(f, [{"segmentation": [[50, 6, 60, 6, 60, 11]]}], ("pit",)),
        "no pixel in its picture",
    ),
    "picture of another size": (
        lambda f: (
            coco(f, [{"segmentation": POLYGON}], ("pit",)),
            cv2.imwrite(str(f / "images" / "a.png"), np.zeros((HEIGHT, 2 * WIDTH), np.uint8)),
        ),
        "drawn on a picture of 40 x 30 pixels, the picture has 80 x 30",
    ),
    "runs of another size": (
        lambda f: coco(f, [{"segmentation": {"counts": [5, 5]}}], ("pit",)),
        "run-length mask of 10 pixels",
    ),
    "two names of one picture": (
        lambda f: coco(f, [{"segmentation": POLYGON}], ("pit",), files=("left/a.png", "right\\a.png")),
        "left/a.png and of right",
    ),
    "compressed runs": (lambda f: coco(f, [{"segmentation": {"counts": "abc"}}], ("pit",)), "export polygons"),
    "broken JSON": (lambda f: (f / "a.json").write_text("{"), "no JSON"),
    "unknown level": (lambda f: write_map(f, box(9, 1, 1, 2, 2)), "level 9"),
    "map without picture": (lambda f: write_map(f, box(1, 1, 1, 2, 2), "masks/b.png"), "no picture"),
    "map of two pictures": (lambda f: (picture(f, "a.jpg"), write_map(f, box(1, 1, 1, 2, 2))), "a.jpg and a.png"),
    "map of another size": (lambda f: write_map(f, np.zeros((9, 9), np.uint8)), "size"),
    "two maps of one picture": (
        lambda f: (write_map(f, box(1, 1, 1, 2, 2)), write_map(f, box(1, 1, 1, 2, 2), "masks/a.PNG")),
        "give each picture a name",
    ),
    "map in color": (lambda f: write_map(f, np.zeros((HEIGHT, WIDTH, 3), np.uint8)), "no class map"),
    "map that is no picture": (
        lambda f: (write_map(f, box(1, 1, 1, 2, 2)), (f / "masks" / "a.png").write_text("labels")),
        "no PNG file",
    ),
    "map without its end": (
        lambda f: (write_map(f, box(1, 1, 1, 2, 2)), os.truncate(f / "masks" / "a.png", 60)),
        "no PNG file",
    ),
    "ellipse of no numbers": (
        lambda f: write_map(f, box(1, 1, 1, 2, 2), cladding_ellipse=[1, 2, math.nan, 3]),
        "cladding_ellipse must be",
    ),
    "broken ellipse": (lambda f: write_map(f, box(1, 1, 1, 2, 2), cladding_ellipse=[1, 2]), "cladding_ellipse must be"),
    "either without file": (lambda f: write_map(f, box(1, 1, 1, 2, 2), either=[{"types": ["pit", "chip"]}]), "missing"),
    "either of one type": (lambda f: write_map(f, box(1, 1, 1, 2, 2), either=[{"types": ["pit"]}]), "T1, T2"),
    "either of other types": (lambda f: write_map(f, box(1, 1, 1, 2, 2), either=[{"types": ["pit", "hole"]}]), "hole"),
    "YOLO without names": (lambda f: (yolo(f, "0 0 0 1 1"), (f / "classes.txt").unlink()), "No names"),
    "YOLO box": (lambda f: yolo(f, "0 0.5 0.5 0.1 0.1"), "line 1.*a box is not enough"),
    "YOLO in pixels": (lambda f: yolo(f, "0 5 6 13 6 13 11"), "line 1.*shares of the picture"),
    "YOLO of no numbers": (lambda f: yolo(f, "0 0.1 0.1 nan 0.1 0.5 0.5"), "line 1.*shares of the picture"),
    "YOLO in UTF-16": (
        lambda f: (yolo(f), (f / "labels" / "a.txt").write_text("0 0 0 1 0 1 1", encoding="utf-16")),
        "no text in UTF-8",
    ),
    "YOLO of two pictures": (lambda f: (picture(f, "a.jpg"), yolo(f, "0 0 0 1 0 1 1")), "a.jpg and a.png"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(folder: Path, mistake: str) -> None:
    """What cannot be read is refused with a sentence; it is never left out in silence or read as a clean face."""
    write, says = MISTAKES[mistake]
    write(folder)

    with pytest.raises(ConfigurationError, match=says):
        list(open_folder(folder))


@pytest.mark.parametrize("text", ["[classes]\ndust = 'dirt'", "dust = 'pit'", "[classes", "classes = 1"])
def test_broken_class_map(tmp_path: Path, text: str) -> None:
    """A class map that is no table, or names a class we do not have, is refused."""
    path = tmp_path / "classes.toml"
    path.write_text(text)

    with pytest.raises(ConfigurationError):
        read_classes(path)
