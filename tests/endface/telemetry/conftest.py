"""Triton's side of the metrics, as a stage sees it; a request and a report."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from endface.report import Criteria, ImageInfo, Problem, Report

INVALID = Report(
    "invalid",
    ImageInfo("face.png", "9f"),
    Criteria("mm-pc", "", "", "", ""),
    "",
    error=Problem("defocus", "focus again"),
)
Series = tuple[str, tuple[tuple[str, str], ...]]


def request(**parameters: str) -> Any:
    """A request with parameters."""
    return SimpleNamespace(parameters=lambda: json.dumps(parameters), request_id=lambda: "r-1")


class Port:
    """What would stand on Triton's metrics port, and every change of it in its order."""

    def __init__(self) -> None:
        self.values: dict[Series, float] = {}
        self.kinds: dict[str, str] = {}
        self.changes: list[tuple[str, dict[str, str]]] = []
        self.failures: list[Exception] = []
        self.log: list[str] = []

    @property
    def pb_utils(self) -> Any:
        """As much of triton_python_backend_utils as metrics need."""
        port = self

        class Metric:
            def __init__(self, name: str, labels: dict[str, str]) -> None:
                self.name, self.labels = name, labels
                self.key = (name, tuple(labels.items()))
                port.values[self.key] = 0.0

            def increment(self, amount: float) -> None:
                if port.failures:
                    raise port.failures.pop()
                port.values[self.key] += amount
                port.changes.append((self.name, self.labels))

            def set(self, value: float) -> None:
                port.values[self.key] = value

        class MetricFamily:
            COUNTER, GAUGE = "counter", "gauge"

            def __init__(self, name: str, description: str, kind: str) -> None:
                assert name not in port.kinds, "a family is made once in a process"
                assert description
                self.name = name
                port.kinds[name] = kind

            def Metric(self, labels: dict[str, str]) -> Metric:  # noqa: N802 - Triton's name
                return Metric(self.name, labels)

        return SimpleNamespace(MetricFamily=MetricFamily, Logger=SimpleNamespace(log_error=self.log.append))

    def value(self, name: str, **labels: str) -> float:
        """The value of one series."""
        return self.values[name, tuple(labels.items())]

    def counted(self) -> dict[tuple[str, ...], float]:
        """Series that are not zero: the name and the labels' values."""
        return {(name, *(value for _, value in labels)): n for (name, labels), n in self.values.items() if n}


@pytest.fixture
def port() -> Port:
    """Triton's side."""
    return Port()
