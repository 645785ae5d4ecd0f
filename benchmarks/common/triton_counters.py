"""The server's own account of its time: Triton's nv_inference_* counters, from its metrics port."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final, Self

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import Json

_ANSWER_S: Final = 10

_FIELDS: Final = {
    "nv_inference_request_success": "answered",
    "nv_inference_request_failure": "failed",
    "nv_inference_count": "pictures",
    "nv_inference_exec_count": "batches",
    "nv_inference_request_duration_us": "request_us",
    "nv_inference_queue_duration_us": "queue_us",
    "nv_inference_compute_input_duration_us": "input_us",
    "nv_inference_compute_infer_duration_us": "infer_us",
    "nv_inference_compute_output_duration_us": "output_us",
}
"""Triton's names (its documentation, "Metrics") and ours."""


@dataclass(frozen=True)
class Counters:
    """What a model did, all versions together; durations are sums over its requests, in microseconds.

    Attributes:
        answered: Requests that got an answer.
        failed: Requests that got an error, for whatever reason.
        pictures: Pictures in them.
        batches: Executions of the model.
        request_us: From a request's arrival to its answer.
        queue_us: Waiting for an instance.
        input_us: Gathering inputs.
        infer_us: In the model; each request of a batch counts the whole batch.
        output_us: Handing outputs on.
    """

    answered: float = 0
    failed: float = 0
    pictures: float = 0
    batches: float = 0
    request_us: float = 0
    queue_us: float = 0
    input_us: float = 0
    infer_us: float = 0
    output_us: float = 0

    def __sub__(self, earlier: Self) -> Self:
        return type(self)(*(getattr(self, each.name) - getattr(earlier, each.name) for each in fields(self)))


def read(text: str) -> dict[str, Counters]:
    """Counters by model, from what the metrics port says.

    Raises:
        BenchmarkError: it says nothing about models.
    """
    sums: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        name = _FIELDS.get(family.name)
        for sample in family.samples if name else ():
            model = sums.setdefault(sample.labels["model"], {})
            model[str(name)] = model.get(str(name), 0) + sample.value  # over versions and reasons
    if not sums:
        raise BenchmarkError("the metrics hold no nv_inference_* counters; name the metrics port of a Triton server")
    return {model: Counters(**values) for model, values in sums.items()}


def scrape(address: str) -> dict[str, Counters]:
    """Counters by model, now.

    Args:
        address: ``host:port`` of the server's metrics.

    Raises:
        BenchmarkError: nobody answers there, or it is no Triton.
    """
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=_ANSWER_S) as answer:
            return read(answer.read().decode())
    except OSError as exc:
        raise BenchmarkError(f"no metrics at {address} ({exc}); name the server's metrics port") from exc


def since(earlier: Mapping[str, Counters], now: Mapping[str, Counters]) -> dict[str, Counters]:
    """What each model did between two looks.

    Raises:
        BenchmarkError: a counter went back.
    """
    spent = {model: counters - earlier.get(model, Counters()) for model, counters in now.items()}
    for model, counters in spent.items():
        if min(getattr(counters, each.name) for each in fields(counters)) < 0:
            raise BenchmarkError(f"the counters of {model!r} went back: the server was restarted; measure again")
    return spent


def split(counters: Counters) -> Json:
    """Milliseconds that a request of a model spent on average, and pictures per execution; None where it had none.

    Returns:
        ``answered``, ``failed``, ``batch``, and ``request_ms`` with its parts ``queue_ms`` and ``compute_ms``.
    """
    compute_us = counters.input_us + counters.infer_us + counters.output_us
    spent_us = {"request_ms": counters.request_us, "queue_ms": counters.queue_us, "compute_ms": compute_us}
    answered, batches = counters.answered, counters.batches
    return {
        "answered": int(answered),
        "failed": int(counters.failed),
        "batch": round(counters.pictures / batches, 3) if batches else None,
        **{name: round(us / answered / 1000, 3) if answered else None for name, us in spent_us.items()},
    }
