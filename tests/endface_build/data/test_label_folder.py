"""Labels from class maps, COCO and YOLO files become the same label map, and mistakes in them are named."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from endface.contract import Label
from endface.errors import ConfigurationError
from endface.report import Ellipse
from endface_build.data.label_folder import open_folder, read_classes
from endface_build.drawing.canvas import UNDECIDED

WIDTH, HEIGHT = 40, 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one picture, ``a.png``."""
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.full((HEIGHT, WIDTH), 90, np.uint8))
    return tmp_path


def box(code, x0, y0, x1, y1):
    """A label map with one box, x0 <= x < x1 and y0 <= y < y1."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[y0:y1, x0:x1] = code
    return labels


def classes(folder, **pairs):
    """Write a class map."""
    lines = [f'"{theirs}" = "{ours}"' for theirs, ours in pairs.items()]
    (folder / "classes.toml").write_text("\n".join(["[classes]", *lines]))


def coco(folder, annotations, names=("dust",)):
    """Write a COCO file."""
    categories = [{"id": number, "name": name} for number, name in enumerate(names)]
    images = [{"id": 7, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}]
    annotations = [{"image_id": 7, "category_id": 0} | annotation for annotation in annotations]
    values = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(values))


def only(folder):
    """The folder's one labelled picture."""
    (labelled,) = open_folder(folder)
    return labelled


@pytest.mark.parametrize("place", ["masks", "labels"])
def test_class_map_in_our_codes(folder, place):
    """A PNG with our codes and 255 for undecided needs no class map."""
    labels = box(Label.PIT, 3, 4, 9, 10) + box(UNDECIDED, 20, 20, 25, 25)
    (folder / place).mkdir()
    cv2.imwrite(str(folder / place / "a.png"), labels)

    assert np.array_equal(only(folder).labels, labels)
    assert only(folder).name == "a.png"


def test_class_map_in_their_codes(folder):
    """Gray levels are translated by the class map."""
    (folder / "masks").mkdir()
    cv2.imwrite(str(folder / "masks" / "a.png"), box(100, 3, 4, 9, 10) + box(17, 20, 20, 25, 25))
    classes(folder, **{"100": "scratch", "17": "ignore"})

    expected = box(Label.SCRATCH, 3, 4, 9, 10) + box(UNDECIDED, 20, 20, 25, 25)
    assert np.array_equal(only(folder).labels, expected)


def test_ellipses_beside_a_class_map(folder):
    """A JSON file beside the map says where the cladding lies, and the bore, which is as good."""
    (folder / "masks").mkdir()
    cv2.imwrite(str(folder / "masks" / "a.png"), box(0, 0, 0, 1, 1))
    values = {"cladding_ellipse": [20.5, 15, 10, 11], "hole_ellipse": [20, 15, 12, 12], "core_ellipse": None}
    (folder / "masks" / "a.json").write_text(json.dumps(values))

    assert only(folder).claddings == (Ellipse((20.5, 15), (10, 11)), Ellipse((20, 15), (12, 12)))


def test_coco_polygons(folder):
    """A polygon around whole pixels, corners at their outer edges, labels those pixels."""
    coco(folder, [{"segmentation": [[5, 6, 13, 6, 13, 11, 5, 11]]}])
    classes(folder, dust="contamination")
    expected = box(Label.CONTAMINATION, 5, 6, 13, 11)

    found = only(folder).labels
    assert np.count_nonzero(found != expected) <= 2 * (8 + 5)  # at most the outline's own pixels
    assert np.array_equal(found[7:10, 6:12], expected[7:10, 6:12])


def test_coco_runs(folder):
    """Plain run lengths run down the columns and start with background."""
    labels = box(1, 5, 6, 13, 11)
    flat = labels.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    coco(folder, [{"segmentation": {"counts": counts, "size": [HEIGHT, WIDTH]}, "iscrowd": 1}])
    classes(folder, dust="pit")

    assert np.array_equal(only(folder).labels, labels * Label.PIT)


