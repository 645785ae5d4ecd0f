"""The folder of cases: what is kept, in which bounds, and that nobody sees half of a case."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from endface.errors import ReviewError
from endface.report import Report
from endface.review.cases import Cases
from endface.review.marks import Mark, marks_of
from endface.review.opinions import Review
from tests.endface.review.test_reasons import CLEAR, PASSED
from tests.endface_client.faces import FOUND, REFUSED

PICTURE = b"\x89PNG of no importance"
REVIEW = Review("Ana", "2026-11-29T08:00:00+00:00", "wrong", (Mark("pit", (((1.0, 1.0), (2.0, 1.0), (2.0, 2.0)),)),))


def keep(cases: Cases, report: Report, number: int) -> str:
    """Keep a picture that is like no other; gives the case's name."""
    case = cases.keep(report, b"\x89PNG" + number.to_bytes(2, "big") * 50)
    assert case is not None
    return case.name


def test_case_holds_picture_report_and_reason(tmp_path: Path) -> None:
    """A kept picture can be read back as it came, with its report, and why."""
    kept = Cases(tmp_path / "cases").keep(FOUND, PICTURE)
    assert kept is not None

    case = Cases(tmp_path / "cases").read(kept.name)
    assert case.picture() == PICTURE
    assert case.picture_file == "picture.png"
    assert case.report == FOUND
    assert case.kind == "borderline"
    assert [reason.kind for reason in case.reasons] == ["borderline", "fail"]
    assert case.marks == marks_of(FOUND)
    assert case.part == "A123"
    assert case.standing == "open"


def test_clear_pass_leaves_no_trace(tmp_path: Path) -> None:
    """What no rule keeps is not written."""
    assert Cases(tmp_path / "cases").keep(PASSED, PICTURE) is None
    assert not (tmp_path / "cases").exists()


def test_same_picture_is_one_case(tmp_path: Path) -> None:
    """A picture that comes again is no second case, but gets the reasons that are new, and the candidate's report."""
    cases = Cases(tmp_path)
    first = cases.keep(CLEAR, PICTURE)
    again = cases.keep(CLEAR, PICTURE, candidate=PASSED)

    assert first is not None
    assert again is not None
    assert again.name == first.name
    assert again.kept_at == first.kept_at
    assert {reason.kind for reason in again.reasons} == {"disagreement", "fail"}
    assert again.kind == "disagreement"
    assert again.candidate == PASSED
    assert len(cases) == 1


def test_later_candidate_takes_the_earlier_ones_place(tmp_path: Path) -> None:
    """Where a second candidate differs, its report and its reasons are those of the case."""
    cases = Cases(tmp_path)
    first = dataclasses.replace(CLEAR, defects=())
    for candidate in (first, PASSED):
        cases.keep(CLEAR, PICTURE, candidate=candidate)

    (case,) = cases
    assert case.candidate == PASSED
    assert [reason.text for reason in case.reasons if "verdict" in reason.text] == [
        "the verdict is fail, the candidate says pass"
    ]
    assert len([reason for reason in case.reasons if reason.kind == "disagreement"]) == 2


def test_fibers_of_one_picture_are_cases_of_their_own(tmp_path: Path) -> None:
    """Each fiber of a picture has its own report, and so its own case."""
    cases = Cases(tmp_path)
    for number in (1, 2):
        cases.keep(dataclasses.replace(CLEAR, fiber_number=number), PICTURE)

    assert len(cases) == 2


def test_reviews_only_grow(tmp_path: Path) -> None:
    """Each review is a file of its own, and all of them are read back in their order."""
    cases = Cases(tmp_path)
    name = keep(cases, FOUND, 1)
    second = dataclasses.replace(REVIEW, reviewer="Bo", opinion="right", marks=marks_of(FOUND))
    for review in (REVIEW, second):
        cases.add_review(name, review)

    assert cases.read(name).reviews == (REVIEW, second)
    assert cases.read(name).standing == "conflict"
    assert len(list((tmp_path / name / "reviews").iterdir())) == 2


def test_full_folder_loses_the_oldest_of_the_most_plentiful_kind(tmp_path: Path) -> None:
    """A flood of one kind does not push out the other kinds."""
    cases = Cases(tmp_path, limit_count=4)
    invalid = keep(cases, REFUSED, 0)
    failed = [keep(cases, CLEAR, number) for number in range(1, 6)]

    assert set(cases.names()) == {invalid, *failed[2:]}


