"""The page's section of scaling: points as tables and plots, from a record of ``measure.measure``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import Final

from matplotlib.axes import Axes

from benchmarks.common.origin import Json, origin_text
from benchmarks.common.plots import COLORS, PICTURES, save_plot
from benchmarks.studies.scaling.instances import STAGES
from endface import contract
from endface_build.reports.markdown import table

DRIFT: Final = 0.05
"""Share by which the same point may differ from itself at the beginning and at the end."""

PLOT: Final = "scaling.png"

_LINE: Final = 120


def text(record: Json) -> str:
    """The section in Markdown."""
    plan, pictures, own = record["plan"], record["pictures"], record["instances"][0]["name"]
    doubts = "".join(f"- **{doubt}**\n" for doubt in _doubts(record))
    names = "`, `".join(stage.name for stage in STAGES)
    how = f"""{plan["stations"]} stations without a pause, {plan["seconds"]:g} s a point; {pictures["count"]} pictures
        of {pictures["picture_bytes"] / 1000:.0f} kB on average. What it means for a line:
        [docs/scaling.md](../docs/scaling.md)."""
    what = f"""Processes of `{names}`; the repository's own are {own}. Queues are the mean waiting of a picture for a
        stage; the generator shares the cores with the server."""
    parts = [
        f"## Scaling\n\n{origin_text(record)}",
        paragraph(how),
        f"### Instances\n\n{paragraph(what)}\n{points_table(record['instances'])}",
        f"""\
### Cores

The server was confined to so many cores; the limit without a server was taken on the same ones.

{cores_table(record["cores"])}
![Pictures a second against cores]({PICTURES}/{PLOT})
""",
        f"### Two servers\n\n{two_servers(record)}",
        doubts,
    ]
    return "\n".join(part for part in parts if part)


def plot(record: Json, folder: Path) -> None:
    """Draw throughput against cores."""
    save_plot(folder / PLOT, lambda axes: _cores(axes, record["cores"]))


def points_table(points: list[Json]) -> str:
    """Points against instances."""
    queues = [f"{stage.name} queue ms" for stage in STAGES]
    heads = ["instances", "pictures/s", "p50 ms", "p99 ms", *queues, "generator cores", "server MiB", "failed", "wrong"]
    return table(heads, [_row(point) for point in points])


def cores_table(rows: list[Json]) -> str:
    """Points against cores, each beside the limit."""
    heads = ["cores", "instances", "limit, pictures/s", "served, pictures/s", "share", "generator", "generator cores"]
    cells = [
        [
            str(row["server_on"]),
            row["name"],
            f"{row['limit']['images_per_s']:.1f}",
            f"{row['images_per_s']:.1f}",
            f"{row['images_per_s'] / row['limit']['images_per_s']:.3f}",
            "on another core" if row["generator_apart"] else "on the same cores",
            f"{row['generator_cores']:.2f}",
        ]
        for row in rows
    ]
    return table(heads, cells)


def two_servers(record: Json) -> str:
    """Two servers of half the instances beside one of all of them."""
    both, one = record["two_servers"], record["cores"][-1]  # the point before it: the machine was most alike then
    calls = [server[contract.ENSEMBLE.name]["answered"] for server in both["servers"]]
    shares = " and ".join(f"{count / sum(calls):.3f}" for count in calls)
    return paragraph(
        f"""Clients that name both servers (`host:8001,host:8002`) spread their calls by gRPC's `round_robin`: {shares}
        of them, as Triton counted. Two servers of {both["name"]} on the same cores served {both["images_per_s"]:.1f}
        pictures/s with a p99 of {_whole(both["p99_ms"])} ms in {both["server_mib"]:.0f} MiB, one of {one["name"]}
        {one["images_per_s"]:.1f} with {_whole(one["p99_ms"])} ms in {one["server_mib"]:.0f} MiB; {both["failed"]} calls
        failed, {both["wrong_verdicts"]} verdicts were wrong."""
    )


def paragraph(words: str) -> str:
    """Words as lines of Markdown."""
    return fill(" ".join(words.split()), _LINE, break_on_hyphens=False) + "\n"


def _row(point: Json) -> list[str]:
    queues = [point["servers"][0][stage.name]["queue_ms"] for stage in STAGES]
    return [
        point["name"],
        f"{point['images_per_s']:.1f}",
        _whole(point["p50_ms"]),
        _whole(point["p99_ms"]),
        *("-" if ms is None else f"{ms:.1f}" for ms in queues),
        f"{point['generator_cores']:.2f}",
        f"{point['server_mib']:.0f}",
        str(point["failed"]),
        str(point["wrong_verdicts"]),
    ]


def _doubts(record: Json) -> Iterator[str]:
    first, again = record["instances"][0], record["cores"][-1]
    if abs(again["images_per_s"] / first["images_per_s"] - 1) > DRIFT:
        yield (
            f"The machine was not the same all the time: {first['name']} served {first['images_per_s']:.1f} pictures/s "
            f"at the beginning and {again['images_per_s']:.1f} later."
        )


def _cores(axes: Axes, rows: list[Json]) -> None:
    cores = [row["server_on"] for row in rows]
    axes.plot(
        cores,
        [row["limit"]["images_per_s"] for row in rows],
        color="0.6",
        linestyle="--",
        marker=".",
        label="limit without a server",
    )
    axes.plot(cores, [row["images_per_s"] for row in rows], color=COLORS[0], marker="o", label="served")
    axes.set_xticks(cores)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("cores")
    axes.set_ylabel("pictures a second")
    axes.legend(frameon=False, loc="lower right")


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
