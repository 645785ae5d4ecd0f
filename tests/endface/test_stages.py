from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest import approx

from endface.contract import Label
from endface.errors import EmptyImageError
from endface.files import sha256
from endface.frame import Frame
from endface.options import Options
from endface.report import Criteria, ModelInfo, Report, Scope
from endface.stages import postprocess, preprocess, refuse

Draw = Callable[..., Any]
CLEAN = np.zeros((512, 512), np.uint8)
MODEL = ModelInfo("segment", "1", "onnxruntime", "0" * 64)


def inspect(data: bytes, labels: NDArray[np.uint8] = CLEAN, **options: Any) -> Report:
    """Both stages around a network that answers with the given labels."""
    square, frame = preprocess(data, Options(**{"profile": "mm-pc"} | options))
    assert square.shape == (512, 512)
    return postprocess(labels, sure(labels), Frame.from_json(frame.to_json()), MODEL)


def sure(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Certain where there is a label."""
    return np.where(labels, np.uint8(255), np.uint8(0))


def spot(diameter_um: float, at_um: tuple[float, float], label: Label = Label.PIT) -> NDArray[np.uint8]:
    """A label map with one disc."""
    y, x = (np.mgrid[:512, :512] - 255.5) * 0.5
    return np.where(np.hypot(x - at_um[0], y - at_um[1]) <= diameter_um / 2, np.uint8(label), np.uint8(0))


def test_clean_face_passes(draw_face: Draw) -> None:
    """A face without defects passes, and the report says by what, on which fiber, at which scale."""
    drawn = draw_face()

    report = inspect(drawn.png(), name="a.png", serial="S1", meta={"station": "3"})

    assert (report.verdict, report.reasons, report.error, report.defects) == ("pass", (), None, ())
    assert report.fiber is not None
    assert report.fiber.cladding.center_px == approx(drawn.center_px, abs=0.1)
    assert report.calibration is not None
    assert report.calibration.um_per_px == approx((62.5 / 103.0, 62.5 / 112.2), rel=0.002)
    assert report.calibration.source == "cladding"
    assert report.image.sha256 == sha256(drawn.png())
    assert (report.image.name, report.image.width, report.image.height) == ("a.png", 720, 576)
    assert (report.serial, dict(report.meta), report.model) == ("S1", {"station": "3"}, MODEL)
    assert report.criteria.profile == "mm-pc"
    assert [zone.coverage for zone in report.zones] == approx([1, 1, 1, 1], abs=0.01)
    assert set(report.timings_ms) == {"preprocess", "postprocess"}


def test_defect_is_reported_in_camera_pixels_and_um(draw_face: Draw) -> None:
    """A 12 um pit 40 um to the right of the center fails zone B and lies where the camera saw it."""
    drawn = draw_face()

    report = inspect(drawn.png(), spot(12, (40, 0)))

    (pit,) = report.defects
    assert report.verdict == "fail"
    assert (pit.type, pit.zone) == ("pit", "B")
    assert pit.size_um == approx(12, abs=0.6)
    assert pit.center_um == approx((40, 0), abs=0.3)
    x, y, width, height = pit.bbox_px
    um_per_px = (62.5 / 103.0, 62.5 / 112.2)
    assert (x + width / 2, y + height / 2) == approx((350.3 + 40 / um_per_px[0], 290.8), abs=1.5)
    assert (width * um_per_px[0], height * um_per_px[1]) == approx((12, 12), abs=1.5)


@pytest.mark.parametrize(
    ("options", "scale", "source"),
    [
        ({"cladding_um": 140}, (70 / 103.0, 70 / 112.2), "cladding"),
        ({"um_per_px": 0.6}, (0.6 * math.sqrt(112.2 / 103.0), 0.6 / math.sqrt(112.2 / 103.0)), "request"),
    ],
)
def test_request_may_set_the_scale(
    draw_face: Draw, options: dict[str, Any], scale: tuple[float, float], source: str
) -> None:
    """By the cladding's diameter, or as the mean of both axes; their ratio stays that of the round fiber."""
    calibration = inspect(draw_face().png(), **options).calibration

    assert calibration is not None
    assert calibration.um_per_px == approx(scale, rel=0.002)
    assert calibration.source == source


@pytest.mark.parametrize(
    ("face", "options", "code"),
    [
        pytest.param({"blur_px": 6.0}, {}, "defocus", id="out-of-focus"),
        pytest.param({"blur_px": 12.0}, {}, "defocus", id="far-out-of-focus"),
        pytest.param({"levels": (255, 100, 255), "noise": 0}, {}, "saturated", id="overexposed"),
        pytest.param({"levels": (120, 0, 0), "noise": 0}, {}, "saturated", id="underexposed"),
        pytest.param({"center": (80.0, 290.0)}, {}, "zone_cut_off", id="fiber-at-the-border"),
        pytest.param({"radii": (150.0, 150.0), "center": (360.0, 150.0)}, {}, "zone_cut_off", id="zone-d-beyond"),
        pytest.param({"radii": (41.0, 41.0), "shape": (480, 640)}, {}, "coarse_scale", id="weak-objective"),
        pytest.param({"levels": (100, 100, 100)}, {}, "no_fiber", id="nothing-there"),
        pytest.param({}, {"um_per_px": 1.2}, "scale_mismatch", id="scale-of-another-objective"),
    ],
)
def test_picture_that_cannot_be_judged_is_invalid(
    draw_face: Draw, face: dict[str, Any], options: dict[str, Any], code: str
) -> None:
    """Each reason has its code and a sentence, a black square, and never a verdict of pass or fail."""
    data = draw_face(**face).png()

    square, _ = preprocess(data, Options("mm-pc", **options))
    report = inspect(data, **options)

    assert not square.any()
    assert report.verdict == "invalid"
    assert report.error is not None
    assert report.error.code == code
    assert report.reasons == (report.error.message,)
    assert not report.borderline


def test_request_may_confine_the_judgment_to_zones_that_the_picture_shows(draw_face: Draw) -> None:
    """A field of 180 um cannot show zone D: A and B are judged, and the report says that C and D were not."""
    face = draw_face(radii=(150.0, 150.0), shape=(440, 440), center=(219.5, 219.5)).png()

    whole, confined = inspect(face), inspect(face, zones=("A", "B"))

    assert whole.error is not None
    assert whole.error.code == "zone_cut_off"
    assert (confined.verdict, [zone.name for zone in confined.zones]) == ("pass", ["A", "B"])
    assert confined.scope == Scope(("A", "B"), ("C", "D"))
    assert confined.scope_text == "zones A, B only"
    assert whole.scope == Scope(("A", "B", "C", "D"))
    assert whole.scope_text == ""
    assert inspect(face, spot(12, (40, 0)), zones=("A", "B")).verdict == "fail"
    assert Report.from_json(confined.to_json()) == confined


def test_screening_fails_a_dirty_face_and_never_passes_a_clean_one(draw_face: Draw) -> None:
    """A probe of 2 um per pixel can stop a dirty connector; what it does not see, a finer one must."""
    coarse = draw_face(radii=(31.0, 31.0), shape=(200, 200), center=(99.5, 99.5), blur_px=0.4).png()

    refused, clean = inspect(coarse), inspect(coarse, screen=True)
    dirty = inspect(coarse, spot(30, (40, 0), Label.CONTAMINATION), screen=True)
    small = inspect(coarse, spot(3, (0, 0)), screen=True)

    assert [report.error and report.error.code for report in (refused, clean, dirty, small)] == [
        "coarse_scale",
        "too_coarse_to_pass",
        None,
        "too_coarse_to_pass",
    ]
    assert (clean.verdict, clean.zones, clean.reasons) == ("invalid", (), (clean.error.message,) if clean.error else ())
    assert (dirty.verdict, [defect.type for defect in dirty.defects]) == ("fail", ["contamination"])
    assert small.defects == ()


def test_screening_changes_nothing_where_the_picture_is_fine_enough(draw_face: Draw) -> None:
    """A clean face passes."""
    assert inspect(draw_face().png(), screen=True).verdict == "pass"


def test_core_of_another_fiber_is_invalid_unless_the_request_insists(draw_face: Draw) -> None:
    """A core of 50 um by the limits of single-mode fibers is a wrong profile, and the report names the diameter."""
    face = draw_face(core_share=0.4).png()

    report = inspect(face, profile="sm-pc-45")
    insisted = inspect(face, profile="sm-pc-45", any_core=True)

    assert report.error is not None
    assert report.error.code == "profile_mismatch"
    assert "the core is 50 um wide" in report.error.message
    assert insisted.verdict == "pass"
    assert insisted.notes == (
        "the core is 50 um wide, and sm-pc-45 is for cores up to 30 um; the request insisted on it",
    )


@pytest.mark.parametrize("profile", ["mm-pc", "mm-pc-mt", "sm-pc-45", "sm-apc", "sm-pc-mt"])
@pytest.mark.parametrize("levels", [(180, 100, 100), (60, 150, 150)], ids=["dark", "bright"])
def test_plain_disc_is_invalid(draw_face: Draw, profile: str, levels: tuple[int, int, int]) -> None:
    """Whatever the profile: nothing of a fiber is seen inside it."""
    report = inspect(draw_face(levels=levels).png(), profile=profile)

    assert report.verdict == "invalid"
    assert report.error is not None
    assert report.error.code in ("no_core", "negative")


def test_report_says_where_no_core_is_seen(draw_face: Draw) -> None:
    """A fiber whose rings are seen, but no core, passes only borderline."""
    _, frame = preprocess(draw_face().png(), Options("mm-pc"))
    assert frame.fiber is not None

    report = postprocess(CLEAN, CLEAN, replace(frame, fiber=replace(frame.fiber, core=None)))

    assert (report.verdict, report.borderline) == ("pass", True)
    assert report.notes == ("no core is seen, so nothing says that the profile is that of this fiber",)


@pytest.mark.parametrize("data", [b"text", b"\xff\xd8\xff\xe0 cut", b"\x89PNG\r\n\x1a\n"])
def test_undecodable_picture_is_invalid(data: bytes) -> None:
    """Bytes that are no picture are reported, whatever the network draws on their black square."""
    report = inspect(data, spot(20, (0, 0)), name="x.bin")

    assert (report.verdict, report.defects) == ("invalid", ())
    assert report.error is not None
    assert report.error.code == "undecodable"
    assert report.image.sha256 == sha256(data)
    assert (report.image.name, report.image.width) == ("x.bin", 0)


def test_lit_core_at_the_end_of_the_scale_may_pass(draw_face: Draw) -> None:
    """A small saturated core leaves enough of zone A to judge."""
    face = draw_face(levels=(180, 100, 255), core_share=9 / 125)

    assert inspect(face.png(), profile="sm-pc-45").verdict == "pass"


def test_labels_where_the_camera_saw_nothing_do_not_count(draw_face: Draw) -> None:
    """What the network draws on the made-up part of the square, beyond the picture, is no defect."""
    data = draw_face(center=(207.0, 290.0)).png()  # zone D fits in, the square's left margin does not

    beyond, inside = inspect(data, spot(1.5, (-127.4, 40))), inspect(data, spot(1.5, (126.9, 40)))

    assert beyond.defects == ()
    assert len(inside.defects) == 1


def test_malformed_picture_is_an_error_or_a_report_of_its_own() -> None:
    """No bytes at all are the caller's mistake; in a batch it becomes a report of its own."""
    with pytest.raises(EmptyImageError):
        preprocess(b"", Options("mm-pc"))
    _, frame = refuse(b"", Options("mm-pc", name="e"), EmptyImageError("the picture is empty"))

    report = postprocess(CLEAN, CLEAN, frame)

    assert report.verdict == "invalid"
    assert report.error is not None
    assert report.error.code == "empty_image"


OWN = """
standard = "Plant 7"
edition = "1"
source = "our own"
[[zones]]
name = "all"
inner_um = 0
outer_um = 125
defects = [{ size_um = "(0, inf)", allowed = 0 }]
"""


def test_users_own_profile_is_applied(draw_face: Draw, tmp_path: Path) -> None:
    """A profile in the user's folder judges by its own limits, and its sum stands in the report."""
    path = tmp_path / "strict.toml"
    path.write_text(OWN)
    options = Options.from_parameters({"profile": "strict"}, profiles=tmp_path)
    _, frame = preprocess(draw_face().png(), options)

    found = spot(2, (10, 10))

    report = postprocess(found, sure(found), frame, profiles=tmp_path)

    assert report.verdict == "fail"
    assert report.criteria == Criteria("strict", "Plant 7", "1", "own", "our own", sha256(path.read_bytes()))


@pytest.mark.parametrize("change", [("allowed = 0", "allowed = 9"), ('"all"', '"A"')], ids=["limit", "zone"])
def test_two_sets_of_rules_give_no_verdict(draw_face: Draw, tmp_path: Path, change: tuple[str, str]) -> None:
    """Where a profile was edited and only one stage's process has read it anew, the report is invalid and says why."""
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, text in ((before, OWN), (after, OWN.replace(*change))):
        folder.mkdir()
        (folder / "strict.toml").write_text(text)
    _, frame = preprocess(draw_face().png(), Options("strict", profiles=before))

    report = postprocess(CLEAN, CLEAN, Frame.from_json(frame.to_json()), profiles=after)

    assert report.verdict == "invalid"
    assert report.error is not None
    assert report.error.code == "profile_changed"
    assert "restart the server" in report.error.message


def test_turned_and_mirrored_face_gets_the_same_verdict(draw_face: Draw) -> None:
    """Localisation does not prefer a direction: turned pictures give the same scale within 0.3 %."""
    gray = draw_face(radii=(105.0, 105.0)).gray
    radii = []
    for turned in (gray, cv2.rotate(gray, cv2.ROTATE_90_CLOCKWISE), cv2.flip(gray, 1)):
        report = inspect(cv2.imencode(".png", turned)[1].tobytes())
        assert report.verdict == "pass"
        assert report.calibration is not None
        radii.append(report.calibration.um_per_px[0])

    assert radii == approx([62.5 / 105.0] * 3, rel=0.003)
