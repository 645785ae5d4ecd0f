"""The section on the soak from a record made by hand."""

from __future__ import annotations

import pytest

from benchmarks.common.origin import Json
from benchmarks.studies.soak import section


@pytest.fixture
def record(origin: Json) -> Json:
    """A record in which one picture was lost and the server's memory rose."""
    figures = {"parts": 9, "right": 8, "lost": 1, "crossed": 0, "twice": 0, "repeated": 3, "most_attempts": 4}
    figures |= {"seconds": 120.0, "images_per_s": 0.1, "p50_ms": 20.0, "p99_ms": 90.0, "slowest_ms": 900.0}
    repair = {"fault": "Triton is killed", "machine": 0, "at_s": 60.0, "action": "restart"}
    trend = {"column": "server_mib", "began_s": 30.0, "ended_s": 120.0, "median": 500.0, "per_hour": 400.0}
    return origin | {
        "plan": {"parts": 9, "kills": 2, "machines": 2, "stations": 3, "calm": 0.15, "seed": 1},
        "figures": figures | {"examples": ["7: server_unavailable: nobody there"]},
        "repairs": [repair | {"noticed_ms": 80, "serving_ms": ms} for ms in (3000, 4000)],
        "unasked_repairs": 0,
        "trends": [trend | {"rise": 10.0, "limit": 2.0, "is_steady": False}],
        "left_over": [],
    }


def test_what_went_wrong_is_said(record: Json) -> None:
    """Losses in words, repairs by fault with median and worst, and what rose."""
    text = section.text(record)

    assert "**8 of 9 pictures** got the right report from 2 servers that fell ill\n2 times: 1 lost, 0 crossed" in text
    assert "Memory: **not flat**." in text
    assert "- 7: server_unavailable: nobody there" in text
    assert "| Triton is killed | 2 | restart | 80 (80) | 3500 (4000) |" in text
    assert "| Triton and its stages | MiB | 30 | 120 | 500.0 | 400.0 | 10.0 | 2.0 | **no** |" in text


def test_short_shift_says_nothing_of_memory(record: Json) -> None:
    """No line, no claim."""
    assert "Memory: too short to say." in section.text(record | {"trends": []})
