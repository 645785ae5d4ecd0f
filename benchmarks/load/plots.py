"""The plots of a load: throughput and waiting against it, and where an answered picture's time goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes

from benchmarks.common.origin import Json
from benchmarks.common.plots import COLORS, save_plot

PLOTS: Final = {
    "load.png": "Throughput and p99 against load",
    "stages.png": "Time in each stage against load",
}
"""File and alternative text of each plot."""


def plots_of(record: Json) -> dict[str, Callable[[Axes], None]]:
    """The plots that a record has the figures for, by file name: both need a ramp, the second the server's split."""
    ramp = record["shapes"].get("ramp", [])
    split = [phase for phase in ramp if phase["split_ms"]]
    plots = {"load.png": (partial(_throughput, ramp=ramp, record=record), ramp)}
    plots["stages.png"] = (partial(_stages, ramp=split), split)
    return {name: draw for name, (draw, figures) in plots.items() if figures}


def plot(record: Json, folder: Path) -> None:
    """Draw the plots of a record.

    Args:
        record: what ``load.measure`` measured.
        folder: where the pictures go.
    """
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
    waiting.set_ylim(bottom=0)
    waiting.set_ylabel("p99 in ms")
    handles = [*axes.get_legend_handles_labels()[0], *waiting.get_legend_handles_labels()[0]]
    axes.legend(handles=handles, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)


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
