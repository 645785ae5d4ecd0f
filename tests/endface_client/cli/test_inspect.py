"""``endface inspect`` on servers."""

from __future__ import annotations

import dataclasses
import re
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import grpc
import pytest
from click.testing import Result

from endface.files import sha256
from endface.report import ImageInfo, Report, Scope
from endface_client import Job
from endface_client.cli.find_pictures import FoundPictures
from endface_client.cli.jobs import Inspect, PictureJobs, Results
from endface_client.cli.recording import recording
from endface_client.cli.run import Run as InspectRun
from endface_client.testing import PASS, Answer, Failure, FakeServer, Received
from tests.endface_client.faces import FOUND, REFUSED

Run = Callable[..., Result]
STUMBLES = Failure(grpc.StatusCode.INTERNAL, "internal: stumbled")


def by_name(**answers: Answer) -> Callable[[Received], Answer]:
    """A server that answers each picture by its stem, and passes the others."""
    return lambda received: answers.get(Path(received.parameters["name"]).stem, PASS)


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({}, 0),
        ({"b": FOUND}, 1),
        ({"b": REFUSED}, 1),
        ({"b": STUMBLES}, 2),
        ({"a": FOUND, "b": STUMBLES}, 2),
    ],
    ids=["all pass", "a fail", "an invalid", "an error", "an error beside a fail"],
)
def test_exit_code_is_that_of_the_worst_picture(
    run: Run, fake_server: FakeServer, pictures: Path, answers: dict[str, Answer], code: int
) -> None:
    """0 all pass, 1 any fail or invalid, 2 any that could not be inspected."""
    fake_server.answer = by_name(**answers)

    assert run("inspect", pictures, "--profile", "mm-pc").exit_code == code


def test_table_shows_verdict_reason_and_sum(run: Run, fake_server: FakeServer, pictures: Path) -> None:
    """A row a picture: its verdict, whether that is borderline, the first reason and how many more."""
    fake_server.answer = by_name(b=FOUND, c=REFUSED)
    lines = run("inspect", pictures, "--profile", "mm-pc").stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line.strip()}

    assert "pass" in rows["a.png"]
    assert "fail borderline" in rows["b.png"]
    assert "scratch 2 is 5.0 um wide, limit 3 um (mm-pc) (+2 more)" in rows["b.png"]
    assert "no cladding" in rows["c.png"]
    assert lines[-1].strip() == "3 pictures: 1 pass, 1 fail, 1 invalid; 1 borderline"


def test_table_shows_what_a_pass_does_not_cover(run: Run, fake_server: FakeServer, pictures: Path) -> None:
    """The zones, where they are not all of the profile's, and the first note."""
    zones = PASS.zones[:2]
    scope = Scope(("A", "B"), ("C", "D"))
    fake_server.answer = dataclasses.replace(PASS, zones=zones, scope=scope, notes=("no core is seen",))

    row = next(line for line in run("inspect", pictures, "--profile", "mm-pc").stdout.splitlines() if "a.png" in line)

    assert "pass zones A, B only" in row
    assert "no core is seen" in row


def test_what_is_not_inspected_costs_no_other_picture(run: Run, fake_server: FakeServer, pictures: Path) -> None:
    """An error of the server, a missing, an empty and a text file: each is an error of its own."""
    fake_server.answer = by_name(b=STUMBLES)
    (pictures / "empty.png").touch()
    (pictures / "text.png").write_text("no picture")
    result = run("inspect", pictures, pictures / "gone.png", "--profile", "mm-pc")
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}

    assert result.exit_code == 2
    assert "2 pass, 4 not inspected" in result.stdout
    assert "stumbled" in rows["b.png"]
    assert "empty.png is empty" in rows["empty.png"]
    assert "text.png is no PNG" in rows["text.png"]
    assert "gone.png cannot be read" in rows["gone.png"]


