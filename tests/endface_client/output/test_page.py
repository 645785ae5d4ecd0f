"""The page of a run."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from endface.connector import judge_connector
from endface.report import ImageInfo, Report, Scope
from endface_client import ServerUnavailable
from endface_client.outcome import Outcome
from endface_client.output.overlay import gray_levels
from endface_client.output.page import Card, FaceRow, page, photo_uri, svg_path, zone_bars

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
HOSTILE = "\"><script>alert('1')</script><img src=x onerror=alert(2)>&.png"


class Reader(HTMLParser):
    """Collects every element with its attributes, and checks that elements close."""

    VOID = frozenset({"meta", "input", "br", "img", "link", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that is empty."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """An element ends: it must be the one that began last."""
        assert self.open.pop() == tag

    def every(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def cards(found: Report, refused: Report, gray_png: bytes) -> list[Card]:
    """A failed face, one that could not be judged, and one that was not inspected."""
    photo = photo_uri(gray_levels(gray_png))
    return [
        Card(Outcome(Path("a/face.png"), found), photo, "f\u00e4ce #1"),
        Card(Outcome(Path("a/bare.png"), refused), photo),
        Card(Outcome(Path("a/text.png"), dataclasses.replace(refused, image=ImageInfo("text.png", ""))), ""),
        Card(Outcome(Path("a/lost.png"), ServerUnavailable("line-3:8001: connection refused")), ""),
    ]


@pytest.fixture
def passed(found: Report) -> Card:
    """A face that passes."""
    zones = tuple(dataclasses.replace(zone, verdict="pass") for zone in found.zones)
    return Card(Outcome(Path("a/good.png"), dataclasses.replace(found, verdict="pass", zones=zones)), "")


def test_what_did_not_pass_comes_first(passed: Card, cards: list[Card]) -> None:
    """Every picture of the run has its card under its verdict; the order of the run is kept within each verdict."""
    articles = Reader(page([passed, *cards], server="line-3:8001", finished=NOON)).every("article")

    assert [(card["data-name"], card["data-word"], card["data-order"]) for card in articles] == [
        ("lost.png", "error", "5"),
        ("face.png", "fail", "2"),
        ("bare.png", "invalid", "3"),
        ("text.png", "invalid", "4"),
        ("good.png", "pass", "1"),
    ]


def test_card_leads_to_its_report(cards: list[Card]) -> None:
    """The file beside the page, whatever its name; what was not inspected has none."""
    links = [anchor["href"] for anchor in Reader(page(cards, server="s", finished=NOON)).every("a")]

    assert [link for link in links if link and not link.startswith("#")] == ["f%C3%A4ce%20%231.json"]


def test_page_says_why_defects_are_allowed(cards: list[Card]) -> None:
    """A row of the profile without a limit, where something was found that falls under it."""
    text = page(cards[:1], server="s", finished=NOON)

    assert "<li>zone D: any &lt; 20 um, 4 found</li>" in text
    assert "none &gt; 3 um, 1 found" not in text


def test_pass_stands_with_its_scope_and_notes(passed: Card) -> None:
    """Zones that were not judged are named as such, on the picture and below."""
    assert passed.report is not None
    scope = Scope(("A", "B"), ("C", "D"))
    report = dataclasses.replace(passed.report, zones=passed.report.zones[:2], scope=scope, notes=("no core & so on",))
    text = page([Card(Outcome(Path("a/good.png"), report), "")], server="s", finished=NOON)

    assert '<span class="verdict scope">zones A, B only</span>' in text
    assert text.count('class="unjudged"') == 2
    assert "<li>no core &amp; so on</li>" in text


def test_page_repeats_the_warnings_of_the_run(cards: list[Card]) -> None:
    """Whoever opens the page has not seen the terminal."""
    assert "the camera &amp; is frozen" in page(cards, server="s", finished=NOON, warnings=["the camera & is frozen"])


def test_lines_of_the_picture_have_a_legend(cards: list[Card]) -> None:
    """Each kind of line that is drawn stands in the legend in the same style."""
    reader = Reader(page(cards, server="s", finished=NOON))
    samples = [path["class"] for path in reader.every("path") if path.get("d") == "M0 3H24"]

    assert samples == ["fiber", "zone", "defect scratch"]


def test_the_page_is_well_formed_and_loads_nothing(cards: list[Card]) -> None:
    """Neither an element nor the style sheet nor the script refers to anything outside the file."""
    text = page(cards, server="line-3:8001", finished=NOON)
    reader = Reader(text)
    loaded = [
        attributes[name]
        for tag, attributes in reader.elements
        for name in ("src", "href", "srcset", "xlink:href", "action", "data")
        if attributes.get(name) and tag != "a"
    ]

    assert reader.open == []
    assert loaded
    assert all(target.startswith("data:image/jpeg;base64,") for target in loaded)
    assert not reader.every("link")
    assert all(re.match(r"#c\d+$|[^/:]+\.json$", anchor["href"] or "") for anchor in reader.every("a"))
    code = re.sub(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+", "", text)
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttpRequest|import\(", code)


def test_whatever_comes_from_outside_is_escaped(cards: list[Card], found: Report) -> None:
    """Names, serial numbers, reasons, server and errors are text, never markup."""
    hostile = dataclasses.replace(
        found,
        reasons=(HOSTILE,) * 5,
        serial=HOSTILE,
        meta={HOSTILE: HOSTILE},
        software=HOSTILE,
        criteria=dataclasses.replace(found.criteria, profile=HOSTILE, source=HOSTILE),
        model=dataclasses.replace(found.model, name=HOSTILE),
        timings_ms={HOSTILE: 1.0},
    )
    error = ServerUnavailable(HOSTILE)
    hostile_cards = [Card(Outcome(Path(HOSTILE), hostile), "data:,"), Card(Outcome(Path(HOSTILE), error), "")]
    plain, attacked = (Reader(page(chosen, server=HOSTILE, finished=NOON)) for chosen in (cards[:1], hostile_cards))

    assert len(attacked.every("script")) == len(plain.every("script")) == 1
    assert not attacked.every("img")
    assert not any(name.startswith("on") for _, attributes in attacked.elements for name in attributes)
    assert attacked.every("article")[0]["data-name"] == Path(HOSTILE).name


def test_a_connector_is_a_row_of_its_faces(cards: list[Card], found: Report, refused: Report) -> None:
    """Each leads to its card, and shows that card's picture where there is one; the connector's name is only text."""
    connector = judge_connector([found, refused], [], [])
    reader = Reader(page(cards[:2], [FaceRow(HOSTILE, connector, (1, 2))], server="s", finished=NOON))
    ids = {attributes.get("id") for _, attributes in reader.elements}
    faces = [use["href"] for use in reader.every("use")]

    assert reader.open == []
    assert not reader.every("img")
    assert [a["href"] for a in reader.every("a") if (a.get("title") or "").startswith("fiber")] == ["#c1", "#c2"]
    assert faces == ["#face1"]
    assert {face[1:] for face in faces if face} | {"c1", "c2"} <= ids
    assert [section["class"] for section in reader.every("section")][1:] == ["connector fail"]


def test_the_summary_counts_the_run(passed: Card, cards: list[Card]) -> None:
    """Tiles carry the counts; the share that passes is that of all pictures: what was not judged did not pass."""
    text, with_pass = (page(shown, server="s", finished=NOON) for shown in (cards, [passed, *cards[2:]]))

    for count, word in ((0, "pass"), (1, "fail"), (2, "invalid"), (1, "not inspected"), (1, "borderline")):
        assert f"<b>{count}</b>{word}</button>" in text
    assert "0 of 4</figcaption>" in text
    assert ">33%</text>" in with_pass
    assert "1 of 3</figcaption>" in with_pass


def test_marks_lie_on_the_picture_in_micrometres(cards: list[Card]) -> None:
    """Zones are circles of their diameters around the fiber's centre, whatever the camera's pixels."""
    reader = Reader(page(cards[:1], server="s", finished=NOON))
    zones = [circle["r"] for circle in reader.every("circle") if circle.get("class") == "zone"]
    paths = [path for path in reader.every("path") if path.get("data-id")]
    placed = [group["transform"] for group in reader.every("g") if "scale(" in (group.get("transform") or "")]

    assert [float(radius) for radius in zones] == [32.5, 57.5, 125.0]
    assert placed == ["scale(0.5 0.5) translate(-500.0 -400.0)"]
    assert paths[1]["d"] == "M580.0 400.0L620.0 400.0L620.0 410.0L580.0 410.0Z"
    assert paths[1]["class"] == "defect scratch"


def test_limits_say_what_was_found_and_allowed(cards: list[Card]) -> None:
    """A row of the profile shows found, allowed and margin; without a limit anything is allowed."""
    rows = re.findall(
        r'<td class="n[ m]*">([^<]*)</td>', page(cards[:1], server="s", finished=NOON).partition("Defects")[2]
    )

    assert rows[:3] == ["1", "0", "-2.0"]
    assert rows[3:6] == ["4", "any", "\N{EN DASH}"]


def test_zone_bars_count_by_the_innermost_zone(found: Report) -> None:
    """Each defect counts once; those outside every zone do not."""
    bars = {bar.zone: bar.counts for bar in zone_bars([found, found])}

    assert bars["A"] == {"scratch": 0, "pit": 2, "contamination": 0, "chip": 0}
    assert bars["B"]["scratch"] == 2
    assert sum(bars["D"].values()) == 0


def test_holes_are_rings_of_their_own() -> None:
    """Each ring of a polygon is closed."""
    ring = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.04))

    assert svg_path((ring, ring)) == "M0.0 0.0L4.0 0.0L4.0 4.0Z" * 2


def test_what_cannot_be_decoded_has_no_photo() -> None:
    """Its card says so in words."""
    assert photo_uri(gray_levels(b"no picture")) == ""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium to print with")
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_two_faces_are_printed_a_page(cards: list[Card], tmp_path: Path, paper: str) -> None:
    """On either paper, summary and warnings on the first page included."""
    text = page([*cards, *cards], server="s", finished=NOON, warnings=["the camera is frozen " * 20] * 9)
    html = text.replace("</style>", f"@page {{ size: {paper} }}</style>", 1)
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--no-pdf-header-footer"]
    command = ["chromium", *options, f"--print-to-pdf={tmp_path / 'page.pdf'}", (tmp_path / "page.html").as_uri()]
    subprocess.run(command, check=True, capture_output=True)

    assert len(re.findall(rb"/Type */Page\b", (tmp_path / "page.pdf").read_bytes())) == 4
