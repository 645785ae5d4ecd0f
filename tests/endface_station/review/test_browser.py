"""The review pages in a real browser, used as an engineer does: by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from endface.review.cases import Cases
from endface.review.marks import covered

Opened = Callable[[str], Any]


def open_case(page: Any, cases: Cases, picture: str) -> str:
    """Open the case of a picture from the list; gives its name."""
    case = next(case for case in cases if case.report.image.name == picture)
    page.get_by_role("link", name=re.compile(case.report.serial)).click()
    page.wait_for_url(f"**/cases/{case.name}**")
    return case.name


def place(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the picture lies on the screen."""
    box = page.evaluate(
        "([x, y]) => { const p = new DOMPoint(x, y).matrixTransform(document.getElementById('stage').getScreenCTM());"
        " return [p.x, p.y]; }",
        [x, y],
    )
    return box[0], box[1]


def center(cases: Cases, name: str) -> tuple[float, float]:
    """The fiber's center in a case's picture."""
    fiber = cases.read(name).report.fiber
    assert fiber is not None
    return fiber.cladding.center_px


def marks_listed(page: Any) -> int:
    """How many marks the page lists."""
    return int(page.locator("#list li").count())


def test_right_verdict_by_one_key(reviewer_page: Opened, cases: Cases) -> None:
    """R keeps the report's marks as the right ones, and the next case opens."""
    page = reviewer_page("Ana")
    name = open_case(page, cases, "scratched.jpg")
    page.keyboard.press("r")
    page.wait_for_url(lambda url: name not in url)

    (review,) = cases.read(name).reviews
    assert (review.reviewer, review.opinion) == ("Ana", "right")
    assert review.marks == cases.read(name).marks


def test_wrong_mark_is_deleted_and_another_drawn(reviewer_page: Opened, cases: Cases) -> None:
    """A mark is deleted, one is retyped, one painted by brush and one drawn as a polygon: that is what is kept."""
    page = reviewer_page("Ana")
    name = open_case(page, cases, "chipped.jpg")
    before = cases.read(name).marks
    x, y = center(cases, name)
    page.get_by_role("button", name="Delete mark 1", exact=True).click()
    page.get_by_label("Type of mark 1", exact=True).select_option("contamination")

    page.keyboard.press("b")
    page.keyboard.press("1")
    page.mouse.move(*place(page, x - 40, y))
    page.mouse.down()
    page.mouse.move(*place(page, x + 40, y), steps=8)
    page.mouse.up()

    page.keyboard.press("p")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    page.get_by_label("pit 2").check()
    for dx, dy in ((10, 30), (40, 30), (40, 60), (10, 60)):
        page.mouse.click(*place(page, x + dx, y + dy))
    page.locator("#stage").focus()
    page.keyboard.press("c")
    assert marks_listed(page) == len(before) + 1
    page.get_by_role("button", name=re.compile("Wrong")).click()
    page.wait_for_url(lambda url: name not in url)

    (review,) = cases.read(name).reviews
    assert review.opinion == "wrong"
    assert review.marks is not None
    assert review.marks[1:-2] == before[2:]
    assert (review.marks[0].rings, review.marks[0].type) == (before[1].rings, "contamination")
    line, pit = review.marks[-2:]
    assert (line.type, pit.type) == ("scratch", "pit")
    assert line.box == pytest.approx((x - 43, y - 3, x + 43, y + 3), abs=5)
    window = (round(x) + 5, round(y) + 25, round(x) + 45, round(y) + 65)
    assert covered(pit, window).sum() == pytest.approx(900, rel=0.1)


def test_undo_goes_back_step_by_step(reviewer_page: Opened, cases: Cases) -> None:
    """Undo and redo by key and button lead through every change, and a half-drawn polygon loses its last corner."""
    page = reviewer_page("Ana")
    name = open_case(page, cases, "chipped.jpg")
    count = len(cases.read(name).marks)
    x, y = center(cases, name)
    page.get_by_role("button", name="Delete mark 1", exact=True).click()
    page.get_by_role("button", name="Delete mark 1", exact=True).click()
    assert marks_listed(page) == count - 2
    page.keyboard.press("u")
    assert marks_listed(page) == count - 1
    page.keyboard.press("Control+z")
    assert marks_listed(page) == count
    assert page.get_by_role("button", name="Undo").is_disabled()
    page.keyboard.press("y")
    assert marks_listed(page) == count - 1
    page.get_by_role("button", name="As reported").click()
    assert marks_listed(page) == count

    page.keyboard.press("p")
    for dx, dy in ((10, 30), (40, 30), (40, 60), (300, 300)):
        page.mouse.click(*place(page, x + dx, y + dy))
    page.keyboard.press("u")
    page.mouse.click(*place(page, x + 10, y + 30))  # its first corner closes it
    assert marks_listed(page) == count + 1


def test_everything_works_by_keyboard_alone(reviewer_page: Opened, cases: Cases) -> None:
    """A mark is chosen, retyped and deleted, and a polygon drawn, without a mouse."""
    page = reviewer_page("Ana")
    name = open_case(page, cases, "scratched.jpg")
    before = cases.read(name).marks
    page.locator("#list button").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("4")
    page.keyboard.press("Escape")
    page.locator("#stage").focus()
    page.keyboard.press("p")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press("Enter")
        for _ in range(6):
            page.keyboard.press(f"Shift+{key}")
    page.keyboard.press("c")
    page.keyboard.press("w")
    page.wait_for_url(lambda url: name not in url)

    (review,) = cases.read(name).reviews
    assert review.marks is not None
    assert [mark.type for mark in review.marks] == ["chip", *(mark.type for mark in before[1:]), "chip"]
    assert len(review.marks[-1].rings[0]) == 3