def test_same_error_is_written_out_once(run: Run, pictures: Path) -> None:
    """A server without a default profile refuses every picture; its sentence stands in the first row."""
    table, lines = run("inspect", pictures), run("inspect", pictures, "--json")

    assert table.exit_code == lines.exit_code == 2
    assert table.stdout.count("names no profile") == lines.stderr.count("names no profile") == 1
    assert table.stdout.count("as above") == lines.stderr.count("as above") == 2


def test_same_error_after_another_number_of_attempts_is_written_out_once(
    run: Run, fake_server: FakeServer, pictures: Path
) -> None:
    """The first pictures wait for a server that goes away, the later ones are tried once."""
    fake_server.answer = Failure(grpc.StatusCode.UNAVAILABLE, "GOAWAY received")
    options = ("--profile", "mm-pc", "--deadline-s", "0.5", "--concurrency", "1")
    table, lines = run("inspect", pictures, *options), run("inspect", pictures, *options, "--json")

    assert re.search(r"tried \d+ times", table.stdout)
    assert table.stdout.count("takes no pictures") == lines.stderr.count("takes no pictures") == 1
    assert table.stdout.count("as above") == lines.stderr.count("as above") == 2


@pytest.mark.parametrize(
    ("name", "options", "code", "said"),
    [
        ("notes.txt", (), 0, "notes.txt"),
        ("d.webp", (), 2, "3 pass, 1 not inspected"),
        ("deeper/d.png", (), 2, "3 pass, 1 not inspected"),
        ("deeper/d.png", ("--recursive",), 0, "4 pass"),
    ],
    ids=["a text", "what may be a picture", "a subfolder", "recursive"],
)
def test_what_is_left_out_of_a_folder_is_said(
    run: Run, pictures: Path, *, name: str, options: tuple[str, ...], code: int, said: str
) -> None:
    """A text is named; what may be a picture is counted, and then not all have passed."""
    (pictures / name).parent.mkdir(exist_ok=True)
    (pictures / name).write_bytes((pictures / "a.png").read_bytes() if name.endswith(".png") else b"")
    result = run("inspect", pictures, "--profile", "mm-pc", *options)

    assert result.exit_code == code
    assert said in result.stdout + result.stderr


def test_json_is_a_report_a_line_and_nothing_else(run: Run, fake_server: FakeServer, pictures: Path) -> None:
    """Stdout holds the reports in order; what went wrong stands on stderr."""
    fake_server.answer = by_name(b=FOUND)
    result = run("inspect", pictures, pictures / "gone.png", "--profile", "mm-pc", "--json")
    reports = [Report.from_json(line) for line in result.stdout.splitlines()]

    assert [report.image.name for report in reports] == ["a.png", "b.png", "c.png"]
    assert "gone.png cannot be read" in result.stderr
    assert result.exit_code == 2


