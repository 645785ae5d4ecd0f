"""What people say of a case: each review stands for good, and the last one of each person counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from endface.errors import ReviewError
from endface.review.marks import Mark, read_marks, same_marks

Opinion = Literal["right", "wrong", "not_judgeable"]
OPINIONS: Final[tuple[Opinion, ...]] = get_args(Opinion)

Standing = Literal["open", "reviewed", "agreed", "conflict"]
"""Of a case: nobody's review, one person's, several that agree, several that do not."""

LONGEST_NAME: Final = 64
LONGEST_NOTE: Final = 2_000


@dataclass(frozen=True)
class Review:
    """One person's opinion of a case.

    Attributes:
        reviewer: who; names that differ in case only are one person.
        at: when, ISO 8601 in UTC.
        opinion: whether the report's verdict, and the marks that it rests on, are right.
        marks: what the picture shows; None where the reviewer says that the report is wrong and not what is right, or
            that nobody can judge the picture.
        note: in the reviewer's words.
    """

    reviewer: str
    at: str
    opinion: Opinion
    marks: tuple[Mark, ...] | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """A review has an author and a known opinion.

        Raises:
            ReviewError: it has not.
        """
        if not self.reviewer.strip() or len(self.reviewer) > LONGEST_NAME or not self.reviewer.isprintable():
            raise ReviewError(f"A review needs its author's name, in at most {LONGEST_NAME} letters.")
        if self.opinion not in OPINIONS:
            raise ReviewError(f"There is no opinion {self.opinion!r}; opinions are {', '.join(OPINIONS)}.")
        if len(self.note) > LONGEST_NOTE:
            raise ReviewError(f"The note is too long: at most {LONGEST_NOTE:,} letters are kept.")

    def to_json(self) -> dict[str, Any]:
        """The review as JSON values."""
        marks = None if self.marks is None else [mark.to_json() for mark in self.marks]
        return {
            "reviewer": self.reviewer,
            "at": self.at,
            "opinion": self.opinion,
            "marks": marks,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, values: Any, size: tuple[int, int] | None = None) -> Review:
        """A review from JSON values; ``size`` is that of the picture, as ``read_marks`` takes it.

        Raises:
            ReviewError: they are none.
        """
        try:
            marks = None if values.get("marks") is None else read_marks(values["marks"], size)
            who, when = str(values["reviewer"]), str(values["at"])
            return cls(who, when, values["opinion"], marks, str(values.get("note") or ""))
        except (AttributeError, KeyError, TypeError) as exc:
            raise ReviewError(f"This is no review: {exc!r} is missing or wrong.") from exc


def latest(reviews: Sequence[Review]) -> list[Review]:
    """The last review of each person, in their order."""
    by_name: dict[str, Review] = {}
    for review in reviews:
        name = person(review.reviewer)
        by_name.pop(name, None)
        by_name[name] = review
    return list(by_name.values())


def person(name: str) -> str:
    """A reviewer's name as it is compared."""
    return " ".join(name.split()).casefold()


def standing(reviews: Sequence[Review]) -> Standing:
    """How the reviews of a case stand to each other."""
    last = latest(reviews)
    if len(last) < 2:
        return "reviewed" if last else "open"
    return "agreed" if all(_agree(last[0], other) for other in last[1:]) else "conflict"


def settled(reviews: Sequence[Review]) -> Review | None:
    """The review that stands for all: the last one that says most; None where there is none, or they conflict."""
    if standing(reviews) in ("open", "conflict"):
        return None
    last = latest(reviews)
    return next((review for review in reversed(last) if review.marks is not None), last[-1])


def _agree(one: Review, other: Review) -> bool:
    if one.opinion != other.opinion:
        return False
    return one.marks is None or other.marks is None or same_marks(one.marks, other.marks)
