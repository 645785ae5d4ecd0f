"""What the review pages answer, without a browser."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from endface.report import Report
from endface.review.cases import Cases
from endface.review.opinions import Review

PIT = {"type": "pit", "rings": [[[100, 100], [120, 100], [120, 120]]]}
HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def ask(address: str) -> Iterator[Callable[[str], httpx.Client]]:
    """A browser's requests in a person's name; nobody's for an empty one."""
    clients: list[httpx.Client] = []

    def asked(name: str = "") -> httpx.Client:
        client = httpx.Client(base_url=f"{address}/")
        clients.append(client)
        if name:
            client.post("reviewer", data={"reviewer": name, "back": "/review/"}, follow_redirects=False)
        return client

    yield asked
    for client in clients:
        client.close()


def by_name(cases: Cases, name: str) -> str:
    """The name of the case of a picture."""
    return next(case.name for case in cases if case.report.image.name == name)


def test_list_shows_kinds_and_what_is_to_review(ask: Callable[..., httpx.Client], cases: Cases) -> None:
    """The list names each case with its verdict and reason, and only those nobody has reviewed unless asked."""
    name = by_name(cases, "scratched.jpg")
    cases.add_review(name, Review("Ana", "2026-11-29T08:00:00+00:00", "right", ()))
    client = ask()

    first, every, invalid = (
        client.get(address).text for address in ("./", "./?standing=all", "./?standing=all&kind=invalid")
    )
    assert "SN-chipped" in first
    assert "SN-scratched" not in first
    assert "SN-scratched" in every
    assert "SN-out-of-focus" in invalid
    assert "SN-chipped" not in invalid


@pytest.mark.parametrize("query", ["kind=x&standing=y&page=-1", "page=99999999999999999999", "page=٣", "kind=%00"])
def test_unknown_filter_is_left_out(ask: Callable[..., httpx.Client], query: str) -> None:
    """An address that somebody mistyped shows the usual list."""
    answer = ask().get(f"./?{query}")

    assert answer.status_code == 200
    assert "SN-chipped" in answer.text


def test_long_list_has_pages(ask: Callable[..., httpx.Client], cases: Cases, inspected: dict[str, Any]) -> None:
    """More cases than fit are on further pages, each case on one of them."""
    report, _ = inspected["out-of-focus.jpg"]
    for number in range(60):
        cases.keep(dataclasses.replace(report, serial=f"N{number:03}"), number.to_bytes(2, "big"))
    client = ask()

    texts = [client.get(f"./?page={page}").text for page in (1, 2)]
    assert [sum(f"N{number:03}" in text for text in texts) for number in range(60)] == [1] * 60


def test_picture_is_shown_as_it_was_judged(ask: Callable[..., httpx.Client], cases: Cases) -> None:
    """The browser gets PNG and JPEG that were encoded here, of the picture's size and of a small one."""
    name = by_name(cases, "chipped.jpg")
    client = ask()
    picture, thumbnail = client.get(f"cases/{name}/picture"), client.get(f"cases/{name}/thumbnail")

    assert picture.headers["content-type"] == "image/png"
    shape = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_GRAYSCALE).shape
    assert shape[::-1] == cases.read(name).size
    assert thumbnail.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize("path", ["cases/0123456789abcdef", "cases/x/picture", "cases/..%2f..%2fetc/picture"])
def test_unknown_case_is_not_there(ask: Callable[..., httpx.Client], path: str) -> None:
    """A case that is gone is a page with a sentence."""
    answer = ask().get(path)

    assert answer.status_code == 404


def test_undecodable_picture_has_a_page(ask: Callable[..., httpx.Client], cases: Cases, inspected: Any) -> None:
    """A case whose bytes are no picture is shown without one."""
    report: Report = inspected["out-of-focus.jpg"][0]
    bare = dataclasses.replace(report, image=dataclasses.replace(report.image, width=0, height=0), fiber=None)
    kept = cases.keep(bare, b"no picture")
    assert kept is not None
    client = ask()

    assert "could not be decoded" in client.get(f"cases/{kept.name}").text
    assert client.get(f"cases/{kept.name}/picture").status_code == 404


def test_every_answer_confines_the_page(ask: Callable[..., httpx.Client], cases: Cases) -> None:
    """No page may load or send anything elsewhere, or run a script that stands in it."""
    client = ask()
    for address in ("./", f"cases/{cases.names()[0]}", "static/case.js", "cases/x"):
        policy = client.get(address).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_texts_from_outside_stay_texts(ask: Callable[..., httpx.Client], cases: Cases, inspected: Any) -> None:
    """Names, serials, reasons and notes that look like markup are shown as they are."""
    report: Report = inspected["chipped.jpg"][0]
    hostile = dataclasses.replace(
        report, serial=HOSTILE, reasons=(HOSTILE,), image=dataclasses.replace(report.image, name=HOSTILE)
    )
    kept = cases.keep(hostile, b"\x89PNG other", asked=True)
    assert kept is not None
    cases.add_review(kept.name, Review(HOSTILE, "now", "right", (), HOSTILE))
    client = ask(HOSTILE)

    for address in ("./?standing=all", f"cases/{kept.name}"):
        text = client.get(address).text
        assert "alert(1)" in text
        assert "<script>alert" not in text