def test_coco_what_is_certain_wins(folder):
    """A region to ignore gives way to a defect on it, in whatever order they come."""
    around = {"segmentation": [[0, 0, 40, 0, 40, 30, 0, 30]], "category_id": 1}
    coco(folder, [{"segmentation": [[5, 6, 13, 6, 13, 11, 5, 11]]}, around], names=("dust", "?"))
    classes(folder, dust="pit", **{"?": "ignore"})
    labels = only(folder).labels

    assert labels[8, 8] == Label.PIT
    assert labels[20, 30] == UNDECIDED


def test_coco_compressed_runs_are_refused(folder):
    """Compressed runs are refused with what to do instead."""
    coco(folder, [{"segmentation": {"counts": "abc", "size": [HEIGHT, WIDTH]}}])
    classes(folder, dust="pit")

    with pytest.raises(ConfigurationError, match="export polygons"):
        open_folder(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.yaml", "names: [crack, dust]"),
        ("data.yaml", "names: {1: dust, 0: crack}"),
        ("classes.txt", "crack\ndust\n"),
        ("labels/classes.txt", "crack\ndust\n"),
    ],
)
def test_yolo_polygons(folder, name, text):
    """Corners are shares of width and height; names come from either file."""
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("1 0.25 0.2 0.75 0.2 0.75 0.8 0.25 0.8\n\n")
    (folder / name).write_text(text)
    classes(folder, crack="scratch", dust="contamination")
    labels = only(folder).labels

    assert labels[15, 20] == Label.CONTAMINATION
    assert set(np.unique(labels)) == {0, Label.CONTAMINATION}
    assert np.count_nonzero(labels) == pytest.approx(20 * 18, rel=0.15)


def test_our_own_names_need_no_class_map(folder):
    """A label file that already speaks our classes is taken as it is."""
    coco(folder, [{"segmentation": [[5, 6, 13, 6, 13, 11, 5, 11]]}], names=("chip",))

    assert set(np.unique(only(folder).labels)) == {0, Label.CHIP}


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda _: None, "expected images"),
        (lambda f: coco(f, [{"segmentation": [[0, 0, 1, 1, 2, 0]]}], names=("blob",)), "'blob'"),
        (lambda f: coco(f, [{"segmentation": [[0, 0, 1, 1, 2, 0]], "image_id": 9}], names=("pit",)), "not a whole"),
        (lambda f: (f / "a.json").write_text("{"), "no JSON"),
        (lambda f: ((f / "masks").mkdir(), cv2.imwrite(str(f / "masks/a.png"), box(9, 1, 1, 2, 2))), "level 9"),
        (lambda f: ((f / "masks").mkdir(), cv2.imwrite(str(f / "masks/b.png"), box(1, 1, 1, 2, 2))), "no picture"),
        (lambda f: ((f / "masks").mkdir(), cv2.imwrite(str(f / "masks/a.png"), np.zeros((9, 9)))), "size"),
        (lambda f: ((f / "labels").mkdir(), (f / "labels/a.txt").write_text("0 0 0 1 1")), "No names"),
    ],
)
def test_mistakes_are_named(folder, write, says):
    """What cannot be read is refused with a sentence, never left out in silence."""
    write(folder)

    with pytest.raises(ConfigurationError, match=says):
        list(open_folder(folder))


def test_yolo_box_is_no_polygon(folder):
    """A detection box (class and four numbers) is refused by line."""
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (folder / "classes.txt").write_text("pit\n")

    with pytest.raises(ConfigurationError, match="line 1"):
        open_folder(folder)


@pytest.mark.parametrize("text", ["[classes]\ndust = 'dirt'", "dust = 'pit'", "[classes", "classes = 1"])
def test_broken_class_map(tmp_path, text):
    """A class map that is no table, or names a class we do not have, is refused."""
    path = tmp_path / "classes.toml"
    path.write_text(text)

    with pytest.raises(ConfigurationError):
        read_classes(path)
