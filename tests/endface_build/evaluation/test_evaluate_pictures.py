"""Whole pictures through the stages against their labels: localization, verdicts, reports of a server, progress."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from endface.criteria.profile import load_profile
from endface.errors import ConfigurationError
from endface.offline import Inspector
from endface.options import Options
from endface.picture.decode import decode
from endface.picture.square import Placement
from endface.report import Ellipse
from endface_build.data.drawn_pictures import DrawnFaces, fiber_of, labelled_of
from endface_build.data.labelled import Labelled, resample_labels
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face, Gap
from endface_build.drawing.marks import pit
from endface_build.evaluation.evaluate_pictures import evaluate_pictures, evaluate_report, is_localized, read_reports
from endface_build.evaluation.inspector import with_baseline
from endface_build.evaluation.metrics import summarize

MM = load_profile("mm-pc")
FACE = Face(marks=(pit((30.0, -20.0), 12.0), pit((-60.0, 62.0), 8.0)))


@pytest.fixture(scope="module")
def labelled() -> Labelled:
    """A drawn face with a pit in zone A that fails, and one on the ferrule."""
    return labelled_of(photograph(FACE, Camera(640, 640), seed=3), FACE, "face.png")


@pytest.fixture(scope="module")
def perfect(labelled: Labelled) -> Inspector:
    """An inspector that knows the labels."""
    truth = resample_labels(labelled.labels, Placement((319.5, 319.5), (0.43, 0.43)))
    truth[truth == 255] = 0
    sure = np.where(truth, 255, 0).astype(np.uint8)
    return Inspector(lambda _: (truth[None], sure[None]), Options("mm-pc"))


def test_who_knows_the_labels_is_right(labelled: Labelled, perfect: Inspector) -> None:
    """Labels handed back as the network's answer are all found, all true, and give the labels' verdict."""
    outcome = evaluate_report(labelled, perfect(labelled.data, labelled.name), MM)
    result = summarize([outcome])

    assert outcome.localized
    assert (outcome.truth, outcome.verdict) == (frozenset({"fail"}), "fail")
    assert result["recall"]["all"]["hits"] == result["recall"]["all"]["count"] == 2
    assert result["precision"]["all"]["hits"] == result["precision"]["all"]["count"] == 2
    assert result["iou"] > 0.85


def test_an_invalid_report_misses_everything(labelled: Labelled, wall: Labelled) -> None:
    """A picture that was not judged misses its defects, is not localized, and agrees with no verdict."""
    outcome = evaluate_report(labelled, with_baseline(Options("mm-pc"))(wall.data, labelled.name), MM)

    assert not outcome.localized
    assert (outcome.truth, outcome.verdict) == (frozenset({"fail"}), "invalid")
    assert outcome.match is not None
    assert [defect.found for defect in outcome.match.labelled] == [False, False]


@pytest.mark.parametrize(
    ("blur_um", "white", "truth"),
    [
        (0.8, False, {"fail"}),
        (0.9, False, {"fail", "invalid"}),  # a spot of 2 um has lost half of its contrast
        (1.3, False, {"invalid"}),  # a scratch of 3 um has
        (0.3, True, {"invalid"}),  # a core without gray levels
        (None, True, {"fail"}),  # a photograph, whose focus nobody knows
    ],
)
def test_a_drawn_picture_that_cannot_be_judged(
    labelled: Labelled, wall: Labelled, blur_um: float | None, white: bool, truth: set[str]
) -> None:
    """Blur beyond the limits or a saturated core makes ``invalid`` right, and nothing is missed in such a picture."""
    gray = decode(labelled.data).gray.copy()
    if white:
        gray[240:400, 240:400] = 255
    refused = with_baseline(Options("mm-pc"))(wall.data, labelled.name)
    outcome = evaluate_report(replace(labelled, blur_um=blur_um), refused, MM, gray)

    assert outcome.truth == truth
    assert (outcome.match is None) == ("invalid" in truth)
    assert summarize([outcome])["unjudgeable"] == (truth == {"invalid"})


def test_without_a_known_cladding_the_report_places_the_zones(labelled: Labelled, perfect: Inspector) -> None:
    """Labels from outside know no fiber: the report's own one is taken, and localization stays unknown."""
    outcome = evaluate_report(replace(labelled, claddings=()), perfect(labelled.data), MM)

    assert outcome.localized is None
    assert outcome.match is not None
    assert sorted(defect.zone for defect in outcome.match.labelled) == ["A", "D"]


