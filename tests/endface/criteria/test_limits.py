from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endface.criteria.limits import Interval, Limit
from endface.report import LimitKind

INTERVALS = ("(0, inf)", "[2, inf)", "(5, inf)", "(0, 3]", "(0, 5)", "[2, 5]", "[5, 10)", "(3, 5]", "(5, 10)", "[2, 2]")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("[2, 5]", (2, 3.3, 5), (1.999, 5.001)),
        ("(5, inf)", (5.001, 1e9), (5, 0)),
        ("[10, inf)", (10, 10.01), (9.99,)),
        ("(0, 2)", (0.01, 1.99), (0, 2)),
        (" (0,3] ", (3,), (3.01, 0)),
        ("[2, 2]", (2,), (1.99, 2.01)),
    ],
)
def test_a_bracket_holds_its_bound_and_a_parenthesis_does_not(
    text: str, inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    """The notation of mathematics, with or without spaces."""
    interval = Interval.parse(text)

    assert all(size in interval for size in inside)
    assert not any(size in interval for size in outside)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "(2, 5",
        "[5, 2]",
        "(2, 2)",
        "[2, 2)",
        "(2, inf]",
        "(-1, 2)",
        "[a, b]",
        "(1; 2)",
        "(inf, inf)",
        "(1e3, inf)",
    ],
)
def test_what_is_no_interval_is_refused(text: str) -> None:
    """Inverted, empty, negative and unreadable ones, with the text in the message."""
    with pytest.raises(ValueError, match=r"no interval|infinity|holds no size"):
        Interval.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("[2, 5]", "(5, inf)", False),
        ("[2, 5]", "[5, inf)", True),
        ("(0, 2)", "[2, 5]", False),
        ("(0, 2]", "[2, 5]", True),
        ("(0, inf)", "[2, 5]", True),
        ("(0, 2)", "(3, 4)", False),
        ("[2, 2]", "(2, 5)", False),
        ("[2, 2]", "[2, 5)", True),
        ("(2, 5)", "[2, 5]", True),
    ],
)
def test_intervals_that_meet_overlap_only_where_both_hold_the_bound(one: str, other: str, *, overlap: bool) -> None:
    """Whichever of the two is asked."""
    first, second = Interval.parse(one), Interval.parse(other)

    assert first.overlaps(second) is overlap
    assert second.overlaps(first) is overlap


@given(one=st.sampled_from(INTERVALS), other=st.sampled_from(INTERVALS), size=st.floats(0, 20))
def test_a_size_in_both_means_that_they_overlap(one: str, other: str, size: float) -> None:
    """No size can be caught by two rows that were found apart."""
    first, second = Interval.parse(one), Interval.parse(other)

    if size in first and size in second:
        assert first.overlaps(second)


@pytest.mark.parametrize(
    ("kind", "interval", "allowed", "text"),
    [
        ("defect", "[2, 5]", 5, "at most 5 defects from 2 to 5 um"),
        ("defect", "(0, 5]", 4, "at most 4 defects up to 5 um"),
        ("scratch", "(0, 3]", 4, "at most 4 scratches up to 3 um wide"),
        ("scratch", "(3, inf)", 0, "no scratches wider than 3 um"),
        ("scratch", "[3, inf)", 0, "no scratches of 3 um wide or more"),
        ("scratch", "(0, inf)", 0, "no scratches"),
        ("defect", "[10, inf)", 0, "no defects of 10 um or more"),
        ("defect", "(10, inf)", 0, "no defects larger than 10 um"),
        ("defect", "(0, 2)", None, "no limit on defects smaller than 2 um"),
        ("scratch", "(0, 2)", None, "no limit on scratches narrower than 2 um"),
        ("defect", "(0, inf)", None, "no limit on defects"),
        ("defect", "[5, 10)", 3, "at most 3 defects from 5 to below 10 um"),
        ("defect", "(5, 10]", 1, "at most 1 defects above 5 to 10 um"),
    ],
)
def test_a_row_reads_as_a_sentence_that_keeps_its_bounds(
    kind: LimitKind, interval: str, allowed: int | None, text: str
) -> None:
    """Open and closed bounds read differently, so a report says what was applied."""
    assert Limit(kind, Interval.parse(interval), allowed).text == text


def test_an_interval_may_reach_to_infinity_but_not_hold_it() -> None:
    """Closed at infinity is a slip that the message corrects."""
    assert Interval.parse("(5, inf)").upper == math.inf
    with pytest.raises(ValueError, match=r"write '\(5, inf\)'"):
        Interval.parse("(5, inf]")
