"""Pictures of one zone, pictures that are only called so, and the separation stage's opinion on the fiber."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from endface.report import Ellipse, Report
from endface_client.legacy import OmniFiberAnalyzer
from endface_client.legacy._analyzer import is_region
from endface_client.legacy._consensus import Consensus
from endface_client.testing import PASS, FakeServer, Received

Read = Callable[..., Any]


@pytest.mark.parametrize(
    ("stem", "output_dir", "region"),
    [
        ("region_core", "results/face/3_detected/region_core", True),
        ("region_cladding", "anywhere", True),
        ("blurred_region_ferrule", "results/face/3_detected/blurred_region_ferrule", True),
        ("Region_Core", "anywhere", True),
        ("abc_core", "results/abc_core/3_detected/abc_core", False),
        ("abc_core", "results/face/3_detected/abc_core", False),
        ("region_core", "results/region_core/3_detected/region_core", False),
        ("region_core_2", "anywhere", False),
        ("myregion_core", "anywhere", False),
        ("face", "results/face/3_detected/face", False),
    ],
)
def test_what_is_a_region(stem: str, output_dir: str, region: bool) -> None:
    """The separation stage's names are, a user's own picture is not, whatever it is called."""
    assert is_region(stem, Path(output_dir)) is region


def test_regions_do_not_outvote_the_face(
    run: Any, ask: Any, fake_server: FakeServer, found: Report, read_run: Read
) -> None:
    """A region is not asked about, lists nothing and does not claim to be good; the verdict is the face's."""
    for zone in ("core", "cladding", "ferrule"):
        folder = run.folder / "3_detected" / f"region_{zone}"
        values = OmniFiberAnalyzer(ask()).analyze_end_face(f"region_{zone}.png", str(folder))
        assert (values["defects"], values["success"], values["verdict"]) == ([], False, "not_judged")
        assert json.loads((folder / f"region_{zone}_report.json").read_text(encoding="ascii")) == values
    assert fake_server.requests == []

    for answer, status in ((PASS, "PASS"), (found, "FAIL")):  # the second run overwrites the first
        fake_server.answer = answer
        run.analyze(ask())
        assert read_run(run.folder, "face", (1200, 1000)).status == status


@pytest.mark.parametrize("with_mask", [False, True], ids=["as it is", "moved"])
def test_a_face_that_is_called_like_a_region_is_judged(
    run: Any, ask: Any, fake_server: FakeServer, found: Report, read_run: Read, *, with_mask: bool
) -> None:
    """It fails, even where the last stage moves its defects by the bounds of a mask."""
    own = dataclasses.replace(
        run, folder=run.folder.with_name("face_core"), picture=run.picture.with_name("face_core.png")
    )
    own.picture.write_bytes(run.picture.read_bytes())
    if with_mask:
        masks = own.folder / "2_separated" / "face_core"
        masks.mkdir(parents=True)
        mask = np.zeros((1000, 1200), np.uint8)
        mask[900:, 1100:] = 1
        np.save(masks / "core_mask.npy", mask)
    fake_server.answer = found

    assert own.analyze(ask())["verdict"] == "fail"
    assert read_run(own.folder, "face_core", (1200, 1000)).status == "FAIL"


# --- what the separation stage saw -------------------------------------------------------------------------------


def write_consensus(run: Any, **values: Any) -> None:
    """The separation stage's report, where it puts it."""
    folder = run.folder / "2_separated" / run.picture.stem
    folder.mkdir(parents=True)
    (folder / "consensus_report.json").write_text(json.dumps(values), encoding="utf-8")


@pytest.mark.parametrize(("cladding_radius", "agrees"), [(130.0, True), (250.0, False)])
def test_a_consensus_is_noted(
    run: Any,
    ask: Any,
    fake_server: FakeServer,
    found: Report,
    caplog: pytest.LogCaptureFixture,
    *,
    cladding_radius: float,
    agrees: bool,
) -> None:
    """Its numbers stand in the report beside ours, and the verdict stays ours; the log tells of another fiber."""
    seen = {"center": [505.0, 398.0], "core_radius": 51.0, "cladding_radius": cladding_radius}
    write_consensus(run, **seen, num_valid_results=7)
    fake_server.answer = found
    values = run.analyze(ask())

    assert (values["consensus"], values["verdict"]) == (seen | {"agrees": agrees}, "fail")
    assert ("sees the fiber elsewhere" in caplog.text) != agrees


