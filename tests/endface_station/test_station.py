"""The station without its page: queue, server, record, in this order and never less."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from endface_client import Client, Record, RecordError
from endface_client.testing import PASS, Answer, Failure, FakeServer, Received
from endface_station.arrival import PartFull, RefusedInput, ScanFirst
from endface_station.picture_queue import PictureQueue, QueueError
from endface_station.shift import Shift
from endface_station.station import Station
from tests.endface_station.conftest import Running, by_name, entries_of, picture, running
from tests.waiting import wait_until

Start = Callable[..., Running]


def names(running: Running) -> list[str]:
    """The pictures in the record, in order."""
    return [entry.values["name"] for entry in running.entries]


def test_picture_is_in_the_record_before_anybody_is_told(started: Start) -> None:
    """With its serial number, its fiber, and a verdict on the connector once its last face has one."""
    line = started(fibers=2)
    seen: list[int] = []
    line.station.on_filed = lambda _: seen.append(len(line.entries))
    line.station.begin("A1")
    for number, name in enumerate(("a.png", "fail.png")):
        line.station.accept(picture(number), name)
    line.settle()

    entries = line.entries
    assert seen == [1, 2]
    assert [(each.values["serial"], each.word) for each in entries] == [("A1", "pass"), ("A1", "fail")]
    assert [each.values["report"]["meta"]["fiber"] for each in entries] == ["1", "2"]
    assert entries[0].values.get("connector") is None
    assert entries[1].values["connector"] == {"verdict": "fail", "fiber": 2, "fibers": 2}


def test_server_that_is_down_loses_nothing(tmp_path: Path) -> None:
    """Pictures wait on the disk, the station says since when, and catches up in their order."""
    with FakeServer(by_name) as server:
        address = server.address
    with running(address, tmp_path) as line:
        for number in range(12):
            line.station.accept(picture(number), f"{number}.png", serial=f"A{number}")
        wait_until(lambda: line.station.state.condition == "down")
        assert "takes no pictures" in line.station.state.reason
        assert (line.station.waiting, line.entries) == (12, [])
        with FakeServer(by_name, address=address):
            line.settle()
            wait_until(lambda: line.station.state.condition == "ready")

        assert names(line) == [f"{number}.png" for number in range(12)]
        assert [each.values["serial"] for each in line.entries] == [f"A{number}" for number in range(12)]


def test_server_is_asked_before_the_first_picture(tmp_path: Path) -> None:
    """The operator sees that it is down, and when it is back, without a picture being spent."""
    with FakeServer(by_name) as server:
        address = server.address
    with running(address, tmp_path) as line:
        wait_until(lambda: line.station.state.condition == "down")
        with FakeServer(by_name, address=address):
            wait_until(lambda: line.station.state.condition == "ready")


def test_station_that_ends_goes_on_with_what_waits(tmp_path: Path) -> None:
    """Even if nobody has inspected anything meanwhile."""
    with FakeServer(by_name) as server:
        address = server.address
    with running(address, tmp_path) as line:
        line.station.accept(picture(1), "a.png", serial="A1")
    with FakeServer(by_name, address=address), running(address, tmp_path) as line:
        line.settle()
        assert names(line) == ["a.png"]


def test_kill_between_record_and_queue_files_no_picture_twice(fake_server: FakeServer, tmp_path: Path) -> None:
    """The queue's folder is put back to what it was before the report came."""
    kept: dict[str, bytes] = {}

    def keep(_: object) -> None:
        kept.update({path.name: path.read_bytes() for path in (tmp_path / "queue").glob("0*")})

    with running(fake_server.address, tmp_path) as line:
        line.station.on_filed = keep
        line.station.accept(picture(1), "a.png", serial="A1")
        line.settle()
    assert len(kept) == 2
    for name, data in kept.items():
        (tmp_path / "queue" / name).write_bytes(data)
    with running(fake_server.address, tmp_path) as line:
        line.settle()
        assert names(line) == ["a.png"]


@pytest.mark.parametrize("code", ["unknown_profile", "bad_parameter"])
def test_settings_that_the_server_refuses_stop_the_station(started: Start, fake_server: FakeServer, code: str) -> None:
    """No picture is spent on them; it goes on once they are right."""
    fake_server.answer = Failure(grpc.StatusCode.INVALID_ARGUMENT, f"{code}: no such thing")
    line = started()
    line.station.accept(picture(1), "a.png")
    wait_until(lambda: line.station.state.condition == "refusing")
    assert line.station.waiting == 1
    fake_server.answer = PASS
    line.settle()
    assert names(line) == ["a.png"]


def test_picture_that_the_server_fails_on_does_not_hold_up_the_others(
    started: Start, fake_server: FakeServer, tmp_path: Path
) -> None:
    """After three tries it is not inspected, in the record, and kept aside."""

    def answer(received: Received) -> Answer:
        if received.parameters["name"] == "bad.png":
            return Failure(grpc.StatusCode.INTERNAL, "defect: a stage failed")
        return PASS

    fake_server.answer = answer
    line = started()
    for number, name in enumerate(("bad.png", "good.png")):
        line.station.accept(picture(number), name, serial=name)
    line.settle()

    assert [(each.values["name"], each.word) for each in line.entries] == [("bad.png", "error"), ("good.png", "pass")]
    assert len(list((tmp_path / "station" / "queue" / "refused").iterdir())) == 1