def test_nothing_is_known_of_a_picture_without_any_fiber(wall: Labelled) -> None:
    """Neither labels nor report place the fiber: the picture counts as invalid and nothing else."""
    outcome = evaluate_report(wall, with_baseline(Options("mm-pc"))(wall.data), MM)

    assert outcome.match is None
    assert summarize([outcome])["invalid"] == 1


@pytest.mark.parametrize(("off_um", "scale", "right"), [(1.4, 1.0, True), (1.6, 1.0, False), (0, 1.03, False)])
def test_localized_within_limits(
    labelled: Labelled, perfect: Inspector, off_um: float, scale: float, right: bool
) -> None:
    """A center may be 1.5 um off and a radius 2 %; of several claddings any will do."""
    report = perfect(labelled.data)
    assert report.fiber is not None
    found = report.fiber.cladding
    known = Ellipse(
        (found.center_px[0] + off_um / 0.43, found.center_px[1]), (found.radii_px[0] * scale, found.radii_px[1])
    )

    assert is_localized(report, [known]) is right
    assert is_localized(report, [known, found])


def test_reports_of_a_server(tmp_path: Path, labelled: Labelled, perfect: Inspector) -> None:
    """Reports in a file give the same outcome as the inspection itself; progress is told after each picture."""
    path = tmp_path / "reports.jsonl"
    seen: list[int] = []
    path.write_text(perfect(labelled.data, "some/folder/face.jpg").to_json() + "\n\n")
    inspectors = {"server": read_reports(path), "here": lambda each: perfect(each.data, each.name)}
    outcomes = evaluate_pictures([labelled, labelled], inspectors, "mm-pc", seen.append)

    assert outcomes["server"] == outcomes["here"]
    assert seen == [1, 2]


def test_two_pictures_of_one_stem(tmp_path: Path, labelled: Labelled, perfect: Inspector) -> None:
    """Reports of a.jpg and a.png are told apart by their full names, and refused where only a stem is left."""
    path = tmp_path / "reports.jsonl"
    path.write_text("\n".join(perfect(labelled.data, name).to_json() for name in ("x/face.jpg", "x/face.png")))
    inspect = read_reports(path)

    assert inspect(labelled).image.name == "x/face.png"
    with pytest.raises(ConfigurationError, match=r"reports of face\.jpg and face\.png, none of face\.bmp"):
        inspect(replace(labelled, name="face.bmp"))


def test_reports_of_windows_and_reports_twice(tmp_path: Path, labelled: Labelled, perfect: Inspector) -> None:
    """A report made on Windows is found by its picture's name; of two reports of a picture none is taken in silence."""
    path = tmp_path / "reports.jsonl"
    path.write_text(perfect(labelled.data, "images\\face.png").to_json())
    assert read_reports(path)(labelled).image.name == "images\\face.png"

    path.write_text("\n".join(perfect(labelled.data, name).to_json() for name in ("left/face.png", "right/face.png")))
    with pytest.raises(ConfigurationError, match=r"two reports of face\.png"):
        read_reports(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", r"no report of face\.png"), ("{}", "endface inspect --json"), ("nonsense", "endface inspect --json")],
)
def test_a_missing_report_is_no_miss(tmp_path: Path, labelled: Labelled, text: str, message: str) -> None:
    """A picture without a report, or a file of something else, is an error of the evaluation, not of the network."""
    path = tmp_path / "reports.jsonl"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=message):
        read_reports(path)(labelled)


def test_drawn_faces_are_fixed_and_of_their_kind() -> None:
    """The same number gives the same picture and labels; single-mode profiles get 9 um cores."""
    one, again = (next(iter(DrawnFaces("single-mode", 3))) for _ in range(2))

    assert one.data == again.data
    assert np.array_equal(one.labels, again.labels)
    assert len(list(DrawnFaces("multimode", 2))) == 2
    assert DrawnFaces("single-mode", 1, far=True)[0].data != one.data
    assert (fiber_of("sm-apc"), fiber_of("mm-pc")) == ("single-mode", "multimode")


def test_a_gap_shows_two_edges() -> None:
    """Beside a fiber of 125 um with a gap of 4 um to the right, the bore is 129 um wide and 2 um to the right."""
    face = Face(gap=Gap(4.0, 0.0, 30.0))
    fiber, bore = labelled_of(photograph(face, Camera(300, 300, um_per_px=(0.5, 1.0)), seed=1), face, "a.png").claddings

    assert fiber.radii_px == (125.0, 62.5)
    assert bore.radii_px == (129.0, 64.5)
    assert bore.center_px == (fiber.center_px[0] + 4.0, fiber.center_px[1])
