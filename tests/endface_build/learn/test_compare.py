"""Old against new on hand-made counts, whose shares and intervals can be worked out by hand."""

from __future__ import annotations

import pytest

from endface_build.learn.compare import FIGURES, Comparison, Counts, compare
from endface_build.learn.gates import reasons_against


def found(hits: int, count: int = 10, **others: tuple[int, int]) -> Counts:
    """Counts of a picture: so many of its defects are found, all else is right."""
    usual = {"recall": (hits, count), "precision": (5, 5), "verdict": (1, 1), "false_pass": (0, 1)}
    return usual | others


def sets(*rows: tuple[str, Counts, Counts]) -> dict[str, Comparison]:
    """A set of reviewed pictures."""
    return {"reviewed": compare(rows)}


def test_shares_are_of_all_pictures_together() -> None:
    """A share is hits over counts of all pictures, not a mean of means."""
    comparison = compare([("a", found(1, 1), found(0, 1)), ("b", found(0, 9), found(9, 9))])

    assert (comparison.pictures, comparison.parts) == (2, 2)
    assert comparison.changes["recall"].before == pytest.approx(0.1)
    assert comparison.changes["recall"].after == pytest.approx(0.9)
    assert comparison.changes["recall"].low is None  # two parts tell no spread


def test_constant_difference_has_no_spread() -> None:
    """Where every part improves alike, the interval is that improvement."""
    change = compare([(f"p{n}", found(5), found(8)) for n in range(8)]).changes["recall"]

    assert (change.low, change.high) == (pytest.approx(0.3), pytest.approx(0.3))


def test_interval_follows_the_parts_not_the_pictures() -> None:
    """Forty pictures of eight parts are as unsure as eight pictures: one part's pictures are not independent."""
    parts = [(f"p{n}", found(5), found(9 if n % 2 else 3)) for n in range(8)]
    one, many = (compare(parts * times).changes["recall"] for times in (1, 5))

    assert (one.low, one.high) == (many.low, many.high)
    assert one.low is not None
    assert one.high is not None
    # of eight draws of +0.4 or -0.2: 0.1 give or take 0.3 * 1.96 / sqrt(8)
    assert (one.low, one.high) == (pytest.approx(-0.11, abs=0.06), pytest.approx(0.31, abs=0.06))


def test_nothing_counted_is_no_share() -> None:
    """A set without defects has no recall."""
    change = compare([(f"p{n}", found(0, 0), found(0, 0)) for n in range(8)]).changes["recall"]

    assert change.before is None
    assert change.after is None
    assert not change.is_worse("recall")


@pytest.mark.parametrize("figure", FIGURES)
def test_surely_worse_figure_speaks_against_the_candidate(figure: str) -> None:
    """A figure that falls on every part (false passes: rises) is named; the other way round nothing is."""
    low, high = ((0, 4), (4, 4)) if figure != "false_pass" else ((4, 4), (0, 4))
    worse = sets(*((f"p{n}", found(5, **{figure: high}), found(5, **{figure: low})) for n in range(6)))
    better = sets(*((f"p{n}", found(5, **{figure: low}), found(5, **{figure: high})) for n in range(6)))

    against = reasons_against(worse, None, new=())
    assert len(against) == 1
    assert figure.replace("_", " ") in against[0]
    assert reasons_against(better, (3, 3), new=("reviewed",)) == ()


def test_fewer_right_verdicts_on_reviewed_pictures_speak_against_it() -> None:
    """What was reviewed must not get worse, sure or not."""
    one_worse = sets(("a", found(5), found(6, verdict=(0, 1))), ("b", found(5), found(5)))

    assert "fewer verdicts are right" in reasons_against(one_worse, None, new=("reviewed",))[0]
    assert reasons_against(one_worse, None, new=()) == ()


def test_more_flips_speak_against_it() -> None:
    """Verdicts that depend more on how a picture was taken are a reason."""
    better = sets(("a", found(5), found(6)))

    assert reasons_against(better, (2, 2), new=("reviewed",)) == ()
    assert "flip" in reasons_against(better, (2, 3), new=("reviewed",))[0]


def test_change_without_benefit_speaks_against_it() -> None:
    """Where nothing is better on the reviewed parts, there is no reason to serve another network."""
    same = sets(("a", found(5), found(5)))

    assert "nothing is better" in reasons_against(same, (2, 2), new=("reviewed",))[0]
