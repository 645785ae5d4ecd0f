"""The page's section of the soak, from a record of ``measure.measure``: totals, repairs, what was held, and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from benchmarks.common.cells import decimal, median_and_worst
from benchmarks.common.origin import Json, origin_text
from benchmarks.common.plots import COLORS, PICTURES, add_legend, save_plot
from benchmarks.studies.line.series import split
from benchmarks.studies.soak.steady import MOST_FILES, MOST_KIB
from endface_build.reports.markdown import table

PLOT: Final = "soak.png"

_MEAN_S: Final = 10
"""The plot shows throughput as a mean over so many seconds."""

_WHO: Final = {
    "server": "Triton and its stages",
    "shared": "the same, /dev/shm",
    "supervisor": "`endface serve`",
    "sync": "sync clients",
    "async": "async client",
}


def text(record: Json) -> str:
    """The section in Markdown."""
    plan, figures = record["plan"], record["figures"]
    p50, p99, slowest = (decimal(figures[key]) for key in ("p50_ms", "p99_ms", "slowest_ms"))
    servers = "one server" if plan["machines"] == 1 else f"{plan['machines']} servers"
    wrong = figures["lost"] + figures["crossed"] + figures["twice"]
    steady = [line["is_steady"] for line in record["trends"]]
    flat = "too short to say" if not steady else "flat" if all(steady) else "**not flat**"
    examples = "\n" + "".join(f"- {each[:200]}\n" for each in figures["examples"]) if wrong else ""
    return f"""\
## Soak

{origin_text(record)}
**{figures["right"]} of {figures["parts"]} pictures** got the right report from {servers} that fell ill
{len(record["repairs"])} times: {figures["lost"]} lost, {figures["crossed"]} crossed, {figures["twice"]} judged twice.
Memory: {flat}. {plan["stations"]} stations with sync clients and {plan["stations"]} with an async one worked without a
pause for {figures["seconds"] / 60:.1f} minutes, with a client's defaults, and presented nothing again themselves. Each
picture had a serial number and bytes of its own; a report is right if it echoes both and finds exactly what the same
stages find in one process. {figures["repeated"]} pictures were sent again by their client,
{figures["most_attempts"]} times at most. {figures["images_per_s"]:.1f} pictures/s over all, p50
{p50} ms, p99 {p99} ms, the slowest {slowest} ms. Repairs of
what nobody had broken: {record["unasked_repairs"]}. Left behind in the end: {len(record["left_over"])} files.
{examples}
![Throughput and memory over the shift, with the faults]({PICTURES}/{PLOT})

### Repairs

{table(_REPAIR_HEADS, _repairs(record["repairs"]))}
### What was held

Robust lines (median of all slopes between two looks) through private memory, /dev/shm and open files: of the server in
each of its long lives, from two thousand pictures after its beginning; of the others over the whole shift. Flat means
less than {MOST_KIB:g} KiB a picture, and {MOST_FILES:g} files in all.

{table(_TREND_HEADS, [_trend(line) for line in record["trends"]])}"""


def plot(record: Json, folder: Path) -> None:
    """Draw the section's plot into a folder."""
    save_plot(folder / PLOT, lambda axes: _draw(axes, record))


_REPAIR_HEADS: Final = ("fault", "times", "repaired by", "noticed ms", "serving again ms")
_TREND_HEADS: Final = ("of", "what", "from s", "to s", "median", "an hour", "rise", "allowed", "flat")


def _repairs(repairs: Sequence[Json]) -> list[list[str]]:
    rows = []
    for name in sorted({each["fault"] for each in repairs}):
        same = [each for each in repairs if each["fault"] == name]
        actions = " or ".join(sorted({each["action"] for each in same}))
        rows.append(
            [
                name,
                str(len(same)),
                actions,
                *(median_and_worst(same, key) for key in ("noticed_ms", "serving_ms")),
            ]
        )
    return rows


def _trend(line: Json) -> list[str]:
    who, what = line["column"].split("_")
    unit = "MiB" if what == "mib" else "open files"
    numbers = (f"{line[key]:.1f}" for key in ("median", "per_hour", "rise", "limit"))
    return [
        _WHO[who],
        unit,
        f"{line['began_s']:.0f}",
        f"{line['ended_s']:.0f}",
        *numbers,
        "yes" if line["is_steady"] else "**no**",
    ]


def _draw(axes: Axes, record: Json) -> None:
    reports = np.asarray(split(record["by_second"]["reports"]))
    gauge = {name: split(line) for name, line in record["gauge"].items()}
    means = reports[: len(reports) // _MEAN_S * _MEAN_S].reshape(-1, _MEAN_S).mean(axis=1)
    minutes = (np.arange(len(means)) + 0.5) * _MEAN_S / 60
    for each in record["repairs"]:
        axes.axvline(each["at_s"] / 60, color=COLORS[7], linewidth=0.8, zorder=0)
    axes.plot(minutes, means, color=COLORS[0], label="pictures/s")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("minutes; a gray line is a fault")
    axes.set_ylabel(f"pictures a second, mean of {_MEAN_S} s")
    memory = axes.twinx()
    looked = np.asarray(gauge["at_s"]) / 60
    server = np.add(gauge["server_mib"], gauge["shared_mib"])
    memory.plot(looked, server, color=COLORS[2], label="server MiB")
    clients = np.add(gauge["sync_mib"], gauge["async_mib"])
    memory.plot(looked, clients, color=COLORS[4], label="clients MiB")
    memory.set_ylim(bottom=0)
    memory.set_ylabel("MiB")
    add_legend(axes, memory, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