def test_refused_picture_that_cannot_be_put_aside_is_put_aside_later(
    started: Start, fake_server: FakeServer, tmp_path: Path
) -> None:
    """It is in the record already, and is not lost."""
    fake_server.answer = Failure(grpc.StatusCode.INVALID_ARGUMENT, "empty_image: it is empty")
    line = started()
    aside = tmp_path / "station" / "queue" / "refused"
    aside.write_bytes(b"a file in the place of the folder")
    line.station.accept(picture(1), "a.png")
    wait_until(lambda: line.station.state.condition == "no_record")
    aside.unlink()
    line.settle()
    assert [path.read_bytes() for path in aside.iterdir()] == [picture(1)]
    assert [each.word for each in line.entries] == ["error"]


def test_server_that_fails_on_everything_spends_no_picture(started: Start, fake_server: FakeServer) -> None:
    """It is the server's fault as long as it inspects nothing at all."""
    fake_server.answer = Failure(grpc.StatusCode.INTERNAL, "defect: a stage failed")
    line = started()
    line.station.accept(picture(1), "a.png")
    wait_until(lambda: len(fake_server.requests) > 20)
    assert (line.station.waiting, line.entries) == (1, [])
    fake_server.answer = PASS
    line.settle()


class FullRecord(Record):
    """A record on a disk that is full."""

    is_full = True

    def add(self, *arguments: object, **named: object) -> str:
        """Add an entry, or say that there is no room."""
        if self.is_full:
            raise RecordError("the record cannot be used, check disk and permissions: No space left on device")
        return super().add(*arguments, **named)  # type: ignore[arg-type]


def test_nothing_is_shown_that_is_not_in_the_record(fake_server: FakeServer, tmp_path: Path) -> None:
    """A full disk keeps the verdict back, and the picture in the queue, until there is room."""
    shown: list[object] = []
    with (
        FullRecord(tmp_path / "record") as record,
        PictureQueue(tmp_path / "queue") as queue,
        Client(fake_server.address, profile="mm-pc") as client,
    ):
        station = Station(
            client,
            record,
            queue,
            Shift.of_record(record.folder),
            server="x",
            on_filed=shown.append,
            pauses_s=(0.02, 0.1),
        )
        thread = threading.Thread(target=station.run)
        thread.start()
        try:
            station.accept(picture(1), "a.png")
            wait_until(lambda: station.state.condition == "no_record")
            assert "No space left" in station.state.reason
            assert (shown, len(queue)) == ([], 1)
            record.is_full = False
            wait_until(lambda: not station.waiting)
            assert len(shown) == 1
        finally:
            station.stop()
            thread.join()


def test_frozen_camera_is_noticed(started: Start) -> None:
    """The same picture for two parts is a warning."""
    line = started()
    for serial in ("A1", "A2"):
        line.station.accept(picture(1), "a.png", serial=serial)
        line.settle()
    assert line.station.last is not None
    assert "A2 has the very same picture as A1" in line.station.last.warning


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"", "a.png", "is empty"),
        (b"GIF89a", "a.gif", "is no PNG"),
        (b"\x89PNG" + b"x" * (1 << 26), "a.png", "at most"),
    ],
)
def test_what_is_no_picture_is_refused_at_once(started: Start, data: bytes, name: str, said: str) -> None:
    """It never reaches the queue."""
    line = started()
    with pytest.raises(RefusedInput, match=said):
        line.station.accept(data, name)
    assert line.station.waiting == 0


def test_two_stations_share_a_server(started: Start) -> None:
    """Each has its own record, queue and parts."""
    lines = [started("one"), started("two")]
    for number in range(20):
        for at, line in enumerate(lines):
            line.station.accept(picture(100 * at + number), f"{number}.png", serial=f"{at}-{number}")
    for at, line in enumerate(lines):
        line.settle()
        assert [each.values["serial"] for each in line.entries] == [f"{at}-{number}" for number in range(20)]


def test_first_picture_of_a_day_is_found_after_a_restart(fake_server: FakeServer, tmp_path: Path) -> None:
    """What the page shows does not depend on a browser or a process that stays."""
    with running(fake_server.address, tmp_path, fibers=12) as line:
        line.station.begin("A1")
        line.station.accept(picture(1), "fail.png")
        line.settle()
    with running(fake_server.address, tmp_path, fibers=12) as line:
        state = line.web.get("/state").json()
    assert (state["serial"], state["next_fiber"], state["verdict"]) == ("A1", 1, "fail")
    assert len(entries_of(tmp_path / "record")) == 1


