"""From reviews to a version, with networks that are known: a blind one that serves, and what takes its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from endface.engines.onnx_network import Network
from endface.offline import Inspector
from endface.options import Options
from endface.review.cases import Cases
from endface.review.opinions import Review
from endface_build.data.drawn_pictures import labelled_of
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import pit
from endface_build.learn.learn import Learned, learn
from endface_build.learn.page import write_page
from endface_build.learn.reviewed import Split, side_of
from endface_build.learn.settings import Progress, Settings
from endface_build.manifest import MODEL_FILE
from endface_build.rollout.versions import Versions
from tests.endface_build.learn.conftest import drawn_marks

Write = Callable[..., Path]

PARTS = [
    next(name for name in (f"SN{number}" for number in range(99)) if side_of(name) == side)
    for side in ("learned", "held-out")
]
"""A part on each side."""


@pytest.fixture
def cases(tmp_path: Path, versions: Versions) -> Cases:
    """A face of each part with two large pits near the rim, which passed; the reviews say what is there."""
    cases = Cases(tmp_path / "cases")
    network = Network(versions.path(1) / MODEL_FILE)
    for number, part in enumerate(PARTS):
        face = Face(marks=(pit((54.0, -15.0), 12.0), pit((-54.0, 14.0), 12.0)))
        drawn = labelled_of(photograph(face, Camera(640, 480, um_per_px=(0.5, 0.5)), seed=number), face, f"{part}.png")
        report = Inspector.around(network, Options("mm-pc", serial=part, name=drawn.name))(drawn.data)
        assert report.verdict == "pass"
        case = cases.keep(report, drawn.data, asked=True)
        assert case is not None
        cases.add_review(case.name, Review("Ana", "2026-11-29T08:00:00+00:00", "wrong", drawn_marks(drawn)))
    return cases


def learned_with(candidate: Path, cases: Cases, versions: Versions, *, promotes: bool = True) -> Learned:
    """What comes of a network that is made beforehand."""

    def make(sides: Split, _serving: Path, _settings: Settings, _progress: Progress) -> tuple[Path, tuple[str, ...]]:
        assert [case.part for case in sides.learned.cases] == [PARTS[0]]
        return candidate, ()

    settings = Settings(candidate.parent / "run", faces=1, gage_parts=1, gage_repeats=1, promotes=promotes)
    return learn(cases, versions, settings, lambda *_: None, make=make)


def test_better_network_serves(cases: Cases, versions: Versions, serving: Path, tmp_path: Path) -> None:
    """A network that sees what the serving one missed, on a part that it has not learned from, is the next version."""
    candidate = Path(shutil.copytree(serving, tmp_path / "candidate", ignore=shutil.ignore_patterns("__pycache__")))
    learned = learned_with(candidate, cases, versions)
    page = write_page(learned, tmp_path).read_text()

    assert learned.against == ()
    assert learned.promotion is not None
    assert versions.newest == learned.promotion.version == 2
    figures = learned.sets["reviewed, mm-pc"].changes
    assert (figures["recall"].before, figures["recall"].after) == (0.0, 1.0)
    assert (figures["false_pass"].before, figures["false_pass"].after) == (1.0, 0.0)
    assert PARTS[1] in {pair.part for name, pair in learned.differing if name.startswith("reviewed")}
    assert PARTS[0] not in {pair.part for _, pair in learned.differing}
    assert "version 2 and serves in place of 1" in page
    assert f"part {PARTS[1]}" in page
    assert 'aria-label="candidate: ' in page
    assert 'aria-label="candidate: 0 marks"' not in page  # it sees the pits


def test_network_that_is_not_to_be_promoted_waits(
    cases: Cases, versions: Versions, serving: Path, tmp_path: Path
) -> None:
    """Without promotion nothing is changed, and the page says so."""
    candidate = Path(shutil.copytree(serving, tmp_path / "candidate", ignore=shutil.ignore_patterns("__pycache__")))
    learned = learned_with(candidate, cases, versions, promotes=False)

    assert (learned.against, learned.promotion, versions.newest) == ((), None, 1)
    assert "it was not to be promoted" in write_page(learned, tmp_path).read_text()


def test_network_that_learned_nothing_is_refused(
    cases: Cases, versions: Versions, write_steps: Write, tmp_path: Path
) -> None:
    """A candidate that is no better stays one, and the reason is told."""
    learned = learned_with(write_steps(tmp_path / "candidate", high=0), cases, versions)

    assert versions.newest == 1
    assert learned.promotion is None
    assert learned.against == ("nothing is better on the reviewed parts that were put aside",)
    assert "nothing is better" in write_page(learned, tmp_path).read_text()


def test_gate_of_promotion_is_a_reason(cases: Cases, versions: Versions, write_steps: Write, tmp_path: Path) -> None:
    """A candidate that finds the pits by calling everything a mark is refused by the golden pictures."""
    learned = learned_with(write_steps(tmp_path / "candidate"), cases, versions)

    assert versions.newest == 1
    assert learned.promotion is None
    assert "misjudges golden pictures" in learned.against[0]