def test_wrong_without_correction_keeps_no_marks(reviewer_page: Opened, cases: Cases) -> None:
    """Who says wrong and corrects nothing has not said what is right; typing a note gives no opinion."""
    page = reviewer_page("Ana")
    name = open_case(page, cases, "scratched.jpg")
    page.get_by_label("Note").fill("r w n: not mine")
    page.get_by_label("Note").press("n")
    page.get_by_role("button", name="Wrong").click()
    page.wait_for_url(lambda url: name not in url)

    (review,) = cases.read(name).reviews
    assert (review.opinion, review.marks, review.note) == ("wrong", None, "r w n: not minen")


def test_second_opinion_and_conflict(reviewer_page: Opened, cases: Cases) -> None:
    """Two people who differ see that once both have spoken, and one may come round."""
    first, second = reviewer_page("Ana"), reviewer_page("Bo")
    name = open_case(first, cases, "scratched.jpg")
    first.keyboard.press("r")
    first.wait_for_url(lambda url: name not in url)

    second.get_by_role("link", name=re.compile("One opinion")).click()
    open_case(second, cases, "scratched.jpg")
    assert second.get_by_text("Ana").count() == 0
    second.keyboard.press("n")
    second.get_by_text("Nothing is learned from this case").wait_for()
    second.get_by_role("button", name="Show the marks of Ana").click()
    assert second.locator("#others path").count() == len(cases.read(name).marks)
    second.keyboard.press("r")
    second.wait_for_url(lambda url: name not in url)

    assert cases.read(name).standing == "agreed"


def test_nobody_gives_no_opinion(reviewer_page: Opened, cases: Cases) -> None:
    """Without a name the buttons and keys do nothing, and the page says why."""
    page = reviewer_page("")
    name = open_case(page, cases, "scratched.jpg")
    page.keyboard.press("r")

    assert page.get_by_role("button", name="Right").is_disabled()
    assert page.get_by_text("Enter your name above first").is_visible()
    assert cases.read(name).reviews == ()


def test_picture_is_zoomed_moved_and_bared(reviewer_page: Opened, cases: Cases) -> None:
    """Wheel and keys zoom, dragging moves, and the marks can be hidden to see what is under them."""
    page = reviewer_page("Ana")
    name = open_case(page, cases, "scratched.jpg")
    x, y = center(cases, name)
    seen = page.locator("#stage").get_attribute("viewBox")
    page.mouse.move(*place(page, x + 50, y + 50))
    page.mouse.wheel(0, -300)
    page.wait_for_function("before => document.getElementById('stage').getAttribute('viewBox') !== before", arg=seen)
    zoomed = page.locator("#stage").get_attribute("viewBox")
    page.mouse.down()
    page.mouse.move(*place(page, x + 20, y + 20), steps=4)
    page.mouse.up()
    assert page.locator("#stage").get_attribute("viewBox") != zoomed
    page.keyboard.press("0")
    assert [float(each) for each in page.locator("#stage").get_attribute("viewBox").split()] == pytest.approx(
        [float(each) for each in seen.split()]
    )
    page.keyboard.press("h")
    assert not page.locator("#marks").is_visible()


@pytest.mark.parametrize("where", ["list", "case", "reviewed", "invalid"])
def test_pages_are_accessible(reviewer_page: Opened, cases: Cases, where: str) -> None:
    """Axe finds nothing that keeps anybody from using the pages."""
    from axe_playwright_python.sync_playwright import Axe

    page = reviewer_page("Ana")
    if where == "reviewed":
        name = open_case(page, cases, "chipped.jpg")
        page.keyboard.press("r")
        page.wait_for_url(lambda url: name not in url)
        page.goto(f"{page.url.partition('/review')[0]}/review/cases/{name}")
    elif where != "list":
        open_case(page, cases, "chipped.jpg" if where == "case" else "out-of-focus.jpg")

    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_marks_stay_when_the_reviewer_enters_a_name(reviewer_page: Opened, cases: Cases) -> None:
    """A mark deleted before the name is known is part of the review that follows."""
    page = reviewer_page("")
    name = open_case(page, cases, "chipped.jpg")
    count = len(cases.read(name).marks)
    page.get_by_role("button", name="Delete mark 1", exact=True).click()
    page.get_by_label("Reviewer").fill("Ana")
    page.get_by_label("Reviewer").press("Enter")
    page.get_by_text("You review as Ana.").wait_for()
    assert marks_listed(page) == count - 1
    page.get_by_role("button", name=re.compile("Wrong")).click()
    page.wait_for_url(lambda url: name not in url)

    (review,) = cases.read(name).reviews
    assert review.reviewer == "Ana"
    assert review.marks is not None
    assert len(review.marks) == count - 1


def test_browser_asks_before_unsaved_marks_are_left(reviewer_page: Opened, cases: Cases) -> None:
    """Leaving can be taken back, and the marks are still there."""
    page = reviewer_page("Ana")
    name = open_case(page, cases, "chipped.jpg")
    count = len(cases.read(name).marks)
    page.get_by_role("button", name="Delete mark 1", exact=True).click()
    with page.expect_event("dialog") as asked:
        page.evaluate("() => { setTimeout(() => document.querySelector('a.up').click()); }")
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    assert marks_listed(page) == count - 1


def test_opinions_are_in_sight_on_a_portrait_tablet(reviewer_page: Opened, cases: Cases) -> None:
    """Right and wrong can be pressed without scrolling."""
    page = reviewer_page("Ana")
    page.set_viewport_size({"width": 800, "height": 1280})
    open_case(page, cases, "chipped.jpg")
    box = page.get_by_role("button", name=re.compile("Wrong")).bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 1280
