"""The order and the moments of a soak's faults."""

from __future__ import annotations

from collections import Counter

from benchmarks.studies.faults.causes import ITSELF
from benchmarks.studies.soak.faults import schedule
from benchmarks.studies.soak.measure import SoakPlan


def test_every_fault_in_turns_between_two_calm_stretches() -> None:
    """The same seed gives the same plan; machines take turns."""
    planned = schedule(22, 50_000, 2, calm=0.15, seed=1)

    assert Counter(each.fault.name for each in planned) == {fault.name: 2 for fault in ITSELF}
    assert [each.machine for each in planned] == [0, 1] * 11
    assert planned == schedule(22, 50_000, 2, calm=0.15, seed=1)
    assert planned != schedule(22, 50_000, 2, calm=0.15, seed=2)
    at_parts = [each.at_part for each in planned]
    assert at_parts == sorted(at_parts)
    assert at_parts[0] >= 7_500
    assert at_parts[-1] <= 42_500


def test_no_server_is_given_up() -> None:
    """Triton is never started again more than five times within five minutes, after which nobody would try again."""
    plan = SoakPlan()
    planned = schedule(plan.kills, plan.parts, plan.machines, plan.calm, plan.seed)
    restarts = [each.at_part for each in planned if each.fault.name.startswith("Triton")]

    assert len(restarts) <= 5


def test_calm_shift() -> None:
    """None at all is possible, too."""
    assert schedule(0, 100, 1, calm=0.15, seed=1) == []
