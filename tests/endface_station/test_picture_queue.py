"""The queue on the disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from endface_station.arrival import Arrival, new_id
from endface_station.picture_queue import InProgress, PictureQueue, QueueError


def arrival(name: str) -> Arrival:
    """A picture of that name."""
    return Arrival(name, "A1", "A1", 1, 12, new_id())


def test_pictures_wait_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """Across restarts as well, and numbers go on."""
    names = [f"{number}.png" for number in range(12)]
    with PictureQueue(tmp_path) as queue:
        for name in names[:11]:
            queue.put(arrival(name), name.encode())
    with PictureQueue(tmp_path) as queue:
        queue.put(arrival(names[11]), b"11.png")
        waiting = queue.oldest(100)

        assert [each.name for each in waiting] == names
        assert [queue.data(each) for each in waiting] == [name.encode() for name in names]


def test_a_picture_that_is_removed_is_gone(tmp_path: Path) -> None:
    """Its files too; a refused one is kept aside."""
    with PictureQueue(tmp_path) as queue:
        first, second = arrival("a.png"), arrival("b.png")
        queue.put(first, b"first")
        queue.put(second, b"second")
        queue.remove(first)
        queue.remove(second, refused=True)

        assert len(queue) == 0
        assert [path.read_bytes() for path in (tmp_path / "refused").iterdir()] == [b"second"]
    assert {path.name for path in tmp_path.iterdir()} == {"in-progress.json", "in-use", "refused"}


def test_the_same_picture_is_put_once(tmp_path: Path) -> None:
    """It is known by its id."""
    with PictureQueue(tmp_path) as queue:
        once = arrival("a.png")

        assert [queue.put(once, b"a"), queue.put(once, b"a")] == [True, False]
        assert len(queue) == 1


def test_what_was_half_written_is_no_picture(tmp_path: Path) -> None:
    """A kill between the two files of a picture, or inside of one, leaves none."""
    (tmp_path / "000000000001-ab.picture").write_bytes(b"without values")
    (tmp_path / ".endface-0123456789abcdef").write_bytes(b"half")
    with PictureQueue(tmp_path) as queue:
        assert len(queue) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["in-use"]


def test_two_stations_never_share_a_queue(tmp_path: Path) -> None:
    """The second one is told what to do."""
    with PictureQueue(tmp_path), pytest.raises(QueueError, match=r"another station uses it; .*--data"):
        PictureQueue(tmp_path)
    with PictureQueue(tmp_path):
        pass


def test_part_in_progress_outlives_the_station(tmp_path: Path) -> None:
    """That of the last scan or the newest picture, whichever came later; and none once it was left."""
    seen = []
    for scanned in ("", "B1", ""):
        with PictureQueue(tmp_path) as queue:
            seen.append(queue.in_progress)
            queue.put(arrival("a.png"), b"a")
            if scanned:
                queue.begin(scanned, 4)
    with PictureQueue(tmp_path) as queue:
        seen.append(queue.in_progress)
        queue.begin("")
    with PictureQueue(tmp_path) as queue:
        seen.append(queue.in_progress)

    assert seen == [InProgress(), InProgress("A1", 12), InProgress("B1", 4), InProgress("A1", 12), InProgress()]


def test_part_that_cannot_be_kept_is_not_begun(tmp_path: Path) -> None:
    """The one before is in progress as it was."""
    with PictureQueue(tmp_path) as queue:
        (tmp_path / "in-progress.json").mkdir()
        with pytest.raises(QueueError, match="A1 cannot be kept"):
            queue.begin("A1")
        assert queue.in_progress == InProgress()


def test_picture_that_cannot_be_put_leaves_the_part_before(tmp_path: Path) -> None:
    """Its own part may be on the disk already; the next scan or picture writes what is in progress."""
    with PictureQueue(tmp_path) as queue:
        queue.begin("B1", 4)
        refused = arrival("a.png")
        (tmp_path / f"000000000001-{refused.id}.json").mkdir()
        with pytest.raises(QueueError, match="cannot be put"):
            queue.put(refused, b"a")
        queue.begin("B1", 4)
        (tmp_path / f"000000000001-{refused.id}.json").rmdir()
    with PictureQueue(tmp_path) as queue:
        assert (queue.in_progress, len(queue)) == (InProgress("B1", 4), 0)


def test_damaged_values_are_named(tmp_path: Path) -> None:
    """Nothing in the queue is left out silently."""
    (tmp_path / "000000000001-ab.json").write_bytes(b"{}")
    with pytest.raises(QueueError, match=r"000000000001-ab\.json is damaged.*no accepted picture"):
        PictureQueue(tmp_path)
    (tmp_path / "000000000001-ab.json").unlink()
    (tmp_path / "in-progress.json").write_bytes(b"[")
    with pytest.raises(QueueError, match=r"in-progress\.json is damaged, remove it"):
        PictureQueue(tmp_path)


def test_killed_process_keeps_each_picture_that_it_took(tmp_path: Path) -> None:
    """SIGKILL while pictures are put: whatever ``put`` returned for is whole, and the folder is free again."""
    program = f"""
from pathlib import Path
from endface_station.arrival import Arrival, new_id
from endface_station.picture_queue import PictureQueue
queue = PictureQueue(Path({str(tmp_path)!r}))
for number in range(100000):
    queue.put(Arrival(str(number), "", "p", 1, 1, new_id()), b"x" * 50000 + str(number).encode())
    print(number, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = [int(process.stdout.readline()) for _ in range(20)]
        os.kill(process.pid, signal.SIGKILL)
        told += [int(line) for line in process.stdout if line.endswith("\n")]
    with PictureQueue(tmp_path) as queue:
        waiting = queue.oldest(len(queue))

        assert [int(each.name) for each in waiting][: len(told)] == told
        assert all(queue.data(each) == b"x" * 50000 + each.name.encode() for each in waiting)
