"""The page's section on peers: throughput and percentiles of each server, and who is ahead of endface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from matplotlib.axes import Axes

from benchmarks.common.cells import decimal
from benchmarks.common.origin import Json, origin_text
from benchmarks.common.plots import COLORS, PICTURES, add_legend, save_plot
from benchmarks.studies.peers.peer import ENDFACE
from endface.engines.catalog import ONNXRUNTIME
from endface_build.reports.markdown import table

PLOT: Final = "peers.png"

_SERVED_HEADS: Final = (
    "server",
    "pictures/s",
    "of endface",
    "at stations",
    "p50 ms",
    "p99 ms",
    "answered",
    "failed",
    "wrong",
    "memory MiB",
    "cold start s",
)
_LOOP_HEADS: Final = ("loop without a server", "pictures/s", "network ms", "picture to report ms", "until it runs s")


def text(record: Json) -> str:
    """The section in Markdown."""
    served, plan = [row for row in record["served"] if "error" not in row], record["plan"]
    counts = ", ".join(map(str, plan["stations"]))
    versions = [", ".join(f"{name} {number}" for name, number in row["versions"].items()) for row in served]
    parts = [
        f"## Peers\n\n{origin_text(record)}",
        f"""\
Each server runs the same stages and the same network file on the same {record["pictures"]} pictures with
{plan["workers"]} workers, one server after the other, {plan["rounds"]} rounds of all; what they are:
[peers/README.md](studies/peers/README.md). A server's row is that of its round of median throughput, and "of endface"
is the median of its rounds, each against endface's row of the same round, with the least and the greatest. Throughput
is the highest of closed loops with {counts} stations, {plan["seconds"]:g} s each. The
percentiles are those of a stream at half of that, {plan["stream_s"]:g} s long, with Poisson arrivals; a picture's time
begins when it was due. Memory is the proportional set size of all processes at saturation; the cold start ends with
the first report.
""",
        table(_SERVED_HEADS, [_served_row(peer, record) for peer in _peers(record)]),
        f"Versions: {'; '.join(dict.fromkeys(versions))}.\n",
        "".join(f"- {sentence}\n" for sentence in _findings(record)),
        table(_LOOP_HEADS, [_loop_row(row) for row in record["in_process"] if "error" not in row]),
    ]
    missing = {row["title"]: row for row in (*record["served"], *record["in_process"]) if "error" in row}
    if missing:
        ran = {row["title"] for row in served}
        lines = (
            f"- Not measured{' in some rounds' if title in ran else ''}: {title}. {_one_line(row['error'])}\n"
            for title, row in missing.items()
        )
        parts.append("".join(lines))
    parts.append(f"![Throughput of each server, and p99 at half of it]({PICTURES}/{PLOT})\n")
    return "\n".join(parts)


def plot(record: Json, folder: Path) -> None:
    """Draw throughput and p99 of each server into a folder."""
    save_plot(folder / PLOT, lambda axes: _draw(axes, record))


def _findings(record: Json) -> Iterator[str]:
    """Who is ahead of endface, and how far its own rounds are apart."""
    own = [_images_per_s(row) for row in _rounds(record, ENDFACE.name)]
    if not any(own):
        yield "endface itself was not measured."
        return
    names = [peer for peer in _peers(record) if peer != ENDFACE.name]
    for what, ratios_of in (("throughput", _throughputs), ("p99 at half of the own saturation", _waits)):
        ratios = [(_middle(record, peer)["title"], found) for peer in names if (found := ratios_of(record, peer))]
        yield _ahead(what, [(title, median(found)) for title, found in ratios])
    yield f"endface's own throughput lies between {min(own):.1f} and {max(own):.1f} pictures/s."


def _ahead(what: str, ratios: Sequence[tuple[str, float]]) -> str:
    """A sentence about those that are better, by how many times."""
    better = [f"{title} ({ratio:.2f} times as good)" for title, ratio in ratios if ratio > 1]
    return f"Ahead of endface in {what}: **{', '.join(better) or 'nobody'}**."


def _served_row(peer: str, record: Json) -> list[str]:
    row = _middle(record, peer)
    half, best, ratios = row["half_load"], row["saturation"], _throughputs(record, peer)
    return [
        row["title"],
        f"{_images_per_s(row):.1f}",
        f"{median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})" if ratios else "-",
        str(best["users"]),
        *(decimal(half[key] if half else None) for key in ("p50_ms", "p99_ms", "answered")),
        *(str(best[key] + (half[key] if half else 0)) for key in ("failed", "wrong_verdicts")),
        decimal(best["memory_mib"]),
        f"{row['cold_start_s']:.1f}",
    ]


def _loop_row(row: Json) -> list[str]:
    figures = (row.get(key) for key in ("images_per_s", "network_ms", "chain_ms", "load_s"))
    return [row["title"], *(decimal(each, 1) for each in figures)]


def _draw(axes: Axes, record: Json) -> None:
    rows = [
        _middle(record, peer) for peer in dict.fromkeys(row["peer"] for row in record["served"] if "error" not in row)
    ]
    places = range(len(rows))
    limit = next((row["images_per_s"] for row in record["in_process"] if row["engine"] == ONNXRUNTIME), None)
    if limit is not None:
        axes.axhline(limit, color="0.6", linestyle="--", label="loop without a server")
    colors = [COLORS[0] if row["peer"] == ENDFACE.name else COLORS[1] for row in rows]
    axes.bar(places, [_images_per_s(row) for row in rows], color=colors)
    axes.set_xticks(places, [row["title"] for row in rows], rotation=30, ha="right")
    axes.set_ylabel("pictures a second, at most")
    waiting = axes.twinx()
    shown = [(place, p99) for place, row in zip(places, rows, strict=True) if (p99 := _p99_ms(row)) is not None]
    waiting.scatter([place for place, _ in shown], [p99 for _, p99 in shown], marker="s", color=COLORS[2], label="p99")
    waiting.set_ylim(0, 1.2 * max((p99 for _, p99 in shown), default=1.0))
    waiting.set_ylabel("p99 in ms, at half of that")
    axes.set_ylim(top=1.2 * axes.get_ylim()[1])  # room for the legend
    add_legend(axes, waiting, loc="upper right", ncols=2)


def _peers(record: Json) -> list[str]:
    """The names of the servers that ran."""
    return [*dict.fromkeys(row["peer"] for row in record["served"] if "error" not in row)]


def _rounds(record: Json, peer: str) -> list[Json]:
    """The rows of a server in which it ran, in the order of the rounds."""
    return [row for row in record["served"] if row["peer"] == peer and "error" not in row]


def _middle(record: Json, peer: str) -> Json:
    """The row of a server's round of median throughput."""
    rows = sorted(_rounds(record, peer), key=_images_per_s)
    return rows[len(rows) // 2]


def _pairs(record: Json, peer: str) -> list[tuple[Json, Json]]:
    """A server's row and endface's of each round in which both ran."""
    rows = [[row for row in record["served"] if row["peer"] == name] for name in (peer, ENDFACE.name)]
    return [(row, own) for row, own in zip(*rows, strict=False) if "error" not in row and "error" not in own]


def _throughputs(record: Json, peer: str) -> list[float]:
    """A server's throughput over endface's, round by round."""
    return [_images_per_s(row) / _images_per_s(own) for row, own in _pairs(record, peer) if _images_per_s(own)]


def _waits(record: Json, peer: str) -> list[float]:
    """The p99 of endface at half of its saturation over that of a server, round by round."""
    waits = [(_p99_ms(row), _p99_ms(own)) for row, own in _pairs(record, peer)]
    return [own / theirs for theirs, own in waits if theirs and own]


def _images_per_s(row: Json) -> float:
    return float(row["saturation"]["images_per_s"])


def _p99_ms(row: Json) -> float | None:
    half = row["half_load"]
    return half["p99_ms"] if half else None


def _one_line(sentence: str) -> str:
    """The beginning of an error: the rest stands in the record."""
    return sentence.partition("; it said:")[0].replace("\n", " ")
