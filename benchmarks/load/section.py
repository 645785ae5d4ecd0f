"""The page's section on a server under load, and its plots: waiting against load, and where a picture's time goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes

from benchmarks.common.caveats import caveats
from benchmarks.common.cells import decimal
from benchmarks.common.origin import Json, origin_text
from benchmarks.common.plots import COLORS, PICTURES, add_legend, save_plot
from benchmarks.load.overload import AFTER_S
from benchmarks.stages.section import limit_text
from endface_build.reports.markdown import table

PLOTS: Final = {
    "load.png": "Throughput, p99 and the length of a turn against the number of stations",
    "stages.png": "Time in each stage against load",
}
"""File and alternative text of each plot."""


def text(record: Json) -> str:
    """The section in Markdown: figures of every shape, what speaks against them, and the limits."""
    return "\n".join((_load(record), _caveats(record), _limits_kept(record)))


def _load(record: Json) -> str:
    served, knee = record["served_over_limit"], record["knee"]
    reached = "not reached: the ramp must go further" if knee is None else f"{knee['users']} stations"
    text = f"## Under load\n\n{origin_text(record)}The server's engine: {record['served_by']}.\n"
    text += f"\n{limit_text(record['limit']['before'])}"
    text += f"\nAfter the load the limit was {record['limit']['after']['images_per_s']:.1f} pictures/s.\n"
    if served is not None:
        text += f"\nServed over limit: **{served:.3f}**. Knee: {reached}.\n"
    text += f"\nOne client at a time: {_one_client(record['one_client'])}.\n"
    for shape, phases in record["shapes"].items():
        text += f"\n### {shape}\n\n{table(_HEADS, [_row(phase) for phase in phases])}"
        if shape == "ramp":
            text += _fairness(record["fair"], phases)
        for phase in phases:
            if phase["connector"]:
                text += f"\n{phase['phase']}: a whole connector took {_milliseconds(phase['connector'])}.\n"
    if record["overload"] is not None:
        text += _overload(record["overload"])
    for name, alternative in PLOTS.items():
        if name in plots_of(record):
            text += f"\n![{alternative}]({PICTURES}/{name})\n"
    return text


_HEADS: Final = (
    "phase",
    "pictures/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "answered",
    "refused",
    "failed",
    "wrong",
    "server cores",
    "generator cores",
    "server MiB",
)


def _row(phase: Json) -> list[str]:
    counts = (str(phase[key]) for key in ("answered", "refused", "failed", "wrong_verdicts"))
    cores = (f"{phase['cores'][who]:.2f}" for who in ("server", "generator"))
    times = (decimal(phase[f"p{share}_ms"]) for share in (50, 95, 99))
    return [phase["phase"], f"{phase['images_per_s']:.1f}", *times, *counts, *cores, decimal(phase["server_mib"])]


def _fairness(shares: Sequence[Json], phases: Sequence[Json]) -> str:
    rows = [
        [
            share["phase"],
            str(phase["fewest"]),
            str(phase["most"]),
            decimal(share["most_over_fewest"], 2),
            decimal(share["p99_over_turn"], 2),
            f"{share['lost_share']:.3f}",
        ]
        for share, phase in zip(shares, phases, strict=True)
    ]
    heads = ["phase", "fewest of a station", "most", "most / fewest", "p99 in turns", "throughput lost"]
    return f"\nA turn is stations / throughput: one picture of every station.\n\n{table(heads, rows)}"


def _overload(found: Json) -> str:
    heads = ["", "asked/s", "answered", "p50 ms", "p99 ms", "refused", "p99 of refusals, ms", "failed"]
    rows = [
        [
            row["phase"],
            f"{row['sent'] / row['seconds']:.1f}",
            str(row["answered"]),
            decimal(row["p50_ms"]),
            decimal(row["p99_ms"]),
            str(row["refused"]),
            decimal(row["refusal_p99_ms"]),
            str(row["failed"]),
        ]
        for row in found["rows"]
    ]
    seconds = found["normal_again_s"]
    again = f"not within {AFTER_S} s" if seconds is None else f"**{seconds:.0f} s** after it"
    return (
        f"\n### overload\n\nAn open stream, first at half of the capacity of {found['capacity']:.1f} pictures/s, then "
        f"at twice the capacity, then at half of it again; each picture is sent once.\n\n{table(heads, rows)}\n"
        f"Answered under overload: {found['served_per_s']:.1f} pictures/s, "
        f"**{1 - found['unserved_share']:.2f}** of the capacity. As before the overload: {again}.\n"
    )


def _caveats(record: Json) -> str:
    found = caveats(record)
    both = record["generators"]
    text = "### Caveats\n\n"
    if both is not None and both["agree"]:
        text += (
            f"At {both['users']} stations Locust got {both['locust_images_per_s']:.1f} pictures/s and an asyncio loop "
            f"{both['second_images_per_s']:.1f}, a ratio of {both['locust_over_second']:.3f}.\n\n"
        )
    return text + (
        "".join(f"- **{caveat}**\n" for caveat in found) or "Nothing was noticed that speaks against this.\n"
    )


def _limits_kept(record: Json) -> str:
    broken = [check for check in record["checks"] if not check["kept"]]
    text = f"### Limits\n\n{len(record['checks'])} limits of `slo.toml`, {len(broken)} not kept.\n"
    rows = [
        [f"{check['shape']}, {check['phase']}", check["what"], f"{check['limit']:g}", _found(check["found"])]
        for check in broken
    ]
    return f"{text}\n{table(['phase', 'what', 'limit', 'found'], rows)}" if rows else text


def _one_client(figures: Json) -> str:
    return (
        f"{_milliseconds(figures)}; the same pictures in turns without a server: p50 {figures['alone_p50_ms']:.1f} ms. "
        f"Serving adds {figures['overhead_ms']:.1f} ms to a picture (median)"
    )


def _found(value: float | None) -> str:
    return "nothing" if value is None else f"{value:g}"


def _milliseconds(figures: Json) -> str:
    return f"p50 {decimal(figures['p50_ms'])} ms, p99 {decimal(figures['p99_ms'])} ms"


def plots_of(record: Json) -> dict[str, Callable[[Axes], None]]:
    """The plots that a record has the figures for, by file name: both need a ramp, the second the server's split."""
    ramp = record["shapes"].get("ramp", [])
    split = [phase for phase in ramp if phase["split_ms"]]
    plots = {"load.png": (partial(_throughput, ramp=ramp, record=record), ramp)}
    plots["stages.png"] = (partial(_stages, ramp=split), split)
    return {name: draw for name, (draw, figures) in plots.items() if figures}


