"""Invariance: what a change of the picture does to verdicts and sizes, on reports written by hand and drawn faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from endface.offline import Inspector
from endface.options import Options
from endface.picture.decode import decode
from endface.report import Problem, Report, VerdictName
from endface_build.evaluation.inspector import with_baseline
from endface_build.evaluation.invariance import CHANGES, study, unmarked_flips
from endface_build.evaluation.picture_changes import Change

ReportOf = Callable[..., Report]
BLANK = np.zeros((8, 8), np.uint8)
STILL = Change("still", lambda gray: gray)


@pytest.fixture(scope="module")
def report(samples: list[Path]) -> ReportOf:
    """A report with a verdict and defects (x, y, size), all in micrometers."""
    sample = next(path for path in samples if path.name == "pits-in-core.jpg")
    seen = with_baseline(Options("mm-pc"))(sample.read_bytes())

    def of(verdict: str, *places: tuple[float, float, float], borderline: bool = False) -> Report:
        defects = tuple(
            replace(seen.defects[0], id=number, center_um=(x, y), size_um=size_um)
            for number, (x, y, size_um) in enumerate(places, start=1)
        )
        return replace(
            seen,
            verdict=cast("VerdictName", verdict),
            zones=tuple(replace(zone, verdict="pass") for zone in seen.zones),
            error=Problem("defocus", "focus again") if verdict == "invalid" else None,
            borderline=borderline,
            defects=defects,
        )

    return of


def scripted(*reports: Report) -> Callable[[bytes], Report]:
    """Give these reports one after the other."""
    following: Iterator[Report] = iter(reports)
    return lambda _: next(following)


@pytest.mark.parametrize(
    ("before", "after", "borderline", "counts"),
    [
        # flips, unmarked, invalid, failing, kept
        ("pass", "pass", False, (0, 0, 0, 0, 0)),
        ("pass", "fail", False, (1, 1, 0, 0, 0)),
        ("fail", "pass", False, (1, 1, 0, 1, 0)),
        ("fail", "pass", True, (1, 0, 0, 1, 1)),
        ("fail", "fail", False, (0, 0, 0, 1, 1)),
        ("fail", "invalid", False, (0, 0, 1, 1, 1)),
        ("pass", "invalid", False, (0, 0, 1, 0, 0)),
    ],
)
def test_verdicts_before_and_after(
    report: ReportOf, before: str, after: str, borderline: bool, counts: tuple[int, ...]
) -> None:
    """A flip is between pass and fail, marked where it is borderline; a failing part is kept unless it passes so."""
    result = study({"a.png": BLANK}, scripted(report(before), report(after, borderline=borderline)), [STILL])
    values = result["changes"]["still"]

    assert tuple(values[key] for key in ("flips", "unmarked", "invalid", "failing", "kept")) == counts
    assert values["unmarked_pictures"] == ["a.png"] * counts[1]
    assert unmarked_flips(result) == counts[1]


def test_a_picture_that_is_refused_at_first_tells_nothing(report: ReportOf) -> None:
    """It is counted apart, and not changed at all."""
    result = study({"a.png": BLANK}, scripted(report("invalid")), [STILL])

    assert (result["judged"], result["refused"]) == (0, 1)
    assert result["changes"]["still"]["pictures"] == 0


def test_defects_are_found_again_where_the_pose_puts_them(report: ReportOf) -> None:
    """Defects of 3 um and more are sought within 3 um in the fiber's coordinates, and their sizes compared."""
    mirrored = next(change for change in CHANGES if change.name == "mirrored")
    before = report("fail", (20, 5, 4.0), (-30, 0, 10.0), (60, 60, 8.0), (0, 0, 2.9))
    after = report("fail", (-20, 7.9, 4.5), (30, 0, 8.0), (-60, 63.1, 8.0))
    values = study({"a.png": BLANK}, scripted(before, after), [mirrored])["changes"]["mirrored"]

    assert (values["sought"], values["found"], values["found_again"]) == (3, 2, 0.667)
    assert values["size_median_um"] == pytest.approx(1.25)
    assert values["size_p95_um"] == pytest.approx(0.5 + 0.95 * 1.5, abs=0.006)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_moves_a_mark_to_where_its_pose_says(change: Change) -> None:
    """A dark spot right of the middle and below it lies where the pose takes it, to half a pixel."""
    gray = np.full((101, 101), 160, np.uint8)
    cv2.circle(gray, (70, 60), 6, 40, -1)
    changed = change.apply(gray)
    inner = changed[40:-40, 40:-40] if "border" in change.name else changed
    y, x = np.nonzero(inner < inner[2, 2] * 0.7)
    scale = inner.shape[0] / 101
    place = (np.array([x.mean(), y.mean()]) - (inner.shape[0] - 1) / 2) / scale

    assert changed.dtype == np.uint8
    assert place == pytest.approx(change.pose @ [20, 10], abs=0.6)


def test_every_change_is_another_picture_and_the_same_each_time() -> None:
    """No change leaves the picture as it was, and none is left to chance."""
    gray = np.random.default_rng(1).integers(60, 200, (60, 80)).astype(np.uint8)
    gray = np.asarray(cv2.GaussianBlur(gray, (0, 0), 2), np.uint8)
    for change in CHANGES:
        changed = change.apply(gray)
        assert not np.array_equal(changed, gray), change.name
        assert np.array_equal(changed, change.apply(gray)), change.name
    assert len({change.name for change in CHANGES}) == len(CHANGES) == 23


def test_a_clean_face_stays_clean(samples: list[Path]) -> None:
    """Through the stages, a clean sample keeps its verdict when it is mirrored, bordered or larger."""
    gray: NDArray[np.uint8] = decode(
        next(path for path in samples if path.name == "multimode-clean.jpg").read_bytes()
    ).gray
    blind = Inspector(lambda squares: (np.zeros_like(squares[:, 0]),) * 2, Options("mm-pc"))
    chosen = [change for change in CHANGES if change.name in {"mirrored", "white border", "1.5 x"}]
    result = study({"clean.jpg": gray}, blind, chosen)

    assert [values["flips"] + values["invalid"] for values in result["changes"].values()] == [0, 0, 0]
