"""Figures of hand-made outcomes: shares, confusion, Cohen's kappa and the calibration error by hand."""

from __future__ import annotations

import pytest

from endface_build.evaluation.metrics import Outcome, agreement, calibration, figures
from endface_build.evaluation.scoring import LabelledDefect, ReportedDefect, Score


def labelled(kind="pit", size_um=5.0, *, found=True, said=None, zone="A", contrast=30.0):
    """A labelled defect."""
    said = (kind if found else "") if said is None else said
    return LabelledDefect(kind, zone, size_um, found, said, contrast, (0, 0))


def reported(kind="pit", size_um=5.0, confidence=0.9, true=True, zone="A"):
    """A reported defect."""
    return ReportedDefect(kind, zone, size_um, confidence, true, (0, 0))


def one(score, verdict="pass", truth="pass", localised=True):
    """Figures of one picture."""
    return figures([Outcome("a.png", score, verdict, truth, localised)])


def test_recall_by_group():
    """Each defect counts in its type, its zone, its band of size and of contrast."""
    defects = (labelled(), labelled("scratch", 12.0, found=False, zone="B", contrast=7.0), labelled(size_um=3.0))
    recall = one(Score(defects, (), None))["recall"]

    assert recall["all"] == {"share": 0.6667, "count": 3}
    assert recall["type"]["pit"] == {"share": 1.0, "count": 2}
    assert recall["type"]["scratch"] == {"share": 0.0, "count": 1}
    assert recall["type"]["chip"] == {"share": None, "count": 0}
    assert recall["zone"] == {"A": {"share": 1.0, "count": 2}, "B": {"share": 0.0, "count": 1}}
    assert recall["size_um"]["> 10"] == {"share": 0.0, "count": 1}
    assert recall["size_um"]["3-5"] == {"share": 1.0, "count": 1}
    assert recall["contrast"]["5-10"] == {"share": 0.0, "count": 1}


def test_small_ones_count_in_their_band_only():
    """Below 3 um a defect counts in its band of size and nowhere else; below 1.5 um nowhere."""
    result = one(Score((labelled(size_um=2.0), labelled(size_um=1.4)), (reported(size_um=1.7, true=False),), None))

    assert result["recall"]["all"]["count"] == 0
    assert result["recall"]["size_um"]["2-3"]["count"] == 1
    assert sum(band["count"] for band in result["recall"]["size_um"].values()) == 1
    assert result["precision"]["all"]["count"] == 0
    assert result["precision"]["size_um"]["1.5-2"] == {"share": 0.0, "count": 1}


def test_confusion_and_line_accuracy():
    """Missed defects and false alarms have their own column and row; only found ones are told as line or not."""
    score = Score(
        (labelled("scratch"), labelled("scratch", said="contamination"), labelled("chip", found=False)),
        (reported("pit", true=False), reported("pit")),
        0.5,
    )
    result = one(score)

    assert result["confusion"]["scratch"]["scratch"] == result["confusion"]["scratch"]["contamination"] == 1
    assert result["confusion"]["chip"]["missed"] == 1
    assert result["confusion"]["nothing"]["pit"] == 1
    assert result["line_accuracy"] == {"share": 0.5, "count": 2}


def test_pictures_without_truth_of_the_fiber():
    """Localisation counts where the fiber is known, the overlap where there is something to overlap."""
    outcomes = [
        Outcome("a.png", Score((), (), None), "pass", "pass", None),
        Outcome("b.png", Score((), (), 0.25), "invalid", "fail", False),
        Outcome("c.png", None, "invalid", "fail", None),
    ]
    result = figures(outcomes)

    assert result["localisation"] == {"share": 0.0, "count": 1}
    assert result["iou"] == 0.25
    assert result["invalid"] == 2
    assert result["verdict"]["table"]["fail"]["invalid"] == 2


def test_cohens_kappa_by_hand():
    """The textbook's table 20/5/10/15: observed 0.7, by chance 0.5, kappa 0.4."""
    pairs = [("pass", "pass")] * 20 + [("pass", "fail")] * 5 + [("fail", "pass")] * 10 + [("fail", "fail")] * 15
    result = agreement(pairs)

    assert result["share"] == 0.7
    assert result["kappa"] == pytest.approx(0.4)


@pytest.mark.parametrize(("pairs", "kappa"), [([], None), ([("pass", "pass")] * 3, None)])
def test_kappa_needs_two_verdicts(pairs, kappa):
    """Where chance alone would agree always, kappa says nothing."""
    assert agreement(pairs)["kappa"] is kappa


def test_calibration_by_hand():
    """Ten at 0.95 of which nine are true, ten at 0.55 of which all are: errors 0.05 and 0.45, mean 0.25."""
    pairs = [(0.95, number > 0) for number in range(10)] + [(0.55, True)] * 10
    result = calibration(pairs)

    assert result["ece"] == pytest.approx(0.25)
    assert [(b["low"], b["confidence"], b["true"], b["count"]) for b in result["bins"]] == [
        (0.5, 0.55, 1.0, 10),
        (0.9, 0.95, 0.9, 10),
    ]


def test_certainty_falls_into_the_last_bin():
    """Confidence 1 belongs to the bin below it, and perfect confidence has no error."""
    assert calibration([(1.0, True)])["bins"][0]["low"] == 0.9
    assert calibration([(1.0, True)])["ece"] == 0.0
