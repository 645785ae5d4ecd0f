"""Figures of hand-made outcomes: shares, confusion, Cohen's kappa and the calibration error by hand."""

from __future__ import annotations

import pytest

from endface_build.evaluation.match_defects import LabelledDefect, Match, ReportedDefect
from endface_build.evaluation.metrics import (
    EvaluatedPicture,
    Json,
    calibration,
    share,
    summarize,
    verdict_agreement,
)


def labelled(
    kind: str = "pit",
    size_um: float = 5.0,
    *,
    found: bool = True,
    said: str | None = None,
    zone: str = "A",
    contrast: float = 30.0,
    other: str = "",
) -> LabelledDefect:
    """A labelled defect; with another type one that may be read in two ways."""
    types = (kind, other) if other else (kind,)
    return LabelledDefect(
        types, zone, size_um, found, (kind if found else "") if said is None else said, contrast, (0, 0)
    )


def reported(kind: str = "pit", size_um: float = 5.0, confidence: float = 0.9, *, true: bool = True) -> ReportedDefect:
    """A reported defect in zone A."""
    return ReportedDefect(kind, "A", size_um, confidence, true, (0, 0))


def picture(verdict: str, *truth: str, near: bool = False) -> EvaluatedPicture:
    """A picture with a verdict and those that its labels allow."""
    return EvaluatedPicture("a.png", None, verdict, frozenset(truth), near)


def metrics(match: Match) -> Json:
    """Metrics of one picture."""
    return summarize([EvaluatedPicture("a.png", match, "pass", frozenset({"pass"}), localized=True)])


def counted(share: Json) -> tuple[float | None, int]:
    """A share and its count."""
    return share["share"], share["count"]


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(15, 24, 0.4271, 0.7884), (0, 14, 0.0, 0.2153), (32, 32, 0.8928, 1.0)],
)
def test_wilsons_interval_by_hand(hits: int, count: int, low: float, high: float) -> None:
    """The 95 % interval is that of the textbook's formula, also at 0 and at 1."""
    values = share([True] * hits + [False] * (count - hits))

    assert (values["hits"], values["count"]) == (hits, count)
    assert (values["low"], values["high"]) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_recall_by_group() -> None:
    """Each defect counts in its type, its zone, its band of size and of contrast."""
    defects = (labelled(), labelled("scratch", 12.0, found=False, zone="B", contrast=7.0), labelled(size_um=3.0))
    recall = metrics(Match(defects, (), None))["recall"]

    assert counted(recall["all"]) == (0.6667, 3)
    assert counted(recall["type"]["pit"]) == (1.0, 2)
    assert counted(recall["type"]["scratch"]) == (0.0, 1)
    assert counted(recall["type"]["chip"]) == (None, 0)
    assert {zone: counted(share) for zone, share in recall["zone"].items()} == {"A": (1.0, 2), "B": (0.0, 1)}
    assert counted(recall["size_um"]["> 10"]) == (0.0, 1)
    assert counted(recall["size_um"]["3-5"]) == (1.0, 1)
    assert counted(recall["contrast"]["5-10"]) == (0.0, 1)


def test_small_ones_count_in_their_band_only() -> None:
    """Below 3 um a defect counts in its band of size and nowhere else; below 1.5 um nowhere."""
    result = metrics(Match((labelled(size_um=2.0), labelled(size_um=1.4)), (reported(size_um=1.7, true=False),), None))

    assert result["recall"]["all"]["count"] == 0
    assert result["recall"]["size_um"]["2-3"]["count"] == 1
    assert sum(band["count"] for band in result["recall"]["size_um"].values()) == 1
    assert result["precision"]["all"]["count"] == 0
    assert counted(result["precision"]["size_um"]["1.5-2"]) == (0.0, 1)


def test_confusion_and_line_accuracy() -> None:
    """Missed defects and false alarms have their own column and row; only found ones are told as line or not."""
    match = Match(
        (labelled("scratch"), labelled("scratch", said="contamination"), labelled("chip", found=False)),
        (reported("pit", true=False), reported("pit")),
        0.5,
    )
    result = metrics(match)

    assert result["confusion"]["scratch"]["scratch"] == result["confusion"]["scratch"]["contamination"] == 1
    assert result["confusion"]["chip"]["missed"] == 1
    assert result["confusion"]["nothing"]["pit"] == 1
    assert counted(result["line_accuracy"]) == (0.5, 2)


def test_lines_by_length_and_either_readings() -> None:
    """Lines count by length, also what may be read as one; of two readings either is right, and none is sure."""
    defects = (
        labelled("scratch", 70.0),
        labelled("scratch", 80.0, said="contamination", other="contamination"),
        labelled("contamination", 80.0, said="scratch"),
    )
    result = metrics(Match(defects, (), None))

    assert counted(result["recall"]["length_um"]["60-120"]) == (1.0, 2)
    assert counted(result["recall"]["type"]["either"]) == (1.0, 1)
    assert counted(result["line_accuracy"]) == (0.6667, 3)
    assert counted(result["line_accuracy_sure"]) == (0.5, 2)


