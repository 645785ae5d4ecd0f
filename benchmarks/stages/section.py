"""The page's section on the stages without a server."""

from __future__ import annotations

from benchmarks.common.origin import Json, origin_text
from endface_build.reports.markdown import table


def text(record: Json) -> str:
    """The section in Markdown."""
    parts = f"## Stages without a server\n\n{origin_text(record)}\n"
    times = " of processor time" if "turns" in record else ""  # older records have the wall clock's
    parts += f"Median milliseconds{times}, in brackets the tenth and ninetieth percentile, one thread a process.\n"
    counts = list(record["stages"])
    for size in record["stages"][counts[0]]:
        rows = [
            [stage.replace("  ", "- "), *(_spread(record["stages"][count][size][stage]) for count in counts)]
            for stage in record["stages"][counts[0]][size]
        ]
        heads = [size, *(f"{count} process{'es' if count != '1' else ''} at once" for count in counts)]
        parts += f"\n{table(heads, rows)}"
    parts += f"\n{limit_text(record['limit'])}"
    return parts + turns_text(record["turns"], record["one_client"]) if "turns" in record else parts


def turns_text(turns: Json, one: Json) -> str:
    """A server against the limit, in Markdown."""
    rows = [
        ["without a server", _quartiles(turns["limit_images_per_s"])],
        ["served", _quartiles(turns["served_images_per_s"])],
        ["served over limit", _quartiles(turns["served_over_limit"])],
        ["the same on the cores that the load generator left", _quartiles(turns["served_over_limit_on_cores_left"])],
    ]
    spent = [[name, f"{cpu_ms:.2f}"] for name, cpu_ms in turns["cpu_ms"].items()]
    return f"""
A server of our own and the limit (one process a core) took {turns["rounds"]} turns of {turns["seconds"]:g} seconds
each, with {turns["users"]} pictures under way at the server; medians, in brackets the quartiles:

{table(["", "pictures/s"], rows)}
Processor time of a picture in these turns:

{table(["process", "ms"], spent)}
At one client a picture takes {one["p50_ms"]:.1f} ms (p99 {one["p99_ms"]:.1f}), {one["overhead_ms"]:.1f} ms more than in
one process in turn.
"""


def limit_text(limit: Json) -> str:
    """The limit and the ways that were tried to reach it, in Markdown."""
    rows = [
        [
            f"{way['workers']} {way['kind'] if way['workers'] > 1 else 'process'}",
            str(way["threads"]),
            str(way["batch"]),
            f"{way['images_per_s']:.1f}",
        ]
        for way in limit["setups"]
    ]
    heads = ["pictures to reports", "threads of the network", "batch", "pictures/s"]
    return f"""\
The limit that serving is held against is the fastest way to use this machine without a server,
**{limit["images_per_s"]:.1f} pictures/s**:

{table(heads, rows)}"""


def _quartiles(cell: Json) -> str:
    return f"{cell['median']:.3g} ({cell['q1']:.3g}, {cell['q3']:.3g})"


def _spread(cell: Json) -> str:
    return f"{cell['median_ms']:.2f} ({cell['p10_ms']:.2f}, {cell['p90_ms']:.2f})"
