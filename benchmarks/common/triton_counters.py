"""Triton's nv_inference_* counters from its metrics port: how a server spends its time."""

from __future__ import annotations

import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import Json
from endface import contract

Counters = Mapping[str, float]
"""What a model did, all versions together, by Triton's names (its documentation, "Metrics") without their beginning:
requests, pictures (``count``), batches (``exec_count``), and microseconds, which are sums over its requests."""

STAGES: Final = (contract.PREPROCESS.name, contract.SEGMENT.name, contract.POSTPROCESS.name)
"""The models that a picture goes through, in order."""

_PREFIX: Final = "nv_inference_"
_ANSWER_S: Final = 10
_PARTS: Final = {
    "request_ms": ("request",),
    "queue_ms": ("queue",),
    "compute_ms": ("compute_input", "compute_infer", "compute_output"),
}


def read(text: str) -> dict[str, Counters]:
    """Counters by model, from what the metrics port says.

    Raises:
        BenchmarkError: it says nothing about models.
    """
    sums: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        counts = family.type == "counter" and family.name.startswith(_PREFIX)  # gauges go down again
        for sample in family.samples if counts else ():
            counters, name = sums.setdefault(sample.labels["model"], {}), family.name.removeprefix(_PREFIX)
            counters[name] = counters.get(name, 0) + sample.value  # over versions and reasons
    if not sums:
        raise BenchmarkError("the metrics hold no nv_inference_* counters; name the metrics port of a Triton server")
    return dict(sums)


def scrape(address: str) -> dict[str, Counters]:
    """Counters by model, now, from ``host:port`` of the server's metrics.

    Raises:
        BenchmarkError: nobody answers there, or it is no Triton.
    """
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=_ANSWER_S) as answer:
            return read(answer.read().decode())
    except OSError as exc:
        raise BenchmarkError(f"no metrics at {address} ({exc}); name the server's metrics port") from exc


def since(earlier: Mapping[str, Counters], now: Mapping[str, Counters]) -> dict[str, Counters]:
    """Counts of each model between two readings.

    Raises:
        BenchmarkError: a counter went back.
    """
    spent: dict[str, Counters] = {}
    for model, counters in now.items():
        before = earlier.get(model, {})
        spent[model] = {name: value - before.get(name, 0) for name, value in counters.items()}
        if min(spent[model].values()) < 0:
            raise BenchmarkError(f"the counters of {model!r} went back: the server was restarted; measure again")
    return spent


def split(counters: Counters) -> Json:
    """Milliseconds that a request of a model spent on average, and pictures per execution; None where it had none.

    Returns:
        ``answered``, ``failed``, ``batch``, and ``request_ms`` with its parts ``queue_ms`` and ``compute_ms``.
    """
    counted = defaultdict(float, counters)
    answered, batches = counted["request_success"], counted["exec_count"]
    spent_us = {name: sum(counted[f"{part}_duration_us"] for part in parts) for name, parts in _PARTS.items()}
    return {
        "answered": int(answered),
        "failed": int(counted["request_failure"]),
        "batch": round(counted["count"] / batches, 3) if batches else None,
        **{name: round(us / answered / 1000, 3) if answered else None for name, us in spent_us.items()},
    }
