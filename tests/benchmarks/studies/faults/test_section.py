"""The section on faults from a record made by hand."""

from __future__ import annotations

from benchmarks.common.origin import Json
from benchmarks.studies.faults import section


def attempt(noticed_ms: int | None, serving_ms: int | None, action: str | None, *, lost: int = 0) -> Json:
    """One try."""
    times = {"noticed_ms": noticed_ms, "serving_ms": serving_ms, "action": action}
    return times | {"calls": 100, "repeated": 2, "lost": lost, "wrong_verdicts": 0, "slowest_ms": 900, "silence_ms": 80}


def test_median_and_worst_of_each_fault(origin: Json) -> None:
    """Times of all tries, counts added up, and who repaired it."""
    tries = [
        attempt(100, 900, "reload"),
        attempt(120, 1000, "reload", lost=1),
        attempt(110, 4000, "restart"),
    ]
    faults = [
        {"fault": "a stub is killed", "healer": "itself", "tries": tries},
        {"fault": "a machine is killed", "healer": "fleet", "tries": [attempt(None, None, None)]},
    ]

    text = section.text(origin | {"plan": {"repeats": 3, "stations": 4}, "faults": faults})

    own, fleet = text.splitlines()[-2:]
    assert text.startswith("## Faults\n\nMeasured on 2026-11-22")
    assert "Each fault 3 times, on another server each time, while 4 stations" in text
    times = "110 (120) | 1000 (4000) | 80 (80) | 900 (900)"
    assert own == f"| a stub is killed | reload or restart | {times} | 300 | 6 | 1 | 0 |"
    assert fleet == "| a machine is killed | the other machine | - | - | 80 (80) | 900 (900) | 100 | 2 | 0 | 0 |"


def test_fault_that_is_not_repaired(origin: Json) -> None:
    """It is said in how many tries; a repair whose log nobody could read is one all the same."""
    tries = [attempt(None, None, None, lost=7) | {"goes_on": goes_on} for goes_on in (True, False)]
    faults = [{"fault": "log full", "healer": "itself", "tries": tries}]

    text = section.text(origin | {"plan": {"repeats": 2, "stations": 4}, "faults": faults})

    assert "| log full | itself, unheard, **not in 1 of 2** | - | - | 80 (80) | 900 (900) | 200 | 4 | 14 | 0 |" in text