def test_reviewed_case_is_never_removed(tmp_path: Path) -> None:
    """A case with a review stays, whatever the limits say."""
    cases = Cases(tmp_path, limit_count=2)
    first = keep(cases, CLEAR, 0)
    cases.add_review(first, REVIEW)
    last = [keep(cases, CLEAR, number) for number in range(1, 4)]

    assert set(cases.names()) == {first, last[-1]}


def test_bytes_are_bounded(tmp_path: Path) -> None:
    """The bytes of all cases stay within the limit."""
    Cases(tmp_path / "one").keep(CLEAR, PICTURE)
    one = sum(path.stat().st_size for path in (tmp_path / "one").rglob("*") if path.is_file())
    cases = Cases(tmp_path / "cases", limit_bytes=round(3.5 * one))
    for number in range(5):
        keep(cases, CLEAR, number)

    assert len(cases) == 3


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    """What one writer keeps counts for the other, and what one removed is no trouble to the other."""
    one, other = (Cases(tmp_path, limit_count=2) for _ in range(2))
    names = [keep(one if number % 2 else other, CLEAR, number) for number in range(4)]

    assert set(one.names()) == set(other.names()) == set(names[2:])


def test_half_a_case_is_none(tmp_path: Path) -> None:
    """What a crash left of a case that was being written is not listed."""
    cases = Cases(tmp_path)
    name = keep(cases, CLEAR, 0)
    (tmp_path / name).rename(tmp_path / ".endface-0123456789abcdef")

    assert list(cases) == []


def test_damaged_case_hides_no_other(tmp_path: Path) -> None:
    """A case whose report is damaged is refused by a sentence; the others are still read."""
    cases = Cases(tmp_path)
    whole, damaged = keep(cases, CLEAR, 0), keep(cases, CLEAR, 1)
    (tmp_path / damaged / "report.json").write_text("{}")

    assert [case.name for case in cases] == [whole]
    with pytest.raises(ReviewError, match="damaged"):
        cases.read(damaged)


@pytest.mark.parametrize("name", ["../etc", "", "0123456789abcdef", ".endface-0123456789abcdef", "0" * 16 + "/x"])
def test_unknown_name_is_refused(tmp_path: Path, name: str) -> None:
    """A name that no case has, or that leads elsewhere, is refused."""
    with pytest.raises(ReviewError, match=r"no case|There is no"):
        Cases(tmp_path).read(name)


def test_picture_outside_the_case_is_not_read(tmp_path: Path) -> None:
    """A case file that names a picture elsewhere is damaged."""
    cases = Cases(tmp_path)
    name = keep(cases, CLEAR, 0)
    path = tmp_path / name / "case.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"picture": "../../secret"}))

    with pytest.raises(ReviewError, match="damaged"):
        cases.read(name)


def test_full_disk_says_what_to_do(tmp_path: Path) -> None:
    """A folder that cannot be written gives one sentence."""
    (tmp_path / "cases").write_text("a file")

    with pytest.raises(ReviewError, match="a file stands where a folder should be"):
        Cases(tmp_path / "cases").keep(CLEAR, PICTURE)


def test_open_cases_are_counted_anew_only_after_a_change(tmp_path: Path) -> None:
    """A page asks at each change of what it shows; 2,000 folders are not listed for that."""
    listed: list[str] = []
    is_heard = True

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if is_heard and event in ("os.listdir", "os.scandir") and str(arguments[0]).startswith(str(tmp_path)):
            listed.append(str(arguments[0]))

    cases = Cases(tmp_path / "cases", clock=lambda: 0.0)
    name, _ = keep(cases, FOUND, 1), keep(cases, FOUND, 2)
    counts = [cases.open_count]
    sys.addaudithook(hear)
    try:
        counts += [cases.open_count for _ in range(3)]
        assert listed == []
        cases.add_review(name, REVIEW)
        counts += [cases.open_count]
        keep(cases, FOUND, 3)
        counts += [cases.open_count]
    finally:
        is_heard = False  # a hook stays for good
    assert counts == [2, 2, 2, 2, 1, 2]


def test_several_stations_count_the_same_open_cases(tmp_path: Path) -> None:
    """What one keeps the other one counts; a review by another one within ten seconds."""
    now_s = 0.0
    one, two = (Cases(tmp_path, clock=lambda: now_s) for _ in range(2))
    name = keep(one, FOUND, 1)
    assert (one.open_count, two.open_count) == (1, 1)
    keep(two, FOUND, 2)
    now_s += 10  # two changes in the same tick of the disk's clock look like one
    assert (one.open_count, two.open_count) == (2, 2)
    two.add_review(name, REVIEW)
    now_s += 10
    assert (one.open_count, two.open_count) == (1, 1)