def test_json_keeps_no_report(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten thousand pictures hold as few reports at a time as ten."""
    born: list[weakref.ref[Report]] = []
    alive: list[int] = []

    @contextmanager
    def inspecting() -> Iterator[Inspect]:
        def results(jobs: Iterable[Job]) -> Results:
            for job in jobs:
                report = dataclasses.replace(PASS, image=ImageInfo(str(job.name), sha256(bytes(job.picture))))
                born.append(weakref.ref(report))
                if len(born) % 500 == 0:
                    alive.append(sum(ref() is not None for ref in born))
                yield report

        yield results

    run = InspectRun("here", inspecting, partial(recording, None, "here"), out=None, as_json=True)
    found = FoundPictures([pictures / "a.png"] * 10_000)
    code = run.inspect(found, PictureJobs(found.pictures, lambda _: ""))

    assert code == 0
    assert len(capsys.readouterr().out.splitlines()) == 10_000
    assert len(alive) == 20
    assert max(alive) <= 3


def test_options_reach_the_server(run: Run, fake_server: FakeServer, pictures: Path) -> None:
    """Profile, scale, scope and wishes travel as parameters."""
    scale = ("--cladding-um", "140", "--um-per-px", "0.43")
    run("inspect", pictures / "a.png", "--profile", "sm-apc", *scale, "--zones", "A,B", "--screen", "--any-core")

    assert fake_server.requests[0].parameters == {
        "name": "a.png",
        "profile": "sm-apc",
        "cladding_um": "140.0",
        "um_per_px": "0.43",
        "zones": "A,B",
        "screen": "true",
        "any_core": "true",
    }


@pytest.mark.parametrize("scanned", ["A123", "A123\r\n", " A123\n"])
def test_serial_comes_from_a_scanner(run: Run, fake_server: FakeServer, pictures: Path, scanned: str) -> None:
    """Line ends and blanks around it are no part of it."""
    run("inspect", pictures / "a.png", "--profile", "mm-pc", "--serial", scanned)

    assert fake_server.requests[0].parameters["serial"] == "A123"


@pytest.mark.parametrize(("pattern", "serial"), [(r"[A-Z]\d+", "A123"), (r"_([^_]+)_", "A123"), (r"(\d+)", "123")])
def test_serial_comes_from_the_name(
    run: Run, fake_server: FakeServer, pictures: Path, pattern: str, serial: str
) -> None:
    """The first group of the pattern, or all of it; a name without one is not inspected."""
    (pictures / "a.png").rename(pictures / "line_A123_left.png")
    result = run("inspect", pictures, "--profile", "mm-pc", "--serial-from-name", pattern, "--json")

    assert [received.parameters["serial"] for received in fake_server.requests] == [serial]
    assert result.stderr.count("has no serial number in its name") == 2
    assert result.exit_code == 2


@pytest.mark.parametrize(
    "options",
    [
        ("--serial", "A123"),
        ("--serial", "\r\n"),
        ("--serial", "A", "--serial-from-name", "A"),
        ("--serial-from-name", "("),
        ("--engine", "opencv"),
        ("--profiles", "own"),
    ],
    ids=["one serial for many", "empty", "both", "no expression", "engine of a server", "profiles of a server"],
)
def test_options_that_contradict_are_refused(
    run: Run, fake_server: FakeServer, pictures: Path, options: tuple[str, ...]
) -> None:
    """Before anything is sent."""
    result = run("inspect", pictures, "--profile", "mm-pc", *options)

    assert (result.exit_code, options[0] in result.stderr) == (2, True)
    assert fake_server.requests == []


def test_one_picture_for_two_parts_is_a_warning(run: Run, pictures: Path, tmp_path: Path) -> None:
    """A frozen camera gives the same bytes again: in one run, or in two with a record."""
    (pictures / "b.png").write_bytes((pictures / "a.png").read_bytes())
    assert "b.png has the very same picture as a.png" in run("inspect", pictures, "--profile", "mm-pc").stderr

    def one(serial: str) -> str:
        options = ("--profile", "mm-pc", "--record", tmp_path / "record", "--serial", serial)
        return run("inspect", pictures / "a.png", *options).stderr

    assert [("same picture" in one(serial)) for serial in ("A1", "A1", "A2")] == [False, False, True]


def test_frozen_camera_does_not_fill_the_terminal(run: Run, pictures: Path, tmp_path: Path) -> None:
    """The first warnings are shown, the others counted; the page shows a few."""
    for number in range(30):
        (pictures / f"d{number}.png").write_bytes((pictures / "a.png").read_bytes())
    result = run("inspect", pictures, "--profile", "mm-pc", "--out", tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()

    assert (result.stderr.count("same picture"), "and 10 more" in result.stderr) == (20, True)
    assert (page.count("same picture"), "27 more warnings" in page) == (3, True)


def test_markup_in_a_name_is_shown_as_it_is(run: Run, pictures: Path) -> None:
    """Square brackets in a file's name are no colors."""
    (pictures / "a.png").rename(pictures / "[red]a.png")

    assert "[red]a.png" in run("inspect", pictures / "[red]a.png", "--profile", "mm-pc").stdout