def plot(record: Json, folder: Path) -> None:
    """Draw the plots of a record."""
    for name, draw in plots_of(record).items():
        save_plot(folder / name, draw)


def _throughput(axes: Axes, ramp: Sequence[Json], record: Json) -> None:
    users = [phase["users"] for phase in ramp]
    limit = max(each["images_per_s"] for each in record["limit"].values())
    axes.axhline(limit, color="0.6", linestyle="--", label="limit without a server")
    axes.plot(users, [phase["images_per_s"] for phase in ramp], marker="o", color=COLORS[0], label="served")
    axes.set_xscale("log", base=2)
    axes.set_xticks(users, [str(count) for count in users])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("stations, each with one picture under way")
    axes.set_ylabel("pictures a second")
    waiting = axes.twinx()
    shown = [(phase["users"], phase["p99_ms"]) for phase in ramp if phase["p99_ms"] is not None]
    if shown:
        waiting.plot(*zip(*shown, strict=True), marker="s", color=COLORS[2], label="p99")
    turns = [(phase["users"], 1000 * phase["users"] / phase["images_per_s"]) for phase in ramp if phase["images_per_s"]]
    if turns:
        waiting.plot(*zip(*turns, strict=True), linestyle=":", color=COLORS[2], label="a turn")
    waiting.set_ylim(bottom=0)
    waiting.set_ylabel("ms")
    add_legend(axes, waiting, loc="lower right", bbox_to_anchor=(1, 1), ncols=4)


def _stages(axes: Axes, ramp: Sequence[Json]) -> None:
    places = range(len(ramp))
    bottom = [0.0] * len(ramp)
    for name, color in zip(ramp[0]["split_ms"], COLORS, strict=True):
        heights = [phase["split_ms"][name] for phase in ramp]
        axes.bar(places, heights, bottom=bottom, color=color, label=name)
        bottom = [base + height for base, height in zip(bottom, heights, strict=True)]
    axes.set_xticks(places, [str(phase["users"]) for phase in ramp])
    axes.set_xlabel("stations, each with one picture under way")
    axes.set_ylabel("ms of an answered picture, on average")
    # Beside the bars and in their order.
    axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5), reverse=True)
