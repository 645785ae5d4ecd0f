"""Whole pictures through the stages against their labels: localisation, verdicts, reports of a server, progress."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from endface.contract import Label
from endface.criteria.profile import load_profile
from endface.errors import ConfigurationError
from endface.offline import Inspector
from endface.options import Options
from endface.picture.square import Placement
from endface.report import Ellipse
from endface_build.data.drawn_pictures import DrawnFaces, encode, fiber_of, labelled_of
from endface_build.data.labelled import Labelled, resample_labels
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face, Gap
from endface_build.drawing.marks import pit
from endface_build.evaluation.evaluate_pictures import is_localised, judge_report, outcomes_of, read_reports, verdict_of
from endface_build.evaluation.inspector import with_baseline
from endface_build.evaluation.metrics import figures

MM = load_profile("mm-pc")
FACE = Face(marks=(pit((30.0, -20.0), 12.0), pit((-60.0, 62.0), 8.0)))


@pytest.fixture(scope="module")
def labelled() -> Labelled:
    """A drawn face with a pit in zone A that fails, and one on the ferrule."""
    return labelled_of(photograph(FACE, Camera(640, 640), seed=3), FACE, "face.png")


@pytest.fixture(scope="module")
def perfect(labelled) -> Inspector:
    """An inspector that knows the labels."""
    truth = resample_labels(labelled.labels, Placement((319.5, 319.5), (0.43, 0.43)))
    truth[truth == 255] = 0
    return Inspector(lambda squares: (truth[None], np.full_like(squares[:, 0], 255)), Options("mm-pc"))


def test_who_knows_the_labels_is_right(labelled, perfect):
    """Labels handed back as the network's answer are all found, all true, and give the labels' verdict."""
    outcome = judge_report(labelled, perfect(labelled.data, labelled.name), MM)
    result = figures([outcome])

    assert outcome.localised
    assert (outcome.truth, outcome.verdict) == ("fail", "fail")
    assert result["recall"]["all"] == {"share": 1.0, "count": 2}
    assert result["precision"]["all"] == {"share": 1.0, "count": 2}
    assert result["iou"] > 0.85


def test_an_invalid_report_misses_everything(labelled):
    """A picture that was not judged misses its defects, is not localised, and agrees with no verdict."""
    inspect = with_baseline(Options("mm-pc"))
    report = replace(inspect(encode(np.full((300, 300), 90, np.uint8)), labelled.name))
    outcome = judge_report(labelled, report, MM)

    assert not outcome.localised
    assert (outcome.truth, outcome.verdict) == ("fail", "invalid")
    assert [defect.found for defect in outcome.score.labelled] == [False, False]


def test_without_a_known_cladding_the_report_places_the_zones(labelled, perfect):
    """Labels from outside know no fiber: the report's own one is taken, and localisation stays unknown."""
    outcome = judge_report(replace(labelled, claddings=()), perfect(labelled.data), MM)

    assert outcome.localised is None
    assert sorted(defect.zone for defect in outcome.score.labelled) == ["A", "D"]


def test_nothing_is_known_of_a_picture_without_any_fiber():
    """Neither labels nor report place the fiber: the picture counts as invalid and nothing else."""
    empty = Labelled("wall.png", encode(np.full((300, 300), 90, np.uint8)), np.zeros((300, 300), np.uint8))
    outcome = judge_report(empty, with_baseline(Options("mm-pc"))(empty.data), MM)

    assert outcome.score is None
    assert figures([outcome])["invalid"] == 1


@pytest.mark.parametrize(("off_um", "scale", "right"), [(1.4, 1.0, True), (1.6, 1.0, False), (0, 1.03, False)])
def test_localised_within_limits(labelled, perfect, off_um, scale, right):
    """A centre may be 1.5 um off and a radius 2 %; of several claddings any will do."""
    report = perfect(labelled.data)
    found = report.fiber.cladding
    known = Ellipse(
        (found.center_px[0] + off_um / 0.43, found.center_px[1]), (found.radii_px[0] * scale, found.radii_px[1])
    )

    assert is_localised(report, [known]) is right
    assert is_localised(report, [known, found])


def test_verdict_of_labels():
    """A spot of 6 um in the core breaks the limit of 5, one of 4 um does not; undecided counts for nothing."""
    placement = Placement((300.0, 300.0), (0.5, 0.5))
    verdicts = []
    for side, code in ((9, Label.PIT), (5, Label.PIT), (9, 255)):
        labels = np.zeros((600, 600), np.uint8)
        labels[310 : 310 + side, 310 : 310 + side] = code
        verdicts.append(verdict_of(labels, placement, MM))

    assert verdicts == ["fail", "pass", "pass"]


def test_reports_of_a_server(tmp_path: Path, labelled, perfect):
    """Reports in a file give the same outcome as the inspection itself; their names say what they belong to."""
    path = tmp_path / "reports.jsonl"
    path.write_text(perfect(labelled.data, "some/folder/face.jpg").to_json() + "\n\n")
    outcomes = outcomes_of(
        [labelled], {"server": read_reports(path), "here": lambda each: perfect(each.data, each.name)}, "mm-pc"
    )

    assert outcomes["server"] == outcomes["here"]


def test_a_missing_report_is_no_miss(tmp_path: Path, labelled):
    """A picture without its report is an error of the evaluation, not of the network."""
    path = tmp_path / "reports.jsonl"
    path.write_text("")

    with pytest.raises(ConfigurationError, match=r"no report of face\.png"):
        read_reports(path)(labelled)


@pytest.mark.parametrize("text", ["{}", "nonsense"])
def test_other_files_are_no_reports(tmp_path: Path, text):
    """What is not a report is refused with what makes one."""
    path = tmp_path / "reports.jsonl"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match="endface inspect --json"):
        read_reports(path)


def test_drawn_faces_are_fixed_and_of_their_kind():
    """The same number gives the same picture and labels; single-mode profiles get 9 um cores."""
    one, again = (next(iter(DrawnFaces("single-mode", 3))) for _ in range(2))

    assert one.data == again.data
    assert np.array_equal(one.labels, again.labels)
    assert len(list(DrawnFaces("multimode", 2))) == 2
    assert (fiber_of("sm-apc"), fiber_of("mm-pc")) == ("single-mode", "multimode")


def test_progress_counts_pictures(labelled, perfect):
    """Progress is told after each picture."""
    seen: list[int] = []
    outcomes_of([labelled, labelled], {"here": lambda each: perfect(each.data)}, "mm-pc", seen.append)

    assert seen == [1, 2]


def test_a_gap_shows_two_edges():
    """Beside a fiber of 125 um with a gap of 4 um to the right, the bore is 129 um wide and 2 um to the right."""
    face = Face(gap=Gap(4.0, 0.0, 30.0))
    fiber, bore = labelled_of(photograph(face, Camera(300, 300, um_per_px=(0.5, 1.0)), seed=1), face, "a.png").claddings

    assert fiber.radii_px == (125.0, 62.5)
    assert bore.radii_px == (129.0, 64.5)
    assert bore.center_px == (fiber.center_px[0] + 4.0, fiber.center_px[1])
