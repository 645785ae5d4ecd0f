"""The page's section on the study: what came of each arrangement, and what that says to users of Triton."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from matplotlib.axes import Axes

from benchmarks.common.doubts import OTHERS
from benchmarks.common.origin import Json, origin_text
from benchmarks.common.plots import COLORS, PICTURES, save_plot
from benchmarks.studies.breakeven import figures
from benchmarks.studies.breakeven.answers import answers
from benchmarks.studies.breakeven.arrangements import ARRANGEMENTS, ENSEMBLE, Arrangement
from endface_build.reports.markdown import table

_PLOT: Final = "breakeven.png"
_KIB: Final = 1024


def text(record: Json) -> str:
    """The section in Markdown."""
    plan = record["plan"]
    rows = [_row(record, arrangement) for arrangement in ARRANGEMENTS]
    doubts = _doubts(record)
    return f"""\
## Where pre- and post-processing belong

{origin_text(record)}
The same network file, stages and {record["pictures"]} pictures in every arrangement, on one Triton, all in turns,
in {plan["rounds"]} rounds. Figures are medians over the rounds, in brackets the lowest and highest. Throughput is
that of {plan["stations"]} stations on the same machine; all else is one station's, and processor time is a picture's.

{table(_HEADS, rows)}
![Processor time and bytes of a picture]({PICTURES}/{_PLOT})

{"".join(f"- {each}{chr(10)}" for each in answers(record))}{doubts}"""


def plot(record: Json, folder: Path) -> None:
    """Draw processor time of client and server, and the bytes between them.

    Args:
        record: what ``measure.measure`` gave.
        folder: where the plot goes.
    """
    save_plot(folder / _PLOT, lambda axes: _bars(axes, record))


_HEADS: Final = (
    "arrangement",
    "pictures/s",
    "over ensemble",
    "p50 ms",
    "p99 ms",
    "over no server ms",
    "client ms",
    "server ms",
    "KiB sent",
    "KiB back",
    "KiB shared",
    "wrong",
)


def _row(record: Json, arrangement: Arrangement) -> list[str]:
    one = figures.phases(record, arrangement, 1)
    many = figures.phases(record, arrangement, record["plan"]["stations"])
    ratio = figures.throughput_ratio(record, arrangement, ENSEMBLE)
    times = (figures.median(one, key) for key in ("p50_ms", "p99_ms"))
    processor = (figures.median(one, key) for key in ("client_ms", "server_ms"))
    sizes = (figures.median(one, key) for key in ("sent", "received", "shared"))
    return [
        arrangement.name,
        _decimal(figures.median(many, "images_per_s")),
        "-" if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f}, {ratio.high:.2f})",
        *map(_decimal, times),
        _decimal(figures.over_alone_ms(record, arrangement)),
        *map(_decimal, processor),
        *("-" if size is None else f"{size / _KIB:.0f}" for size in sizes),
        str(sum(row["wrong_verdicts"] for row in one + many)),
    ]


def _doubts(record: Json) -> str:
    others = max(row["other_cores"] for rows in record["rounds"] for row in rows)
    if others <= OTHERS:
        return ""
    return f"\n**The machine was not ours alone: something else kept up to {others:.1f} cores busy.**\n"


def _bars(axes: Axes, record: Json) -> None:
    places = range(len(ARRANGEMENTS))
    rows = [figures.phases(record, each, 1) for each in ARRANGEMENTS]
    client, server = ([figures.median(row, key) or 0.0 for row in rows] for key in ("client_ms", "server_ms"))
    axes.barh(places, client, color=COLORS[1], label="client")
    axes.barh(places, server, left=client, color=COLORS[0], label="server")
    axes.set_yticks(places, [each.name for each in ARRANGEMENTS])
    axes.invert_yaxis()
    axes.set_xlabel("processor time of a picture in ms")
    wire = axes.twiny()
    kib = [sum(figures.median(row, key) or 0 for key in ("sent", "received")) / _KIB for row in rows]
    wire.plot(kib, places, linestyle="", marker="D", color=COLORS[2], label="KiB through gRPC")
    wire.set_xlim(left=0)
    wire.set_xlabel("KiB through gRPC, sent and back")
    wire.spines["top"].set_visible(True)
    handles = [*axes.get_legend_handles_labels()[0], *wire.get_legend_handles_labels()[0]]
    axes.legend(handles=handles, frameon=False, loc="upper center", bbox_to_anchor=(0.2, -0.15), ncols=3)


def _decimal(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
