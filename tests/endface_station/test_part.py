"""A part: which fiber comes next, and when it has passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from endface_client.outcome import Word
from endface_client.testing import PASS
from endface_station.part import Attempt, Part
from tests.endface_station.conftest import report_of

LETTERS: dict[str, Word] = {"p": "pass", "f": "fail", "i": "invalid", "e": "error"}


def part(*faces: str, **fields: int) -> Part:
    """A part out of the verdicts of each face's pictures, such as ``part("p", "fp", "")``; each picture is another."""
    made, count = Part("A1", "A1", len(faces), **fields), 0
    for fiber, letters in enumerate(faces, 1):
        for letter in letters:
            count += 1
            time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=count)
            word = LETTERS[letter]
            report = None if word == "error" else report_of(word)
            made.add(fiber, Attempt(word, time, f"{count:064x}", report=report))
    return made


@pytest.mark.parametrize(
    ("given", "waiting", "fiber"),
    [
        (part("", "", ""), {}, 1),
        (part("p", "", "", latest=1), {}, 2),
        (part("p", "f", "", latest=2), {}, 2),  # clean it, and look again
        (part("p", "i", "", latest=2), {}, 2),
        (part("p", "e", "", latest=2), {}, 2),
        (part("p", "fp", "", latest=2), {}, 3),
        (part("p", "", "", latest=2), {2: 1}, 3),  # its verdict is not known: the server is down
        (part("f", "p", "p", latest=3), {}, 1),  # the one that failed while its verdict was not known
        (part("p", "f", "p", latest=3, selected=1), {}, 1),
        (part("p", "p", "p", latest=3), {}, 3),
        (part("p", "f", ""), {}, 2),  # after a restart
    ],
)
def test_next_picture_is_of_the_fiber_that_needs_one(given: Part, waiting: dict[int, int], fiber: int) -> None:
    """The chosen one, the last one again, a bare one, a bad one: in this order."""
    assert given.next_fiber(waiting) == fiber


def test_microscope_that_steps_itself_is_not_held_up() -> None:
    """A failed fiber is followed by the next one, and comes again in the end."""
    assert part("p", "f", "", latest=2).next_fiber({}, steps_itself=True) == 3
    assert part("p", "f", "p", latest=3).next_fiber({}, steps_itself=True) == 2


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (part("p", "p"), "pass"),
        (part("p", "fp"), "pass"),
        (part("p", "f"), "fail"),
        (part("i", "f"), "fail"),
        (part("p", "i"), "invalid"),
        (part("p", ""), None),
        (part("p", "e"), None),
        (part("p", "pe"), None),
    ],
)
def test_part_is_as_its_worst_face(given: Part, word: Word | None) -> None:
    """It has no verdict as long as a face has none."""
    assert given.word == word


@pytest.mark.parametrize(
    ("given", "is_first_pass"),
    [(part("p", "p"), True), (part("p", "fp"), False), (part("p", "ip"), True), (part("p", "f"), False)],
)
def test_first_pass_counts_judged_pictures(given: Part, is_first_pass: bool) -> None:
    """A picture out of focus is no work on the part; cleaning it is."""
    assert given.is_first_pass == is_first_pass


def test_one_picture_for_two_faces_is_no_pass() -> None:
    """A frozen camera: the other face was not looked at."""
    twice = part("p", "p")
    for fiber in (1, 2):
        twice.face(fiber).attempts = [Attempt("pass", datetime.now(UTC), "a" * 64, report=PASS)]

    assert (twice.word, twice.has_repeated_picture) == ("invalid", True)


def test_connector_is_judged_once_its_last_face_is() -> None:
    """Of a single fiber there is no connector."""
    assert part("p", "", "").connector(2, PASS) is None
    whole = part("p", "f", "").connector(3, PASS)
    assert whole is not None
    assert (whole.verdict, len(whole.fibers)) == ("fail", 3)
    assert part("").connector(1, PASS) is None


@pytest.mark.parametrize(
    ("pictures", "cleanings"), [("", 0), ("f", 0), ("ff", 1), ("fiff", 2), ("ffpf", 0), ("ffp", 2)]
)
def test_cleanings_are_failures_since_the_last_pass(pictures: str, cleanings: int) -> None:
    """As the record counts them: a picture that could not be judged is none."""
    assert part(pictures).cleanings(1) == cleanings


def test_same_picture_again_is_no_cleaning() -> None:
    """A camera that is frozen has looked at nothing."""
    given = part("ff")
    first, second = given.face(1).attempts
    given.face(1).attempts[1] = replace(second, picture=first.picture)
    assert given.cleanings(1) == 0
