"""The watched folder."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from watchdog.events import FileClosedEvent

from endface_client.cli.jobs import serial_from_name
from endface_client.testing import PASS, FakeServer
from endface_station.arrival import RefusedInput
from endface_station.intake.folder import WatchedFolder
from endface_station.picture_queue import QueueError
from endface_station.shift import Serials
from tests.endface_station.conftest import INVALID, Running, by_name, picture, running
from tests.waiting import wait_until


class Intake:
    """Keeps what it is given, and a clock that the test moves."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str | None, str | None]] = []
        self.ids: list[str] = []
        self.go_on: list[bool] = []
        self.said: list[str] = []
        self.now_s = 0.0
        self.error: Exception | None = None
        self.taking: Callable[[], None] = lambda: None

    def accept(
        self,
        data: bytes,
        name: str,
        *,
        serial: str | None = None,
        fiber: str | None = None,
        goes_on: bool = False,
        picture_id: str = "",
        unchecked: bool = False,
    ) -> None:
        """Take a picture."""
        assert unchecked, data
        if self.error:
            raise self.error
        self.taking()
        self.taking = lambda: None
        self.taken.append((name, serial, fiber))
        self.ids.append(picture_id)
        self.go_on.append(goes_on)

    @property
    def names(self) -> list[str]:
        """Names of the files that were taken."""
        return [name for name, _, _ in self.taken]

    def watch(self, folder: Path, **settings: object) -> WatchedFolder:
        """A folder that this looks into by hand."""
        return WatchedFolder(folder, self.accept, say=self.said.append, clock=lambda: self.now_s, **settings)  # type: ignore[arg-type]

    def settle(self, watched: WatchedFolder) -> None:
        """Look, let time pass, and look again."""
        watched.look()
        self.now_s += 2
        watched.look()


@pytest.fixture
def intake() -> Intake:
    """What takes the pictures."""
    return Intake()


def write(path: Path, number: int, written_s: int = 0) -> None:
    """Write a picture, and say when."""
    path.write_bytes(picture(number))
    if written_s:
        os.utime(path, (written_s, written_s))