def test_review_is_kept_in_the_reviewers_name(ask: Callable[..., httpx.Client], cases: Cases) -> None:
    """An opinion with corrected marks is added to the case, and the answer leads to the next one to review."""
    name = by_name(cases, "scratched.jpg")
    listed = [case.name for case in cases]
    answer = ask("Ana").post(f"cases/{name}/reviews", json={"opinion": "wrong", "marks": [PIT], "note": "a pit"})

    assert answer.json()["standing"] == "reviewed"
    following = listed[listed.index(name) + 1 : listed.index(name) + 2]
    assert answer.json()["next"].startswith(f"/review/cases/{following[0]}" if following else "/review/?")
    (review,) = cases.read(name).reviews
    assert (review.reviewer, review.opinion, review.note) == ("Ana", "wrong", "a pit")
    assert review.marks is not None
    assert review.marks[0].to_json() == {"type": "pit", "rings": [[[100.0, 100.0], [120.0, 100.0], [120.0, 120.0]]]}


def test_second_opinion_is_blind(ask: Callable[..., httpx.Client], cases: Cases) -> None:
    """Nothing of the first review is in the page until the second is given; then both are, and a conflict is told."""
    name = by_name(cases, "chipped.jpg")
    ask("Ana").post(f"cases/{name}/reviews", json={"opinion": "wrong", "marks": [PIT], "note": "surely a pit"})
    second = ask("Bo")
    before = second.get(f"cases/{name}").text
    answer = second.post(f"cases/{name}/reviews", json={"opinion": "right", "marks": []})
    after = second.get(f"cases/{name}").text

    assert "surely a pit" not in before
    assert "Ana" not in before
    assert "One person has given an opinion" in before
    assert answer.json()["standing"] == "conflict"
    assert "surely a pit" in after
    assert "Conflict" in after


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"opinion": "maybe"}, 400),
        ({"opinion": "right", "marks": [{"type": "pit", "rings": [[[1, 1], [2, 2], [90_000, 1]]]}]}, 400),
        ({"opinion": "right", "marks": "x"}, 400),
        (["right"], 400),
        ("right", 400),
    ],
)
def test_wrong_review_is_refused(ask: Callable[..., httpx.Client], cases: Cases, body: Any, status: int) -> None:
    """What is no review is refused, and nothing is kept."""
    name = cases.names()[0]
    answer = ask("Ana").post(f"cases/{name}/reviews", json=body)

    assert answer.status_code == status
    assert answer.json()["error"]
    assert cases.read(name).reviews == ()


def test_review_needs_an_author(ask: Callable[..., httpx.Client], cases: Cases) -> None:
    """Nobody's opinion is not kept; the author in the body counts for nothing."""
    name = cases.names()[0]
    answer = ask().post(f"cases/{name}/reviews", json={"opinion": "right", "reviewer": "Ana"})

    assert answer.status_code == 400
    assert cases.read(name).reviews == ()


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Origin": "http://elsewhere", "Content-Type": "application/json"}, b"{}", 403),
        ({"Origin": "null", "Content-Type": "application/json"}, b"{}", 403),
        ({"Content-Type": "text/plain"}, b'{"opinion": "right"}', 415),
        ({"Content-Type": "application/json"}, b"{", 400),
        ({"Content-Type": "application/json"}, b"[" * 100_000, 400),
        ({"Content-Type": "application/json"}, b" " * 8_000_001, 413),
    ],
)
def test_review_comes_from_these_pages(
    ask: Callable[..., httpx.Client], cases: Cases, headers: dict[str, str], content: bytes, status: int
) -> None:
    """Another site's page, another type and what is no JSON are refused."""
    name = cases.names()[0]
    answer = ask("Ana").post(f"cases/{name}/reviews", content=content, headers=headers)

    assert answer.status_code == status
    assert cases.read(name).reviews == ()


@pytest.mark.parametrize("back", ["https://elsewhere/", "//elsewhere/review/", "/reviewed", "/review/\\elsewhere", ""])
def test_name_form_leads_back_inside_only(ask: Callable[..., httpx.Client], back: str) -> None:
    """Setting the name never leads to another site."""
    answer = ask().post("reviewer", data={"reviewer": "Ana", "back": back}, follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/review/"


def test_removed_case_leaves_the_list(ask: Callable[..., httpx.Client], cases: Cases, tmp_path: Path) -> None:
    """A case that another process removed is listed no more."""
    name = by_name(cases, "chipped.jpg")
    client = ask()
    assert name in client.get("./").text
    (cases.folder / name).rename(tmp_path / "elsewhere")

    assert name not in client.get("./").text
