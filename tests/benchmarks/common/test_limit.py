"""The limit that serving is held against."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common.limit import Setup, Work, fastest, limit, setups
from benchmarks.common.pictures import Picture


def test_ways_to_use_the_machine() -> None:
    """A single process for comparison, and processes and threads on every core."""
    ways = setups(4)

    assert ways[0] == Setup(workers=1, kind="processes", batch=1, threads=1)
    assert {(way.workers, way.kind) for way in ways} >= {(4, "processes"), (4, "threads")}
    assert all(way.workers * way.threads <= 4 for way in ways)


def test_fastest_way_is_taken_again() -> None:
    """What a record keeps of a way is enough to try it again."""
    slow = {"workers": 1, "kind": "processes", "batch": 1, "threads": 1, "images_per_s": 9.5}
    fast = {"workers": 4, "kind": "threads", "batch": 2, "threads": 1, "images_per_s": 10.0}

    assert fastest({"setups": [slow, fast], "images_per_s": 10.0}) == Setup(4, "threads", 2, 1)


def test_work_travels_to_other_processes(pictures: list[Picture], repository: Path) -> None:
    """The limit is measured in processes of their own; what they work on must reach them."""
    work = Work(pictures[:1], repository / "segment" / "1" / "model.onnx", "mm-pc")
    ways = (Setup(), Setup(2, kind="threads", batch=2))

    found = limit(work, seconds=0.01, ways=ways)

    assert [way["workers"] for way in found["setups"]] == [1, 2]
    assert found["images_per_s"] == max(way["images_per_s"] for way in found["setups"]) > 0
