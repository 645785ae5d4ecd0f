"""The measurement under load, from the limit without a server to the judgement: one run, one machine, one record.

limit -> ramp -> knee -> takt, burst, soak at that knee -> a second load generator -> overload -> the limit again
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from benchmarks.common import asyncio_load
from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import Work, fastest, limit
from benchmarks.common.origin import Json
from benchmarks.common.overhead import one_client
from benchmarks.common.pictures import Picture
from benchmarks.common.study import Progress
from benchmarks.common.target import LoadTarget, warm_up
from benchmarks.load import overload, run_locust
from benchmarks.load.fairness import fairness
from benchmarks.load.figures import bottleneck
from benchmarks.load.knee import knee
from benchmarks.load.shapes import OVERLOAD, SHAPES, ProductionLine, phases
from benchmarks.load.slo import FAIR, AnyLimits, LimitCheck, judge, read_limits

AGREEMENT: Final = 0.05
"""The two generators agree where their throughputs differ by no more than this share."""


RunShape = Callable[[str, ProductionLine], list[Json]]
"""Puts a load shape of a line on a server; gives the figures of its phases."""


@dataclass(frozen=True)
class LoadPlan:
    """Extent of the measurement under load.

    Attributes:
        line: The production line.
        shapes: Load shapes; without ``ramp`` the line's own knee is taken.
        limit_s: How long each way to the limit is counted, before and after the load.
        processes: Processes of Locust.
        limits: What must be kept.

    Raises:
        BenchmarkError: there is no such shape.
        ConfigurationError: a shape has no limits.
    """

    line: ProductionLine = field(default_factory=ProductionLine)
    shapes: Sequence[str] = SHAPES
    limit_s: float = 5.0
    processes: int = 1
    limits: Mapping[str, AnyLimits] = field(default_factory=read_limits)

    def __post_init__(self) -> None:
        for shape in self.shapes:
            phases(shape, self.line)  # an unknown one is refused before an hour of measuring
        judge(self.limits, {shape: [] for shape in (*self.shapes, *([FAIR] if "ramp" in self.shapes else []))})


def measure(target: LoadTarget, work: Work, plan: LoadPlan, *, out: Path, progress: Progress) -> Json:
    """Measure a running server, and hold it against the plan's limits.

    Returns:
        The record; a shape that could not be measured is among ``failed`` with what went wrong.
    """
    served_by = warm_up(target, work)
    record: Json = {"plan": asdict(plan), "pictures": _described(work.pictures), "served_by": served_by}
    progress("the limit without a server")
    before = limit(work, seconds=plan.limit_s)
    progress("one client")
    one = one_client(target.server, work, seconds=plan.line.seconds)

    def run(shape: str, line: ProductionLine) -> list[Json]:
        return run_locust.run(shape, line, target, out / shape, processes=plan.processes)

    shapes, failed = measure_shapes(plan, run, progress)
    ramp = shapes.get("ramp", [])
    users = _users(ramp, plan.line)
    progress("a second load generator")
    second = asyncio_load.run(
        target.server, work.pictures, target.profile, asyncio_load.Span(users, plan.line.seconds, plan.line.settle_s)
    )
    if OVERLOAD in plan.shapes:
        progress(OVERLOAD)
        capacity = max(second["images_per_s"], *(phase["images_per_s"] for phase in ramp), 1.0)
        overloaded = overload.measure(target, work.pictures, capacity, plan.line.seconds)
    else:
        overloaded = None
    progress("the limit again")
    after = limit(work, seconds=plan.limit_s, ways=[fastest(before)])
    record |= {
        "limit": {"before": before, "after": after},
        "one_client": one,
        "shapes": shapes,
        "failed": failed,
        "fair": fairness(ramp),
        "overload": overloaded,
        "knee": knee(ramp),
        "second_generator": second,
        "generators": compare(ramp, second),
        "generator_busy": bottleneck([phase for each in shapes.values() for phase in each], plan.processes),
        "served_over_limit": served_over_limit(ramp, before, after),
    }
    return record | {"checks": [check.to_json() for check in checks_of(record, plan.limits)]}


def checks_of(record: Json, limits: Mapping[str, AnyLimits]) -> list[LimitCheck]:
    """Hold a record against limits: its shapes, the fairness of its ramp, and its overload."""
    found = {FAIR: record["fair"], OVERLOAD: [record["overload"]] if record["overload"] else []}
    return judge(limits, record["shapes"] | {name: rows for name, rows in found.items() if rows})


def served_over_limit(ramp: Sequence[Json], *limits: Json) -> float | None:
    """The highest throughput served, as a share of the highest that any way without a server reached.

    Returns:
        The share; None without a ramp.
    """
    highest = max((phase["images_per_s"] for phase in ramp), default=None)
    return None if highest is None else round(highest / max(each["images_per_s"] for each in limits), 3)


def compare(ramp: Sequence[Json], second: Json) -> Json | None:
    """Locust beside the second generator at the same number of stations; None where the ramp has no such phase.

    Returns:
        ``locust_over_second``, the ratio of throughputs, and ``agree``.
    """
    same = next((phase for phase in ramp if phase["users"] == second["users"]), None)
    if same is None or not second["images_per_s"]:
        return None
    ratio = same["images_per_s"] / second["images_per_s"]
    return {
        "users": second["users"],
        "locust_images_per_s": same["images_per_s"],
        "second_images_per_s": second["images_per_s"],
        "locust_over_second": round(ratio, 3),
        "agree": abs(ratio - 1) <= AGREEMENT,
    }


def measure_shapes(
    plan: LoadPlan, run: RunShape, progress: Progress
) -> tuple[dict[str, list[Json]], list[dict[str, str]]]:
    """Figures of every shape of Locust's that could be measured, and what went wrong with the others."""
    shapes: dict[str, list[Json]] = {}
    failed = []
    asked = [shape for shape in plan.shapes if shape != OVERLOAD]
    for shape in sorted(asked, key=lambda name: name != "ramp"):  # the others take their size from the knee
        progress(shape)
        try:
            shapes[shape] = run(shape, replace(plan.line, knee=_users(shapes.get("ramp", []), plan.line)))
        except BenchmarkError as exc:  # it is said in the record, and what the other shapes give is kept
            failed.append({"shape": shape, "error": str(exc)})
    return shapes, failed


def _users(ramp: Sequence[Json], line: ProductionLine) -> int:
    """Stations for what follows the ramp: its knee, or the line's own where none was found."""
    found = knee(ramp)
    return int(found["users"]) if found else line.knee


def _described(pictures: Sequence[Picture]) -> Json:
    """How many pictures of each size and verdict."""
    described: Json = {"count": len(pictures), "sizes": {}, "verdicts": {}}
    for picture in pictures:
        for key, value in (("sizes", picture.size), ("verdicts", picture.verdict)):
            described[key][value] = described[key].get(value, 0) + 1
    return described