def test_files_are_taken_in_the_order_in_which_they_were_written(intake: Intake, tmp_path: Path) -> None:
    """Not by name; and they go into ``done``."""
    for number, name in enumerate(("c.png", "a.jpg", "b.tif")):
        write(tmp_path / name, number, 1000 + number)
    (tmp_path / "notes.txt").write_text("no picture")
    intake.settle(intake.watch(tmp_path))

    assert intake.names == ["c.png", "a.jpg", "b.tif"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["done", "notes.txt"]
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["a.jpg", "b.tif", "c.png"]


def test_files_that_are_found_together_are_of_different_fibers(intake: Intake, tmp_path: Path) -> None:
    """One that comes alone may be a second look at a face that did not pass."""
    watched = intake.watch(tmp_path)
    for names in (("a.png",), ("b.png", "c.png")):
        for number, name in enumerate(names):
            write(tmp_path / name, number)
        intake.settle(watched)

    assert list(zip(intake.names, intake.go_on, strict=True)) == [("a.png", False), ("b.png", True), ("c.png", True)]


def test_file_that_is_still_written_is_not_taken(intake: Intake, tmp_path: Path) -> None:
    """Until it has stood still; what was written after it waits for it."""
    watched = intake.watch(tmp_path)
    data = picture(1)
    (tmp_path / "a.png").write_bytes(data[:20])
    watched.look()
    intake.now_s += 0.5
    (tmp_path / "a.png").write_bytes(data)
    watched.look()
    intake.now_s += 1.6
    watched.look()
    assert intake.names == []
    intake.now_s += 0.5
    watched.look()
    assert intake.names == ["a.png"]


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("format_", [".png", ".jpg", ".bmp", ".tif"])
@pytest.mark.parametrize("size", [0, 60])
def test_file_whose_end_is_missing_has_more_time(
    intake: Intake, tmp_path: Path, format_: str, size: int, is_closed: bool
) -> None:
    """Half a minute without a change; a slow writer may close it meanwhile."""
    watched, path = intake.watch(tmp_path), tmp_path / f"a{format_}"
    data = cv2.imencode(format_, np.full((48, 64), 90, np.uint8))[1].tobytes()
    path.write_bytes(data[:size])
    if is_closed:
        watched.on_closed(FileClosedEvent(str(path)))
    watched.look()
    intake.now_s += 29
    watched.look()
    assert (intake.names, intake.said) == ([], [])
    path.write_bytes(data)
    intake.settle(watched)
    assert intake.names == [path.name]


@pytest.mark.parametrize(("order", "tags"), [("<", (273, 279)), (">", (273, 279)), ("<", (324, 325))])
@pytest.mark.parametrize("is_directory_first", [False, True])
def test_half_of_a_tiff_is_not_taken(
    intake: Intake, tmp_path: Path, order: str, tags: tuple[int, int], is_directory_first: bool
) -> None:
    """Not before its directory and the last byte of each strip or tile are there."""
    data = tiff(order, tags, is_directory_first=is_directory_first)
    watched = intake.watch(tmp_path)
    for size in range(8, len(data), 8):
        (tmp_path / "a.tif").write_bytes(data[:size])
        intake.settle(watched)
    assert intake.names == []
    (tmp_path / "a.tif").write_bytes(data)
    intake.settle(watched)
    assert intake.names == ["a.tif"]


def tiff(order: str, tags: tuple[int, int], *, is_directory_first: bool) -> bytes:
    """A TIFF with two strips or tiles of 40 bytes, whose places and sizes stand under two tags."""
    header, parts, entries = 8, b"x" * 80, 2
    directory_bytes = 2 + 12 * entries + 4
    lists_at = header + (directory_bytes if is_directory_first else len(parts))
    parts_at = lists_at + 16 if is_directory_first else header
    directory_at = header if is_directory_first else lists_at + 16
    lists = struct.pack(f"{order}4I", parts_at, parts_at + 40, 40, 40)
    directory = struct.pack(f"{order}H", entries) + b"".join(
        struct.pack(f"{order}HHII", tag, 4, 2, lists_at + 8 * number) for number, tag in enumerate(tags)
    )
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", directory_at)
    directory += bytes(4)
    return start + (directory + lists + parts if is_directory_first else parts + lists + directory)


def test_file_that_stays_empty_is_taken_as_it_is(intake: Intake, tmp_path: Path) -> None:
    """After half a minute, so that it keeps its place; then those after it are taken."""
    watched = intake.watch(tmp_path)
    (tmp_path / "a.png").touch()
    os.utime(tmp_path / "a.png", (1000, 1000))
    write(tmp_path / "b.png", 1, 2000)
    intake.settle(watched)
    assert intake.names == []
    intake.now_s += 30
    watched.look()
    assert intake.names == ["a.png", "b.png"]
    assert "a.png is empty; it keeps its place" in intake.said[0]


def test_files_may_stay(intake: Intake, tmp_path: Path) -> None:
    """They are taken once, across restarts; a file that is written anew is another picture."""
    folder, ledger = tmp_path / "in", tmp_path / "taken.txt"
    folder.mkdir()
    write(folder / "snap.png", 1, 1000)
    for _ in range(2):
        intake.settle(intake.watch(folder, taken="leave", ledger=ledger))
    assert intake.names == ["snap.png"]
    write(folder / "snap.png", 2, 2000)
    intake.settle(intake.watch(folder, taken="leave", ledger=ledger))

    assert intake.names == ["snap.png", "snap.png"]
    assert [path.name for path in folder.iterdir()] == ["snap.png"]


def test_killed_station_gives_a_file_the_same_id_again(intake: Intake, tmp_path: Path) -> None:
    """So that a picture that was taken and not yet moved is filed once."""
    write(tmp_path / "a.png", 1, 1000)
    intake.settle(intake.watch(tmp_path))
    (tmp_path / "done" / "a.png").rename(tmp_path / "a.png")
    intake.settle(intake.watch(tmp_path))

    assert len(intake.ids) == 2
    assert len(set(intake.ids)) == 1


def test_names_say_serial_and_fiber(intake: Intake, tmp_path: Path) -> None:
    """By patterns; a name without one is refused, and says so."""
    write(tmp_path / "A123_f07.png", 1, 1000)
    write(tmp_path / "snap.png", 2, 2000)
    patterns = {"serial_of": serial_from_name(r"^(\w+)_f"), "fiber_of": serial_from_name(r"_f0*(\d+)")}
    intake.settle(intake.watch(tmp_path, **patterns))

    assert intake.taken == [("A123_f07.png", "A123", "7")]
    assert "snap.png was not taken" in intake.said[0]
    assert [path.name for path in (tmp_path / "refused").iterdir()] == ["snap.png"]


def test_file_that_is_no_picture_is_put_aside(intake: Intake, tmp_path: Path) -> None:
    """It has its place, and the others go on."""
    (tmp_path / "a.png").write_bytes(b"no picture")
    os.utime(tmp_path / "a.png", (1000, 1000))
    write(tmp_path / "b.png", 1, 2000)
    intake.settle(intake.watch(tmp_path))

    assert intake.names == ["a.png", "b.png"]
    assert "is no PNG" in intake.said[0]
    assert [path.name for path in (tmp_path / "refused").iterdir()] == ["a.png"]


def test_disk_that_is_full_leaves_the_file(intake: Intake, tmp_path: Path) -> None:
    """It is said once, and the file is taken once there is room."""
    write(tmp_path / "a.png", 1, 1000)
    watched = intake.watch(tmp_path)
    intake.error = QueueError("a.png cannot be put into queue: No space left on device")
    intake.settle(watched)
    watched.look()
    assert (len(intake.said), intake.names) == (1, [])
    intake.error = None
    watched.look()
    assert (intake.said[1:], intake.names) == ([""], ["a.png"])


def test_refused_serial_puts_the_file_aside(intake: Intake, tmp_path: Path) -> None:
    """Such as one that no label holds."""
    write(tmp_path / "a.png", 1, 1000)
    intake.error = RefusedInput("the serial number has 200 characters, at most 100 are taken")
    intake.settle(intake.watch(tmp_path))
    assert [path.name for path in (tmp_path / "refused").iterdir()] == ["a.png"]


def test_name_that_was_taken_before_overwrites_nothing(intake: Intake, tmp_path: Path) -> None:
    """The second one gets a number."""
    for number in (1, 2):
        write(tmp_path / "a.png", number, 1000 * number)
        intake.settle(intake.watch(tmp_path))
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["a-2.png", "a.png"]


def test_folder_that_is_away_is_named_once(intake: Intake, tmp_path: Path) -> None:
    """A share that was unmounted."""
    watched = intake.watch(tmp_path / "share")
    intake.settle(watched)
    assert len(intake.said) == 1
    assert "share is not there" in intake.said[0]


def test_folder_feeds_a_station(started: Callable[..., Running], tmp_path: Path) -> None:
    """Closed and renamed files are taken as they come, with the part and fiber of their names."""
    line, folder = started(fibers=4), tmp_path / "in"
    folder.mkdir()
    patterns = {"serial_of": serial_from_name(r"^(\w+)_f"), "fiber_of": serial_from_name(r"_f(\d+)")}
    with WatchedFolder(folder, line.station.accept, **patterns):
        for number, name in enumerate(("A1_f2.png", "A1_f1.png", "B1_f1.png")):
            (folder / f".{name}").write_bytes(picture(number))
            (folder / f".{name}").rename(folder / name)
            wait_until(lambda done=number + 1: len(line.entries) == done)

    found = [(each.values["serial"], each.values["report"]["meta"]["fiber"]) for each in line.entries]
    assert found == [("A1", "2"), ("A1", "1"), ("B1", "1")]


@pytest.mark.parametrize("bad", [b"no picture", b"\x89PNG cut short", b""])
def test_bad_file_shifts_no_fiber(fake_server: FakeServer, tmp_path: Path, intake: Intake, bad: bytes) -> None:
    """It is told and has its place, also after a restart; those that come later keep theirs."""
    fake_server.answer = lambda received: INVALID if received.picture == bad else PASS  # as a real one
    folder = tmp_path / "in"
    folder.mkdir()
    said: list[str] = []
    with running(fake_server.address, tmp_path, fibers=4, steps_itself=True) as line:
        line.station.begin("A1")
        watched = WatchedFolder(folder, line.station.accept, say=said.append, clock=lambda: intake.now_s)
        for number in range(1, 4):
            (folder / f"{number}.png").write_bytes(bad if number == 2 else picture(number))
            os.utime(folder / f"{number}.png", (1000 + number, 1000 + number))
        watched.look()
        intake.now_s += 30
        watched.look()
        line.settle()
        assert line.web.get("/state").json()["faces"] == ["pass", "invalid" if bad else "error", "pass", None]
    with running(fake_server.address, tmp_path, fibers=4, steps_itself=True) as line:
        assert line.station.aim() == ("A1", 4)
        line.station.select(2)
        line.station.accept(picture(9), "again.png")
        line.settle()
        assert line.web.get("/state").json()["faces"] == ["pass", "pass", "pass", None]
    assert ["2.png" in sentence for sentence in said] == ([] if bad.startswith(b"\x89PNG") else [True])


def test_picture_before_the_scan_waits_for_it(started: Callable[..., Running], tmp_path: Path, intake: Intake) -> None:
    """In the folder, and the page says so; it is of the connector that is scanned next."""
    line, folder = started(fibers=2), tmp_path / "in"
    folder.mkdir()
    watched = WatchedFolder(folder, line.station.accept, say=line.station.show_notice, clock=lambda: intake.now_s)
    write(folder / "a.png", 1)
    intake.settle(watched)
    watched.look()
    assert (line.station.waiting, [path.name for path in folder.iterdir()]) == (0, ["a.png"])
    assert "a.png waits in " in line.web.get("/").text
    assert "no serial number is scanned; scan that of this connector first" in line.web.get("/").text
    line.web.post("/begin", data={"serial": "A1"})
    watched.look()
    line.settle()
    assert [(each.values["serial"], each.values["name"]) for each in line.entries] == [("A1", "a.png")]
    assert "is scanned" not in line.web.get("/").text


@pytest.mark.parametrize("serials", ["connectors", "always"])
@pytest.mark.parametrize("is_away", [False, True])
def test_picture_after_the_last_one_of_a_part_is_put_aside(
    fake_server: FakeServer, tmp_path: Path, intake: Intake, serials: Serials, is_away: bool
) -> None:
    """It may show the next part: it replaces no verdict of this one, and shifts no fiber of the one scanned next."""
    folder, fibers = tmp_path / "in", 1 if serials == "always" else 2
    folder.mkdir()
    said: list[str] = []
    if is_away:
        fake_server.__exit__()
    with running(fake_server.address, tmp_path, fibers=fibers, serials=serials) as line:
        watched = WatchedFolder(folder, line.station.accept, say=said.append, clock=lambda: intake.now_s)
        line.station.begin("A1")
        for number in range(fibers):
            line.station.accept(picture(number), "fail.png" if is_away else "a.png")
        if not is_away:
            line.settle()
        write(folder / "b.png", 7)
        intake.settle(watched)
        assert [path.name for path in (folder / "refused").iterdir()] == ["b.png"]
        assert [sentence.startswith("b.png was not taken") for sentence in said] == [True]
        if is_away:
            with FakeServer(by_name, address=fake_server.address):
                line.settle()
                watched.look()
                line.settle()
            assert line.web.get("/state").json()["faces"] == ["fail"] * fibers
        line.station.begin("B1")
        watched.look()
        assert line.web.get("/state").json()["faces"] == [None] * fibers
        assert [entry.values["serial"] for entry in line.entries] == ["A1"] * fibers


def test_complaints_about_several_files_are_all_said(intake: Intake, tmp_path: Path) -> None:
    """At once, and until a file is taken without one; one that is gone meanwhile changes nothing."""
    watched = intake.watch(tmp_path)
    for number, name in enumerate(("a.png", "b.png", "gone.png")):
        (tmp_path / name).write_bytes(b"no picture")
        os.utime(tmp_path / name, (1000 + number, 1000 + number))
    watched.look()
    intake.now_s += 2
    intake.taking = (tmp_path / "gone.png").unlink
    watched.look()
    watched.look()
    (sentence,) = intake.said
    assert [name in sentence for name in ("a.png is no PNG", "b.png is no PNG", "gone.png")] == [True, True, False]
    write(tmp_path / "c.png", 1)
    intake.settle(watched)
    assert intake.said[1:] == [""]


def test_file_that_cannot_be_moved_is_named_with_what_to_do(tmp_path: Path) -> None:
    """It is taken once and stays; the sentence says so."""
    intake = Intake()
    (tmp_path / "done").write_text("a file in the place of the folder")
    (tmp_path / "a.png").write_bytes(picture(1))
    watched = intake.watch(tmp_path)
    intake.settle(watched)
    intake.settle(watched)

    assert intake.names == ["a.png"]
    assert (tmp_path / "a.png").exists()
    (sentence,) = intake.said
    assert "a.png was taken and is inspected once, and stays where it is" in sentence
    assert "--leave" in sentence
