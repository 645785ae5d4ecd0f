"""What a phase gave, and what the rounds say together: medians, ratios, the price of a hop, the break-even."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.common.origin import Json
from benchmarks.common.overhead import overhead_ms
from benchmarks.studies.breakeven.arrangements import ALONE, HOPS, Arrangement
from benchmarks.studies.breakeven.station import Seen
from endface import contract

MIB: Final = 1 << 20

BETWEEN_BYTES: Final = sum(int(np.prod(spec.dims)) for spec in (contract.SQUARE, contract.LABELS, contract.CONFIDENCE))
"""What the ensemble hands from step to step beside the frame, a kilobyte: 768 KiB over two hops."""

HOP_BYTES: Final = (1, BETWEEN_BYTES // 2, MIB)
"""Tensors handed through steps that do nothing: from the first and last a prediction is made for the middle one."""

_BYTES: Final = ("sent", "received", "shared")


@dataclass(frozen=True)
class Ratio:
    """One arrangement over another: the median over the rounds, and the lowest and highest of them."""

    median: float
    low: float
    high: float

    @property
    def is_seen(self) -> bool:
        """All rounds agree on the direction."""
        return not self.low <= 1 <= self.high


def phase_figures(seen: Sequence[Seen], *, server_cores: float, machine_cores: float) -> Json:
    """What a phase gave, for a picture.

    Args:
        seen: of each station.
        server_cores: cores that the server kept busy.
        machine_cores: cores that everybody kept busy.

    Returns:
        Throughput, times, processor time of client and server in ms, bytes; None where nothing was answered rightly.
    """
    times: dict[str, list[float]] = {}
    for each in seen:
        for name, own_ms in each.times_ms.items():
            times.setdefault(name, []).extend(own_ms)
    all_ms = [ms for own_ms in times.values() for ms in own_ms]
    network_ms = [ms for each in seen for ms in each.network_ms]
    wrong = sum(each.wrong for each in seen)
    rate = sum(each.answered / each.measured_s for each in seen if each.measured_s)
    client_cores = sum(each.processor_s / each.measured_s for each in seen if each.measured_s)
    p50, p99 = np.percentile(all_ms, (50, 99)).round(3).tolist() if all_ms else (None, None)
    return {
        "answered": len(all_ms),
        "wrong_verdicts": wrong,
        "images_per_s": round(rate, 3),
        "p50_ms": p50,
        "p99_ms": p99,
        "network_ms": round(statistics.median(network_ms), 3) if network_ms else None,
        "client_ms": round(client_cores / rate * 1000, 3) if rate else None,
        "server_ms": round(server_cores / rate * 1000, 3) if rate else None,
        "other_cores": round(machine_cores - server_cores - client_cores, 3),
        **{key: _each(sum(getattr(station, key) for station in seen), len(all_ms) + wrong) for key in _BYTES},
        "by_picture_ms": {name: round(statistics.median(own_ms), 3) for name, own_ms in times.items()},
    }


def phases(record: Json, arrangement: Arrangement, stations: int) -> list[Json]:
    """An arrangement's phases, one of each round, in their order."""
    return [
        row
        for rows in record["rounds"]
        for row in rows
        if row.get("arrangement") == arrangement.name and row["stations"] == stations
    ]


def median(rows: Iterable[Json], key: str) -> float | None:
    """Median of a figure over phases; None where none of them has it."""
    found = [row[key] for row in rows if row[key] is not None]
    return statistics.median(found) if found else None


def throughput_ratio(record: Json, one: Arrangement, other: Arrangement) -> Ratio | None:
    """Throughput with several stations, one arrangement over another; None where one answered nothing."""
    return _ratio(record, one, other, record["plan"]["stations"], lambda row, base: _over(row, base, "images_per_s"))


def time_ratio(record: Json, one: Arrangement, other: Arrangement) -> Ratio | None:
    """Time of a picture with one station, each against itself in the same round; None where there are none."""

    def paired(row: Json, base: Json) -> float | None:
        both = [
            ms / base["by_picture_ms"][name]
            for name, ms in row["by_picture_ms"].items()
            if name in base["by_picture_ms"]
        ]
        return statistics.median(both) if both else None

    return _ratio(record, one, other, 1, paired)


def over_alone_ms(record: Json, arrangement: Arrangement) -> float | None:
    """What an arrangement adds to the same stages in the client's process; median over the rounds.

    Returns:
        Milliseconds at one station; None where nothing was answered.
    """
    pairs = zip(phases(record, arrangement, 1), phases(record, ALONE, 1), strict=True)
    found = [added for row, base in pairs if (added := _added(row["by_picture_ms"], base["by_picture_ms"])) is not None]
    return statistics.median(found) if found else None


def hop_figures(record: Json) -> Json | None:
    """What Triton takes for handing tensors from one Python step to the next.

    Returns:
        ``step_ms`` of a step without bytes, ``mib_ms`` of a MiB into it and out of it; ``predicted_ms`` from these for
        the two steps and 768 KiB that an ensemble has more than one fused model; ``measured_ms`` and
        ``processor_ms`` of two steps that do nothing with as many bytes.  None where a phase answered nothing.
    """
    few, many = HOPS
    added = {
        (size, key): _less(record, size, (many, few), key) for size in HOP_BYTES for key in ("p50_ms", "server_ms")
    }
    known = {at: value for at, value in added.items() if value is not None}
    if known.keys() != added.keys():
        return None
    nothing, between, mib = HOP_BYTES
    more = many - few
    step_ms = known[nothing, "p50_ms"] / more
    mib_ms = known[mib, "p50_ms"] / more - step_ms
    return {
        "step_ms": step_ms,
        "mib_ms": mib_ms,
        "predicted_ms": more * (step_ms + mib_ms * between / MIB),
        "measured_ms": known[between, "p50_ms"],
        "processor_ms": known[between, "server_ms"],
    }


def break_even_ms(hop_ms: float, rest_ms: float, share: float) -> float:
    """Milliseconds of the network from which hops take less than a share of an inspection without them.

    Args:
        hop_ms: what the hops take.
        rest_ms: what pre- and post-processing take.
        share: such as 0.05.

    Returns:
        0 where they do whatever the network takes.
    """
    return max(hop_ms / share - rest_ms, 0.0)


def _ratio(
    record: Json, one: Arrangement, other: Arrangement, stations: int, over: Callable[[Json, Json], float | None]
) -> Ratio | None:
    """Over the rounds, each against its own."""
    pairs = zip(phases(record, one, stations), phases(record, other, stations), strict=True)
    found = [ratio for row, base in pairs if (ratio := over(row, base)) is not None]
    return Ratio(statistics.median(found), min(found), max(found)) if found else None


def _over(row: Json, base: Json, key: str) -> float | None:
    return row[key] / base[key] if row[key] and base[key] else None


def _added(served_ms: Mapping[str, float], alone_ms: Mapping[str, float]) -> float | None:
    return overhead_ms({name: ms for name, ms in served_ms.items() if name in alone_ms}, alone_ms)


def _less(record: Json, size: int, steps: tuple[int, int], key: str) -> float | None:
    """A figure of so many steps less that of fewer, with tensors of a size: each a median over the rounds."""
    rows = [row for rows in record["rounds"] for row in rows if row.get("bytes") == size]
    many, few = (median((row for row in rows if row["steps"] == count), key) for count in steps)
    return None if many is None or few is None else many - few


def _each(total: int, count: int) -> int | None:
    return round(total / count) if count else None
