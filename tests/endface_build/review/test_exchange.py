"""Cases out to labelling tools and back: what a labeller does there is done to the files, as the formats say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest

from endface.errors import ConfigurationError, ReviewError
from endface.review.case import Case
from endface.review.cases import Cases
from endface.review.marks import Mark, covered
from endface.review.opinions import Review
from endface_build.data.label_folder import open_folder
from endface_build.review.exchange import FORMATS, Format, export_cases, import_labels
from tests.endface_build.review.conftest import HEIGHT, WIDTH

WHOLE = (0, 0, WIDTH - 1, HEIGHT - 1)


def case_of(cases: Cases, serial: str) -> Case:
    """The case of a part."""
    return next(case for case in cases if case.report.serial == serial)


def painted(marks: tuple[Mark, ...]) -> dict[str, int]:
    """Pixels that each type covers."""
    counts: dict[str, int] = {}
    for mark in marks:
        counts[mark.type] = counts.get(mark.type, 0) + int(covered(mark, WHOLE).sum())
    return counts


def annotated(file: Path) -> None:
    """Turn the predictions of Label Studio's tasks into annotations, as somebody who submits each of them."""
    tasks = json.loads(file.read_text())
    for number, task in enumerate(tasks, start=1):
        (prediction,) = task.pop("predictions")
        task |= {"id": number, "annotations": [{"completed_by": {"email": "li@plant"}, "result": prediction["result"]}]}
    file.write_text(json.dumps(tasks))


@pytest.mark.parametrize("file_format", FORMATS)
def test_marks_come_back_as_they_went(cases: Cases, tmp_path: Path, file_format: Format) -> None:
    """Outlines, parts and types survive the way out and back in every format, holes as seams."""
    file, left_out = export_cases(cases, tmp_path / "out", file_format)
    if file_format == "label-studio":
        annotated(file)
    imported = import_labels(cases, file, file_format, reviewer="Ana", take_untouched=True)

    assert (imported.reviewed, imported.unknown, left_out) == (2, (), [])
    for serial, count in {"A": 3, "B": 1}.items():
        case = case_of(cases, serial)
        (review,) = case.reviews
        assert review.opinion == "right"
        assert review.marks is not None
        assert len(review.marks) == count
        before, after = painted(case.marks), painted(review.marks)
        assert after == pytest.approx(before, abs=6)
    line = next(mark for mark in case_of(cases, "A").reviews[0].marks or () if mark.type == "scratch")
    assert len(line.rings) == 2


