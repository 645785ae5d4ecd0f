"""The model's constants from the records of ``stages`` and ``scaling``."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Final

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import Json
from benchmarks.studies.scaling.model import Measured

KINDS: Final = ("stages", "scaling")

_PARTS: Final = ("preprocess", "frame to JSON and back", "segment", "postprocess", "report to JSON")
"""Stages of the record that together are a picture's way; the indented ones are part of another."""


def measured(records: Mapping[str, Json]) -> Measured:
    """What a picture costs.

    The server's processor time is what a picture costs.  The limit without a server says how much of it the stages
    are: the mean of all pictures, slow ones included, with all cores busy; the rest is serving.  The stages' medians
    say how they share it.

    Args:
        records: the newest of each kind.

    Raises:
        BenchmarkError: a record is missing.
    """
    for kind in KINDS:
        if kind not in records:
            raise BenchmarkError(f"there is no record of {kind} yet; make one with `python -m benchmarks {kind}`")
    stages, scaling = (records[kind] for kind in KINDS)
    everywhere = scaling["cores"][-1]
    cores = int(everywhere["server_on"])
    server_ms, client_ms = everywhere["server_cpu_ms"], everywhere["generator_cpu_ms"]
    stages_ms = min(cores * 1000 / everywhere["limit"]["images_per_s"], server_ms)
    stage_ms = _shared(stages["stages"], stages_ms)
    busy = everywhere["images_per_s"] * (server_ms + client_ms) / 1000 / cores
    return Measured(
        cores=cores,
        decode_ms=stage_ms["  decode"],
        locate_ms=stage_ms["  locate"],
        prepare_ms=stage_ms["preprocess"]
        - stage_ms["  decode"]
        - stage_ms["  locate"]
        + stage_ms["frame to JSON and back"],
        segment_ms=stage_ms["segment"],
        postprocess_ms=stage_ms["postprocess"] + stage_ms["report to JSON"],
        serving_ms=server_ms - stages_ms,
        client_ms=client_ms,
        filled=min(busy, 1.0),
        per_doubling=_per_doubling(scaling["cores"]),
        picture_bytes=scaling["pictures"]["picture_bytes"],
        report_bytes=scaling["pictures"]["report_bytes"],
    )


def _shared(by_count: Mapping[str, Json], picture_ms: float) -> dict[str, float]:
    """The stages with as many processes at once as there are cores, their sum as given."""
    sizes = by_count[max(by_count, key=int)]
    names = next(iter(sizes.values()))
    medians = {name: statistics.fmean(stages[name]["median_ms"] for stages in sizes.values()) for name in names}
    scale = picture_ms / sum(medians[part] for part in _PARTS)
    return {name: ms * scale for name, ms in medians.items()}


def _per_doubling(rows: list[Json]) -> float:
    """What a core still gives without a server, for each doubling from the first row to the last."""
    first, last = rows[0], rows[-1]
    doublings = math.log2(last["server_on"] / first["server_on"])
    if not doublings:
        return 1.0
    gain = last["limit"]["images_per_s"] / first["limit"]["images_per_s"]
    return min(max(math.pow(gain, 1 / doublings) / 2, 0.5), 1.0)