@pytest.mark.parametrize(("newest", "fibers"), [("K2", 2), ("", 1)])
def test_part_of_the_newest_picture_is_in_progress_after_a_restart(tmp_path: Path, newest: str, fibers: int) -> None:
    """Not an older one in the record; and none where the newest picture had no serial number."""
    with FakeServer(by_name) as server:
        address = server.address
        with running(address, tmp_path, fibers=fibers) as line:
            line.station.accept(picture(1), "a.png", serial="K1", fiber="1")
            line.settle()
    with running(address, tmp_path, fibers=fibers) as line:
        line.station.accept(picture(2), "b.png", serial=newest, fiber="1")
    with running(address, tmp_path, fibers=fibers) as line:
        assert line.station.aim() == (newest, fibers)
        with FakeServer(by_name, address=address):
            line.settle()
        assert line.station.aim() == (newest, fibers)
        assert line.station.accept(picture(3), "c.png").serial == newest


def test_part_that_was_left_stays_left_while_its_pictures_are_inspected(tmp_path: Path) -> None:
    """The next picture without a serial number is not one of its faces."""
    with FakeServer(by_name) as server:
        address = server.address
    with running(address, tmp_path, fibers=2) as line:
        line.station.accept(picture(1), "a.png", serial="K1")
        line.station.finish()
        with FakeServer(by_name, address=address):
            line.settle()
        with pytest.raises(ScanFirst):
            line.station.accept(picture(2), "b.png")


def test_serial_number_without_a_picture_outlives_the_station(fake_server: FakeServer, tmp_path: Path) -> None:
    """With its fibers as they were chosen; also that of a part that has passed, and not one that was left."""
    with running(fake_server.address, tmp_path, fibers=12) as line:
        line.station.begin("A1")
        line.station.count(4)
    with running(fake_server.address, tmp_path, fibers=12) as line:
        state = line.web.get("/state").json()
        assert (state["serial"], state["fibers"], state["faces"]) == ("A1", 4, [None] * 4)
        for number in range(4):
            line.station.accept(picture(number), "a.png")
        line.settle()
    with running(fake_server.address, tmp_path, fibers=12) as line:
        assert (line.web.get("/state").json()["serial"], line.web.get("/state").json()["part_verdict"]) == (
            "A1",
            "pass",
        )
        line.station.finish()
    with running(fake_server.address, tmp_path, fibers=12) as line:
        assert line.web.get("/state").json()["serial"] is None


def test_refused_picture_changes_nothing(started: Start) -> None:
    """The next picture without a serial number belongs to the part that was in progress before."""
    line = started(fibers=2)
    line.station.accept(picture(1), "a.png", serial="GOOD", fiber="1")
    with pytest.raises(RefusedInput, match="from 1 to 2"):
        line.station.accept(picture(2), "b.png", serial="NEXT", fiber="3")
    accepted = line.station.accept(picture(3), "c.png")
    assert (accepted.serial, accepted.fiber) == ("GOOD", 2)


@pytest.mark.parametrize("fibers", [1, 2])
def test_name_that_says_the_fiber_needs_a_scan_as_well(tmp_path: Path, fibers: int) -> None:
    """Once each fiber of a connector has its picture; however many fibers new parts have after a restart."""
    with FakeServer() as server:
        address = server.address
    with running(address, tmp_path, fibers=2) as line:
        line.station.begin("A1")
    with running(address, tmp_path, fibers=fibers) as line:
        for fiber in ("1", "2"):
            line.station.accept(picture(int(fiber)), "a.png", fiber=fiber)
        with pytest.raises(PartFull):
            line.station.accept(picture(3), "b_f01.png", fiber="1")
        line.station.select(1)
        assert line.station.accept(picture(4), "a_f01.png", fiber="1").serial == "A1"


@pytest.mark.parametrize("is_filed", [False, True])
def test_picture_that_is_given_again_changes_nothing(started: Start, fake_server: FakeServer, is_filed: bool) -> None:
    """It asks for no scan, and makes no other part the one in progress."""
    if not is_filed:
        fake_server.__exit__()
    line = started(fibers=2)
    line.station.begin("A1")
    given = [line.station.accept(picture(at), "a.png", picture_id=f"{at:016x}") for at in (1, 2)]
    if is_filed:
        line.settle()
    for serial in ("A1", "B1"):
        line.station.begin(serial)
        again = line.station.accept(picture(1), "a.png", picture_id=given[0].id)
        assert (again.serial, again.fiber, line.station.aim()[0]) == ("A1", 1, serial if serial == "B1" else "")
    assert line.web.get("/state").json()["next_fiber"] == 1


def test_count_that_cannot_be_kept_is_not_the_parts(started: Start, tmp_path: Path) -> None:
    """The page shows what the disk has."""
    line = started(fibers=12)
    line.station.begin("A1")
    path = tmp_path / "station" / "queue" / "in-progress.json"
    path.unlink()
    path.mkdir()
    with pytest.raises(QueueError):
        line.station.count(4)
    assert (line.web.get("/state").json()["fibers"], line.station.shift.fibers) == (12, 12)
