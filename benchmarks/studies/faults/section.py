"""The page's section of faults: times to repair and lost calls, from a record of ``measure.measure``."""

from __future__ import annotations

from benchmarks.common.cells import median_and_worst
from benchmarks.common.origin import Json, origin_text
from endface_build.reports.markdown import table

_HEADS = (
    "fault",
    "repaired by",
    "noticed ms",
    "serving again ms",
    "longest silence ms",
    "slowest call ms",
    "calls",
    "again",
    "lost",
    "wrong",
)
_HEALERS = {"container": "a new start", "fleet": "the other machine", "nobody": "nobody had to"}


def text(record: Json) -> str:
    """The section in Markdown."""
    plan = record["plan"]
    return f"""\
## Faults

{origin_text(record)}
Each fault {plan["repeats"]} times, on another server each time, while {plan["stations"]} stations inspect without a
pause with a client's defaults. Times are counted from the fault: median, and the worst in brackets. "Serving again" is
the server's own word, after an inspection of its own; "silence" is the longest time in which no station got a report;
"lost" are calls that ended without one, "again" those that the client sent more than once.

{table(_HEADS, [_row(fault) for fault in record["faults"]])}"""


def _row(fault: Json) -> list[str]:
    tries = fault["tries"]
    actions = sorted({each["action"] for each in tries if each["action"]})
    healer = " or ".join(actions) or _HEALERS.get(fault["healer"], "itself, unheard")
    if ended := sum(not each.get("goes_on", True) for each in tries):
        healer += f", **not in {ended} of {len(tries)}**"
    times = (median_and_worst(tries, key) for key in ("noticed_ms", "serving_ms", "silence_ms", "slowest_ms"))
    counts = (str(sum(each[key] for each in tries)) for key in ("calls", "repeated", "lost", "wrong_verdicts"))
    return [fault["fault"], healer, *times, *counts]