@pytest.mark.parametrize("file_format", FORMATS)
def test_exported_pictures_are_those_that_were_judged(cases: Cases, tmp_path: Path, file_format: Format) -> None:
    """Each case has a PNG of its name and its gray levels."""
    export_cases(cases, tmp_path / "out", file_format)

    case = case_of(cases, "B")
    picture = cv2.imread(str(tmp_path / "out" / "images" / f"{case.name}.png"), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (HEIGHT, WIDTH)
    assert (picture == 101).all()


def test_coco_export_is_a_folder_of_labels(cases: Cases, tmp_path: Path) -> None:
    """What `evaluate` takes as a folder of labelled pictures can be read from the export, with the same pixels."""
    export_cases(cases, tmp_path / "out", "coco")

    labelled = {each.stem: each for each in open_folder(tmp_path / "out")}
    case = case_of(cases, "B")
    assert (labelled[case.name].labels == 2).sum() == pytest.approx(12 * 12, abs=26)


@pytest.mark.parametrize("file_format", ["coco", "cvat"])
def test_untouched_pictures_are_no_reviews(cases: Cases, tmp_path: Path, file_format: Format) -> None:
    """Where the tool does not say who looked at what, outlines that came back unchanged are not taken for right."""
    file, _ = export_cases(cases, tmp_path / "out", file_format)
    imported = import_labels(cases, file, file_format, reviewer="Ana")

    assert (imported.reviewed, imported.untouched) == (0, 2)
    assert all(case.reviews == () for case in cases)


def redraw_coco(file: Path, case: Case) -> None:
    """Make the pit of a case a chip, as a labeller does."""
    values = json.loads(file.read_text())
    (image,) = (each["id"] for each in values["images"] if each["file_name"] == f"{case.name}.png")
    (chip,) = (each["id"] for each in values["categories"] if each["name"] == "chip")
    for each in values["annotations"]:
        if each["image_id"] == image:
            each["category_id"] = chip
    file.write_text(json.dumps(values))


def redraw_cvat(file: Path, case: Case) -> None:
    """Likewise in CVAT's XML."""
    tree = ET.parse(file)
    for image in tree.iter("image"):
        if image.attrib["name"] == f"{case.name}.png":
            for polygon in image:
                polygon.attrib["label"] = "chip"
    tree.write(file)


def redraw_label_studio(file: Path, case: Case) -> None:
    """Likewise in Label Studio's JSON."""
    annotated(file)
    tasks = json.loads(file.read_text())
    tasks = [task for task in tasks if task["data"]["case"] == case.name]
    for region in tasks[0]["annotations"][0]["result"]:
        region["value"]["polygonlabels"] = ["chip"]
    file.write_text(json.dumps(tasks))


@pytest.mark.parametrize(
    ("file_format", "redraw", "reviewer"),
    [
        ("coco", redraw_coco, "Ana"),
        ("cvat", redraw_cvat, "Ana"),
        ("label-studio", redraw_label_studio, "Ana li@plant"),
    ],
)
def test_corrected_marks_say_that_the_report_is_wrong(
    cases: Cases, tmp_path: Path, file_format: Format, redraw: Callable[[Path, Case], None], reviewer: str
) -> None:
    """A mark of another type is a review that the report is wrong, in the labeller's name; the other case is open."""
    file, _ = export_cases(cases, tmp_path / "out", file_format)
    redraw(file, case_of(cases, "B"))
    import_labels(cases, file, file_format, reviewer="Ana")

    (review,) = case_of(cases, "B").reviews
    assert (review.opinion, review.reviewer) == ("wrong", reviewer)
    assert review.marks is not None
    assert [mark.type for mark in review.marks] == ["chip"]
    assert case_of(cases, "A").reviews == ()


def test_reviewed_case_goes_out_with_what_was_agreed(cases: Cases, tmp_path: Path) -> None:
    """Who exports reviewed cases gets their corrected marks."""
    case = case_of(cases, "B")
    chip = Mark("chip", (((10.0, 10.0), (30.0, 10.0), (30.0, 30.0)),))
    cases.add_review(case.name, Review("Ana", "now", "wrong", (chip,)))
    file, _ = export_cases([case_of(cases, "B")], tmp_path / "out", "coco")

    (annotation,) = json.loads(file.read_text())["annotations"]
    assert annotation["segmentation"] == [[10.5, 10.5, 30.5, 10.5, 30.5, 30.5]]
    assert annotation["area"] == 200.0
    assert annotation["bbox"] == [10.5, 10.5, 20.0, 20.0]


def test_label_studio_opinion_counts(cases: Cases, tmp_path: Path) -> None:
    """What is chosen in Label Studio is the opinion; two people's annotations are two opinions; skipped ones none."""
    file, _ = export_cases(cases, tmp_path / "out", "label-studio")
    tasks = json.loads(file.read_text())
    for task in tasks:
        result = task.pop("predictions")[0]["result"]
        choice = {
            "type": "choices",
            "from_name": "opinion",
            "to_name": "image",
            "value": {"choices": ["not_judgeable"]},
        }
        task["annotations"] = [
            {"completed_by": 1, "result": [*result, choice]},
            {"completed_by": 2, "result": result},
            {"completed_by": 3, "result": [], "was_cancelled": True},
        ]
    file.write_text(json.dumps(tasks))
    import_labels(cases, file, "label-studio", reviewer="plant")

    case = case_of(cases, "A")
    assert [(each.reviewer, each.opinion) for each in case.reviews] == [
        ("plant 1", "not_judgeable"),
        ("plant 2", "right"),
    ]
    assert case.reviews[0].marks is None
    assert case.standing == "conflict"


def test_cvat_masks_and_tags_come_back(cases: Cases, tmp_path: Path) -> None:
    """A mask that was painted in CVAT becomes an outline, and its tag an opinion."""
    file, _ = export_cases(cases, tmp_path / "out", "cvat")
    tree = ET.parse(file)
    images = {image.attrib["name"]: image for image in tree.iter("image")}
    first, second = (images[f"{case_of(cases, serial).name}.png"] for serial in "AB")
    mask = {"label": "chip", "left": "10", "top": "20", "width": "4", "height": "2", "rle": "1,2,1,4"}
    ET.SubElement(first, "mask", mask)
    ET.SubElement(second, "tag", label="not_judgeable")
    tree.write(file)
    import_labels(cases, file, "cvat", reviewer="Ana")

    marks = case_of(cases, "A").reviews[0].marks or ()
    pixels = covered(marks[-1], (9, 19, 15, 23))
    assert np.add(np.argwhere(pixels), [19, 9]).tolist() == [[20, 11], [20, 12], [21, 10], [21, 11], [21, 12], [21, 13]]
    assert case_of(cases, "B").reviews[0].opinion == "not_judgeable"


def test_coco_runs_come_back(cases: Cases, tmp_path: Path) -> None:
    """A mask that a tool exports as run lengths becomes an outline of the same pixels."""
    file, _ = export_cases(cases, tmp_path / "out", "coco")
    values = json.loads(file.read_text())
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[50:60, 70:90] = 1
    edges = np.flatnonzero(np.diff(np.concatenate([[0], pixels.T.ravel(), [0]])))
    counts = np.diff(np.concatenate([[0], edges, [pixels.size]])).tolist()
    for each in values["annotations"]:
        each["segmentation"] = {"size": [HEIGHT, WIDTH], "counts": counts}
    file.write_text(json.dumps(values))
    import_labels(cases, file, "coco", reviewer="Ana")

    (mark,) = case_of(cases, "B").reviews[0].marks or ()
    assert (covered(mark, WHOLE) == pixels.astype(bool)).all()


def test_tool_may_rename_pictures(cases: Cases, tmp_path: Path) -> None:
    """A picture's folder or a prefix that a tool puts before its name does not lose it; others are told."""
    file, _ = export_cases(cases, tmp_path / "out", "coco")
    values = json.loads(file.read_text())
    for image, start in zip(values["images"], ("upload/1/3f2a-", "images\\"), strict=True):
        image["file_name"] = start + image["file_name"]
    values["images"].append({"id": 99, "file_name": "elsewhere.png", "width": 9, "height": 9})
    file.write_text(json.dumps(values))
    imported = import_labels(cases, file, "coco", reviewer="Ana", take_untouched=True)

    assert imported.reviewed == 2
    assert imported.unknown == ("elsewhere.png",)


def test_other_names_are_translated(cases: Cases, tmp_path: Path) -> None:
    """A class map says which of the tool's classes is which of ours."""
    file, _ = export_cases(cases, tmp_path / "out", "coco")
    values = json.loads(file.read_text())
    for category in values["categories"]:
        category["name"] = f"our {category['name']}"
    file.write_text(json.dumps(values))
    names = ("scratch", "pit", "contamination", "chip")
    (tmp_path / "classes.toml").write_text("[classes]\n" + "".join(f'"our {name}" = "{name}"\n' for name in names))
    imported = import_labels(
        cases, file, "coco", reviewer="Ana", classes=tmp_path / "classes.toml", take_untouched=True
    )

    assert imported.reviewed == 2


def spoiled(file: Path, old: str, new: str) -> Path:
    """A file with one text in the place of another."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return file


@pytest.mark.parametrize(
    ("file_format", "old", "new", "error", "reason"),
    [
        ("coco", '"images"', '"pictures"', ConfigurationError, "is no COCO file"),
        ("coco", '"pit"', '"dust"', ConfigurationError, "does not name"),
        ("coco", f'"width": {WIDTH}', '"width": 999', ReviewError, "999 x 240"),
        ("cvat", "<annotations>", "<!DOCTYPE x><annotations>", ConfigurationError, "document type"),
        ("cvat", "polygon", "polyline", ConfigurationError, "only polygons and masks"),
        ("cvat", 'points="', 'points="x', ConfigurationError, "export the task anew"),
        ("cvat", 'label="pit"', 'label="dust"', ConfigurationError, "does not name"),
        ("label-studio", '"annotations"', '"remarks"', ConfigurationError, "as JSON"),
        ("label-studio", '"type": "polygonlabels"', '"type": "rectanglelabels"', ConfigurationError, "only polygons"),
        ("label-studio", '"pit"', '"dust"', ConfigurationError, "does not name"),
        ("label-studio", "[", "", ConfigurationError, "no JSON"),
    ],
)
def test_wrong_file_is_refused_whole(  # noqa: PLR0917 - a table's columns
    cases: Cases, tmp_path: Path, file_format: Format, old: str, new: str, error: Any, reason: str
) -> None:
    """A file that is wrong in one place is refused with a sentence, and no review is added."""
    file, _ = export_cases(cases, tmp_path / "out", file_format)
    if file_format == "label-studio":
        annotated(file)

    with pytest.raises(error, match=reason):
        import_labels(cases, spoiled(file, old, new), file_format, reviewer="Ana", take_untouched=True)
    assert all(case.reviews == () for case in cases)
