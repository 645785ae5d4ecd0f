"""Reviews of a case and how they stand to each other."""

from __future__ import annotations

from typing import Any

import pytest

from endface.errors import ReviewError
from endface.review.marks import Mark
from endface.review.opinions import Review, settled, standing

PIT = Mark("pit", (((10.0, 10.0), (20.0, 10.0), (20.0, 20.0)),))
CHIP = Mark("chip", PIT.rings)


def said(who: str, opinion: Any, *marks: Mark, silent: bool = False) -> Review:
    """A review of a minute of no importance."""
    return Review(who, "2026-11-29T08:00:00+00:00", opinion, None if silent else marks)


@pytest.mark.parametrize(
    ("reviews", "expected", "who"),
    [
        ([], "open", None),
        ([said("Ana", "right", PIT)], "reviewed", "Ana"),
        ([said("Ana", "right", PIT), said("Bo", "right", PIT)], "agreed", "Bo"),
        ([said("Ana", "wrong", CHIP), said("Bo", "wrong", silent=True)], "agreed", "Ana"),
        ([said("Ana", "right", PIT), said("Bo", "wrong", CHIP)], "conflict", None),
        ([said("Ana", "wrong", PIT), said("Bo", "wrong", CHIP)], "conflict", None),
        ([said("Ana", "right", PIT), said("ana ", "wrong", CHIP)], "reviewed", "ana "),
        ([said("Ana", "right", PIT), said("Bo", "wrong", CHIP), said("Ana", "wrong", CHIP)], "agreed", "Ana"),
    ],
)
def test_reviews_agree_or_conflict(reviews: list[Review], expected: str, who: str | None) -> None:
    """The last review of each person counts; opinion and marks must be the same; a conflict settles nothing."""
    assert standing(reviews) == expected
    settling = settled(reviews)
    assert (settling and settling.reviewer) == who


def test_review_survives_json() -> None:
    """A review comes back from JSON as it was."""
    review = said("Ana", "wrong", PIT)

    assert Review.from_json(review.to_json()) == review


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"reviewer": "  "}, "author's name"),
        ({"reviewer": "a" * 65}, "author's name"),
        ({"reviewer": "a\nb"}, "author's name"),
        ({"opinion": "maybe"}, "no opinion 'maybe'"),
        ({"note": "x" * 2001}, "too long"),
        ({"marks": "all"}, "no marks"),
    ],
)
def test_what_is_no_review_is_refused(changed: dict[str, Any], reason: str) -> None:
    """A review without an author or with an unknown opinion is refused."""
    with pytest.raises(ReviewError, match=reason):
        Review.from_json(said("Ana", "right", PIT).to_json() | changed)