@pytest.mark.parametrize(
    "values",
    [{}, {"center": None}, {"center": [1, 2], "core_radius": 1, "cladding_radius": 0}, {"center": [float("nan"), 2]}],
    ids=str,
)
def test_a_consensus_without_sense_is_none(run: Any, ask: Any, values: dict[str, Any]) -> None:
    """What holds no fiber is as good as no file."""
    write_consensus(run, **{"core_radius": 1, "cladding_radius": 9} | values if "center" in values else values)

    assert "consensus" not in run.analyze(ask())


@pytest.mark.parametrize(
    ("center", "radius_px", "agrees"),
    [
        ((500.0, 400.0), 100.0, True),
        ((519.0, 400.0), 100.0, True),
        ((521.0, 400.0), 100.0, False),
        ((500.0, 421.0), 100.0, False),
        ((500.0, 400.0), 119.0, True),
        ((500.0, 400.0), 121.0, False),
        ((500.0, 400.0), 84.0, True),
        ((500.0, 400.0), 82.0, False),
    ],
)
def test_a_fifth_of_the_radius_is_agreement(center: tuple[float, float], radius_px: float, agrees: bool) -> None:
    """So far may centre and size be apart; of an ellipse the mean radius counts."""
    cladding = Ellipse((500.0, 400.0), (radius_px * 1.05, radius_px / 1.05))

    assert Consensus(center, 40.0, 100.0).agrees(cladding) is agrees


def around(found: Report, refused: Report) -> Callable[[Received], Report]:
    """A server that finds the fiber only in small pictures: 600 x 600 pixels around (500, 400) at most."""

    def answer(received: Received) -> Report:
        levels = cv2.imdecode(np.frombuffer(received.picture, np.uint8), cv2.IMREAD_UNCHANGED)
        height, width = levels.shape[:2]
        if max(height, width) > 600:
            image = dataclasses.replace(found.image, width=width, height=height)
            return dataclasses.replace(refused, image=image)
        return moved_by(found, -(500 - width // 2), -(400 - height // 2), width, height)

    return answer


def moved_by(report: Report, dx: int, dy: int, width: int, height: int) -> Report:
    """The report of a picture that begins elsewhere."""
    fiber = report.fiber
    assert fiber is not None
    x, y = fiber.cladding.center_px
    cladding = dataclasses.replace(fiber.cladding, center_px=(x + dx, y + dy))
    defects = tuple(
        dataclasses.replace(
            each,
            bbox_px=(each.bbox_px[0] + dx, each.bbox_px[1] + dy, *each.bbox_px[2:]),
            polygon_px=tuple(tuple((px + dx, py + dy) for px, py in ring) for ring in each.polygon_px),
        )
        for each in report.defects
    )
    return dataclasses.replace(
        report,
        image=dataclasses.replace(report.image, width=width, height=height),
        fiber=dataclasses.replace(fiber, cladding=cladding, core=None),
        defects=defects,
    )


def test_a_fiber_is_found_where_the_consensus_says(
    run: Any, ask: Any, fake_server: FakeServer, found: Report, refused: Report
) -> None:
    """Where none stands out in the whole picture the part around it is judged, and told in the whole one's pixels."""
    write_consensus(run, center=[500.0, 400.0], core_radius=50.0, cladding_radius=125.0)
    fake_server.answer = around(found, refused)
    values = run.analyze(ask())

    assert [(request.parameters["name"]) for request in fake_server.requests] == ["face.png"] * 2
    assert (values["success"], values["verdict"], values["consensus"]["agrees"]) == (True, "fail", True)
    assert values["endface"]["image"]["width"] == 1200
    assert values["endface"]["fiber"]["cladding"]["center_px"] == pytest.approx([500, 400], abs=1)
    assert values["defects"][1]["location_xy"] == pytest.approx([600, 405], abs=1)
    assert np.load(run.output_dir / "face_defect_mask.npy").shape == (1000, 1200)


@pytest.mark.parametrize("center", [[600.0, 500.0], [1e9, 1e9], [-500.0, 0.0]], ids=str)
def test_another_fiber_than_the_consensus_is_none(
    run: Any, ask: Any, fake_server: FakeServer, found: Report, *, refused: Report, read_run: Read, center: list[float]
) -> None:
    """What the second look finds elsewhere does not count: the picture stays invalid."""
    write_consensus(run, center=center, core_radius=50.0, cladding_radius=90.0)
    fake_server.answer = around(found, refused)
    values = run.analyze(ask())

    assert (values["success"], values["error_code"]) == (False, "no_fiber")
    assert read_run(run.folder, "face", (1200, 1000)).status == "FAIL"
