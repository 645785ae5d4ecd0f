"""Shadow mode on drawn faces: a candidate that sees nothing, or everything, beside a report that was answered."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from endface.contract import Label
from endface.offline import Inspector
from endface.options import Options
from endface.report import ModelInfo, Report
from endface.review.cases import Cases
from endface.review.shadow import Shadow

BASE = Options("")


class Blind:
    """A network that sees a square spot of 10 um in zone A, or nothing; it waits for a sign before it answers."""

    info = ModelInfo("segment", "9", "onnxruntime", "9" * 64)

    def __init__(self, *, spot: bool = False) -> None:
        self._spot = spot
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = threading.Event()

    def segment(self, squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Label every pixel."""
        self.asked.set()
        assert self.may_answer.wait(60)
        labels = np.zeros((len(squares), 512, 512), np.uint8)
        if self._spot:
            labels[:, 250:270, 250:270] = Label.PIT
        return labels, np.where(labels > 0, np.uint8(255), np.uint8(0))


@pytest.fixture
def picture(face: NDArray[np.uint8], encode: Callable[..., bytes]) -> bytes:
    """A clean face."""
    return encode(face)


@pytest.fixture
def passed(picture: bytes) -> Report:
    """Its report by a network that sees nothing."""
    return Inspector.around(Blind(), Options("mm-pc", serial="A1"))(picture, "face.png")


@pytest.fixture
def cases(tmp_path: Path) -> Cases:
    """An empty folder of cases."""
    return Cases(tmp_path / "cases")


@pytest.fixture
def waiting() -> Iterator[Blind]:
    """A candidate that does not answer until it may."""
    network = Blind()
    network.may_answer.clear()
    yield network
    network.may_answer.set()


def test_candidate_that_differs_makes_a_case(cases: Cases, picture: bytes, passed: Report) -> None:
    """Another verdict and a mark that only the candidate found are a case with both reports."""
    with Shadow(cases, Blind(spot=True), BASE) as shadow:
        assert shadow.offer(picture, passed)

    (case,) = cases
    assert case.kind == "disagreement"
    assert case.report == passed
    assert case.candidate is not None
    assert case.candidate.verdict == "fail"
    assert case.candidate.serial == "A1"
    assert [reason.text.partition(" pit")[0] for reason in case.reasons] == [
        "the verdict is pass, the candidate says fail",
        "only the candidate found",
    ]
    assert shadow.tally.disagreements == shadow.tally.judged == 1


def test_candidate_that_agrees_makes_none(cases: Cases, picture: bytes, passed: Report) -> None:
    """The same verdict on the same marks is no case."""
    with Shadow(cases, Blind(), BASE) as shadow:
        shadow.offer(picture, passed)

    assert list(cases) == []
    assert (shadow.tally.judged, shadow.tally.disagreements) == (1, 0)


def test_full_queue_drops_and_counts(cases: Cases, picture: bytes, passed: Report, waiting: Blind) -> None:
    """A candidate that is behind delays nobody: what it cannot take is dropped and counted."""
    shadow = Shadow(cases, waiting, BASE, capacity=2)
    assert shadow.offer(picture, passed)
    assert waiting.asked.wait(60)  # the first is under way, the queue is empty again
    taken = [shadow.offer(picture, passed) for _ in range(5)]
    waiting.may_answer.set()
    shadow.close()

    assert taken == [True, True, False, False, False]
    assert (shadow.tally.judged, shadow.tally.dropped) == (3, 3)
    assert "3 came too fast" in shadow.tally.text


def test_other_limits_are_not_compared(cases: Cases, picture: bytes, passed: Report) -> None:
    """A report by limits that this machine does not have says nothing about the candidate."""
    other = dataclasses.replace(passed, criteria=dataclasses.replace(passed.criteria, sha256="0" * 64))
    unknown = dataclasses.replace(passed, criteria=dataclasses.replace(passed.criteria, profile="line-3"))
    with Shadow(cases, Blind(spot=True), BASE) as shadow:
        shadow.offer(picture, other)
        shadow.offer(picture, unknown)

    assert list(cases) == []
    assert shadow.tally.failed == 2
    assert "line-3" in shadow.tally.problem


def test_broken_candidate_spares_the_rest(cases: Cases, picture: bytes, passed: Report) -> None:
    """A network that raises is counted, and the next picture is judged."""

    class Broken(Blind):
        def segment(self, squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
            if not self.asked.is_set():
                self.asked.set()
                raise RuntimeError("out of memory")
            return super().segment(squares)

    with Shadow(cases, Broken(), BASE) as shadow:
        shadow.offer(picture, passed)
        shadow.offer(picture, passed)

    assert (shadow.tally.failed, shadow.tally.judged) == (1, 1)
    assert "out of memory" in shadow.tally.text


@pytest.mark.parametrize(
    "options",
    [Options("mm-pc", cladding_um=124.0), Options("mm-pc", um_per_px=0.551), Options("mm-pc", zones=("A", "B"))],
)
def test_candidate_is_asked_as_the_network_was(cases: Cases, picture: bytes, passed: Report, options: Options) -> None:
    """Scale, cladding and zones of the report are those that the candidate judges by."""
    report = Inspector.around(Blind(), options)(picture, "face.png")
    with Shadow(cases, Blind(spot=True), BASE) as shadow:
        shadow.offer(picture, report)

    (case,) = cases
    assert case.candidate is not None
    assert case.candidate.scope == report.scope
    assert report.calibration is not None
    assert case.candidate.calibration is not None
    assert case.candidate.calibration.um_per_px == pytest.approx(report.calibration.um_per_px, rel=1e-4)
    assert passed.verdict == "pass"


def test_invalid_picture_is_not_offered(cases: Cases, passed: Report) -> None:
    """A picture that no network judged is no matter of versions."""
    refused = Inspector.around(Blind(), Options("mm-pc"))(b"no picture")
    with Shadow(cases, Blind(spot=True), BASE) as shadow:
        assert not shadow.offer(b"no picture", refused)

    assert shadow.tally.judged == 0
    assert passed.verdict == "pass"