def test_lines_by_length_and_contrast() -> None:
    """What a line is missed by is its length and its contrast together: each pair of bands has its own share."""
    defects = (
        labelled("scratch", 70.0, contrast=7.0),
        labelled("scratch", 80.0, contrast=7.0, found=False),
        labelled("scratch", 20.0, contrast=7.0, found=False),
        labelled("pit", 70.0, contrast=7.0),
    )
    table = metrics(Match(defects, (), None))["recall"]["length_contrast"]

    assert counted(table["60-120"]["5-10"]) == (0.5, 2)
    assert counted(table["3-30"]["5-10"]) == (0.0, 1)
    assert sum(share["count"] for band in table.values() for share in band.values()) == 3


def test_pictures_without_truth_of_the_fiber() -> None:
    """Localization counts where the fiber is known, the overlap where there is something to overlap."""
    result = summarize(
        [
            EvaluatedPicture("a.png", Match((), (), None), "pass", frozenset({"pass"})),
            EvaluatedPicture("b.png", Match((), (), 0.25), "invalid", frozenset({"fail"}), localized=False),
            EvaluatedPicture("c.png", None, "invalid", frozenset({"fail"}), refusal="no_fiber"),
        ]
    )

    assert counted(result["localisation"]) == (0.0, 1)
    assert result["iou"] == 0.25
    assert (result["invalid"], result["refusals"]) == (2, {"no_fiber": 1})
    assert result["verdict"]["table"]["fail"]["invalid"] == 2


def test_false_passes_are_a_line_of_their_own() -> None:
    """Of two failing parts one passes; a part whose labels allow both verdicts agrees with either and counts apart."""
    result = verdict_agreement(
        [
            picture("pass", "fail", near=True),
            picture("fail", "fail"),
            picture("fail", "pass"),
            picture("pass", "pass", "fail", near=True),
            picture("invalid", "pass"),
        ]
    )

    assert counted(result) == (0.4, 5)
    assert (result["ambiguous"], result["near"]) == (1, 1)
    assert (result["false_pass"]["hits"], result["false_pass"]["count"]) == (1, 2)
    assert (result["false_fail"]["hits"], result["false_fail"]["count"]) == (1, 2)


def test_a_picture_that_cannot_be_judged_must_not_pass() -> None:
    """Refused it counts as right; passed it is a false pass; where that is open, both verdicts are right."""
    result = verdict_agreement(
        [
            picture("invalid", "invalid"),
            picture("pass", "invalid"),
            picture("fail", "invalid"),
            picture("invalid", "pass", "invalid"),
            picture("fail", "pass", "invalid"),
            picture("pass", "fail", "invalid"),
        ]
    )

    assert (result["hits"], result["ambiguous"]) == (2, 3)
    assert (result["false_pass"]["hits"], result["false_pass"]["count"]) == (2, 4)
    assert (result["false_fail"]["hits"], result["false_fail"]["count"]) == (1, 2)
    assert result["table"]["invalid"] == {"pass": 1, "fail": 1, "invalid": 1}


def test_cohens_kappa_by_hand() -> None:
    """The textbook's table 20/5/10/15: observed 0.7, by chance 0.5, kappa 0.4."""
    table = {("pass", "pass"): 20, ("fail", "pass"): 5, ("pass", "fail"): 10, ("fail", "fail"): 15}
    result = verdict_agreement([picture(*pair) for pair, count in table.items() for _ in range(count)])

    assert result["share"] == 0.7
    assert result["kappa"] == pytest.approx(0.4)


def test_kappa_needs_two_verdicts() -> None:
    """Where chance alone would agree always, kappa says nothing."""
    assert verdict_agreement([])["kappa"] is verdict_agreement([picture("pass", "pass")] * 3)["kappa"] is None


def test_calibration_by_hand() -> None:
    """Ten at 0.95 of which nine are true, ten at 0.55 of which all are: errors 0.05 and 0.45, mean 0.25."""
    pairs = [(0.95, number > 0) for number in range(10)] + [(0.55, True)] * 10
    result = calibration(pairs)

    assert result["ece"] == pytest.approx(0.25)
    assert [(b["low"], b["confidence"], b["true"], b["count"]) for b in result["bins"]] == [
        (0.5, 0.55, 1.0, 10),
        (0.9, 0.95, 0.9, 10),
    ]


def test_certainty_falls_into_the_last_bin() -> None:
    """Confidence 1 belongs to the bin below it, and perfect confidence has no error."""
    assert calibration([(1.0, True)])["bins"][0]["low"] == 0.9
    assert calibration([(1.0, True)])["ece"] == 0.0
