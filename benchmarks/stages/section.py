"""The page's section on the stages without a server."""

from __future__ import annotations

from benchmarks.common.origin import Json, origin_text
from endface_build.reports.markdown import table


def text(record: Json) -> str:
    """The section in Markdown."""
    parts = f"## Stages without a server\n\n{origin_text(record)}\n"
    parts += "Median milliseconds, in brackets the tenth and ninetieth percentile, one thread a process.\n"
    counts = list(record["stages"])
    for size in record["stages"][counts[0]]:
        rows = [
            [stage.replace("  ", "- "), *(_spread(record["stages"][count][size][stage]) for count in counts)]
            for stage in record["stages"][counts[0]][size]
        ]
        heads = [size, *(f"{count} process{'es' if count != '1' else ''} at once" for count in counts)]
        parts += f"\n{table(heads, rows)}"
    return f"{parts}\n{limit_text(record['limit'])}"


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


def _spread(cell: Json) -> str:
    return f"{cell['median_ms']:.2f} ({cell['p10_ms']:.2f}, {cell['p90_ms']:.2f})"
