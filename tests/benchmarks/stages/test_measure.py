"""Milliseconds of every stage without a server."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common.limit import Work
from benchmarks.common.pictures import Picture
from benchmarks.stages.measure import stage_times

STAGES = {
    "preprocess",
    "  decode",
    "  locate",
    "frame to JSON and back",
    "segment",
    "postprocess",
    "report to JSON",
    "all",
}


def test_each_stage_is_timed_for_each_size(pictures: list[Picture], repository: Path) -> None:
    """Median and spread over rounds and pictures of a size, alone and beside as many processes as cores."""
    sizes = {picture.size: picture for picture in pictures}
    work = Work(list(sizes.values()), repository / "segment" / "1" / "model.onnx", "mm-pc")

    found = stage_times(work, rounds=2, cores=2)

    assert set(found) == {"1", "2"}
    for workers, by_size in found.items():
        assert set(by_size) == set(sizes) == {"1152 x 864", "720 x 576"}
        for by_stage in by_size.values():
            assert set(by_stage) == STAGES
            for times in by_stage.values():
                assert 0 < times["p10_ms"] <= times["median_ms"] <= times["p90_ms"]
                assert times["count"] == 2 * int(workers)
