"""The page's section on what the serving path costs."""

from __future__ import annotations

from itertools import pairwise

from benchmarks.common.origin import Json, origin_text
from endface_build.reports.markdown import table

_HEADS = ("served", "pictures/s", "of endface", "p99 ms", "server ms", "generator ms")


def text(record: Json) -> str:
    """The section in Markdown."""
    plan, rows = record["plan"], record["rows"]
    return f"""\
## The floor

{origin_text(record)}

What is left of the way from endface to a peer that does less: each line leaves out one thing more. All servers ran at
once, {plan["workers"]} processes a stage, and were asked in {plan["rounds"]} turns of {plan["seconds"]:g} s each by
{plan["users"]} stations with {record["pictures"]} pictures. Medians; "of endface" is against endface's turn of the same
round, with the quartiles. Server and generator are processor time of a picture.

{table(_HEADS, [_cells(row) for row in rows])}
{"".join(f"- {sentence}{chr(10)}" for sentence in _steps(rows))}"""


def _cells(row: Json) -> list[str]:
    ratio = row["of_endface"]
    return [
        row["title"],
        f"{row['images_per_s']:.1f}",
        f"{ratio['median']:.2f} ({ratio['q1']:.2f}, {ratio['q3']:.2f})",
        f"{row['p99_ms']:.0f}",
        f"{row['server_ms']:.1f}",
        f"{row['generator_ms']:.1f}",
    ]


_LEFT_OUT = {
    "bare-client": "endface's client checks the answer's digest, sends its deadline and a busy server's pictures again",
    "no-bounds": "a queue that is bounded by length and time",
    "three": "metrics, errors for each request, a log of inspections, marks of a hanging process, and the supervisor",
    "one": "the ensemble: two hops between processes",
}


def _steps(rows: list[Json]) -> list[str]:
    """What each thing that was left out costs: the throughput without it over that with it."""
    ratios = {row["name"]: row["of_endface"]["median"] for row in rows}
    names = list(ratios)
    return [
        f"{ratios[name] / ratios[before]:.2f}: {_LEFT_OUT[name]}."
        for before, name in pairwise(names)
        if name in _LEFT_OUT
    ]
