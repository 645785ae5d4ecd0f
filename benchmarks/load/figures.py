"""Figures of each phase: Locust's counts beside the server's own counters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from benchmarks.common.origin import Json
from benchmarks.common.outcomes import ANSWERED, FAILED, OUTCOMES, REFUSED, WRONG
from benchmarks.common.triton_counters import STAGES
from benchmarks.common.usage import BUSY_GENERATOR
from endface import contract

_ENSEMBLE: Final = contract.ENSEMBLE.name

CONNECTOR: Final = "connector"
"""Locust's request type for all fibers of a connector together."""

STATION: Final = "station"
"""Beginning of the request types that count each station's right answers by themselves."""


def phase_figures(entries: Iterable[Mapping[str, object]], phase: Json) -> Json:
    """Join Locust's statistics of a phase with what the phase cost.

    Returns:
        Counts and shares of the outcomes, throughput of right answers, the fewest and the most of them that a station
        got, percentiles in ms, the server's split.
    """
    rows: dict[str, Json] = {str(row["method"]): dict(row) for row in entries if row["name"] == phase["name"]}
    counts = {outcome: int(rows[outcome]["num_requests"]) if outcome in rows else 0 for outcome in OUTCOMES}
    total = sum(counts.values())
    answered = rows.get(ANSWERED)
    mean_ms = answered["total_response_time"] / counts[ANSWERED] if answered and counts[ANSWERED] else None
    return {
        "phase": phase["name"],
        "users": phase["users"],
        "measured_s": phase["measured_s"],
        "requests": total,
        **{outcome: counts[outcome] for outcome in (ANSWERED, REFUSED, FAILED)},
        "wrong_verdicts": counts[WRONG],
        "refused_share": round(counts[REFUSED] / total, 5) if total else 0.0,
        "failed_share": round(counts[FAILED] / total, 5) if total else 0.0,
        **_shared_out(rows, phase["users"]),
        "images_per_s": round(counts[ANSWERED] / phase["measured_s"], 2),
        "mean_ms": mean_ms and round(mean_ms, 2),
        **_percentiles(answered),
        "connector": _percentiles(rows.get(CONNECTOR)) if phase["fibers"] > 1 else None,
        "split_ms": split_ms(mean_ms, phase["server"]),
        "batch": {stage: phase["server"][stage]["batch"] for stage in STAGES if stage in phase["server"]},
        "cores": phase["cores"],
        "server_mib": phase["server_mib"],
    }


def split_ms(mean_ms: float | None, server: Mapping[str, Json]) -> dict[str, float] | None:
    """Where an answered picture's time goes on average: waiting and computing of each stage, and the rest.

    Args:
        mean_ms: from the client's call to the report.
        server: ``metrics.split`` by model.

    Returns:
        Milliseconds that add up to ``mean_ms``, as far as no part would be negative: of each stage "... queue" and
        "... compute"; "between stages" what the ensemble took beyond its stages; "client and gRPC" what the server
        did not see.  None where the server's counters are not known.
    """
    if mean_ms is None or any(server.get(name, {}).get("request_ms") is None for name in (*STAGES, _ENSEMBLE)):
        return None
    parts: dict[str, float] = {}
    for stage in STAGES:
        parts[f"{stage} queue"] = server[stage]["queue_ms"]
        parts[f"{stage} compute"] = server[stage]["compute_ms"]
    inside_ms = server[_ENSEMBLE]["request_ms"]
    parts["between stages"] = inside_ms - sum(parts.values())
    parts["client and gRPC"] = mean_ms - inside_ms
    return {name: round(max(ms, 0.0), 3) for name, ms in parts.items()}


def percentile(histogram: Mapping[str, int], share: float) -> float | None:
    """The smallest time that this share of the requests did not exceed; None where there are none.

    Args:
        histogram: Locust's counts by time in ms; it rounds times to two digits.
        share: from 0 to 1.
    """
    total = sum(histogram.values())
    below = 0
    for ms, count in sorted((float(ms), count) for ms, count in histogram.items()):
        below += count
        if below >= share * total:
            return ms
    return None


def bottleneck(figures: Sequence[Json], processes: int) -> list[str]:
    """The phases in which the generator's processes had too little processor to ask in time."""
    return [each["phase"] for each in figures if each["cores"]["generator"] / processes >= BUSY_GENERATOR]


def _shared_out(rows: Mapping[str, Json], users: int) -> dict[str, int]:
    """Right answers of the station that got the fewest, and of the one that got the most."""
    counts = [int(row["num_requests"]) for kind, row in rows.items() if kind.startswith(STATION)]
    counts += [0] * (users - len(counts))  # who got none has no row
    return {"fewest": min(counts, default=0), "most": max(counts, default=0)}


def _percentiles(row: Json | None) -> Json:
    histogram = row["response_times"] if row else {}
    return {f"p{share}_ms": percentile(histogram, share / 100) for share in (50, 95, 99)}
