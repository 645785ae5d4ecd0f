"""RESULTS.md from the newest records: what was measured, where, and nothing that is not in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.doubts import doubts
from benchmarks.errors import BenchmarkError
from benchmarks.origin import Json
from benchmarks.plots import PLOTS, plot_load, plots_of
from endface_build.markdown import table

PICTURES: Final = "plots"
"""Folder of the page's plots, beside it."""

_HEAD: Final = """\
<!-- Written by `python -m benchmarks page` from results/*.json: change those, or page.py, and write it again. -->

# Results

Times are those of the machine named with them; ratios within one run are what carries over. How it is measured, and
what is counted: [README.md](README.md). What was tried and what came of it: [NOTES.md](NOTES.md).
"""


def write_page(results: Path, page: Path) -> None:
    """Write the page and its plots.

    Args:
        results: folder of the records.
        page: the Markdown file; plots go into a folder beside it.

    Raises:
        BenchmarkError: there is no record, or one cannot be read.
    """
    records = newest(results)
    if "load" in records:
        plot_load(records["load"], page.parent / PICTURES)
    page.write_text(page_text(records), encoding="utf-8")


def newest(results: Path) -> dict[str, Json]:
    """The newest record of each kind: "2026-11-22-load.json" is one of the kind "load".

    Raises:
        BenchmarkError: there is none of ``stages`` and ``load``, or one cannot be read.
    """
    paths = {kind: max(results.glob(f"*-{kind}.json"), default=None) for kind in ("stages", "load")}
    try:
        records = {kind: json.loads(path.read_text(encoding="utf-8")) for kind, path in paths.items() if path}
    except (OSError, ValueError) as exc:
        raise BenchmarkError(f"a record in {results} cannot be read: {exc}") from exc
    if not records:
        raise BenchmarkError(f"no records in {results}; make one with `make bench`")
    return records


def page_text(records: Mapping[str, Json]) -> str:
    """The page in Markdown.

    Args:
        records: ``stages`` and ``load``, or one of them.
    """
    parts = [_HEAD]
    if "stages" in records:
        parts.append(_stages(records["stages"]))
    if "load" in records:
        parts += [_load(records["load"]), _doubts(records["load"]), _limits_kept(records["load"])]
    return "\n".join(parts)


def _origin(record: Json) -> str:
    machine, network = record["machine"], record["network"]
    changed = " with local changes" if record["commit"].endswith("-dirty") else ""
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    return f"""\
Measured on {record["created"][:10]} at commit `{record["commit"][:12]}`{changed} with the network
`{network["sha256"][:12]}`, version {network["version"]}, on {machine["cpu"]}, {machine["cores"]} cores
({machine["system"]}, Python {machine["python"]}; {versions}). Load average before: {record["load_average"]:g}.
"""


def _stages(record: Json) -> str:
    text = f"## Stages without a server\n\n{_origin(record)}\n"
    text += "Median milliseconds, in brackets the tenth and ninetieth percentile, one thread a process.\n"
    counts = list(record["stages"])
    for size in record["stages"][counts[0]]:
        rows = [
            [stage.replace("  ", "- "), *(_spread(record["stages"][count][size][stage]) for count in counts)]
            for stage in record["stages"][counts[0]][size]
        ]
        heads = [size, *(f"{count} process{'es' if count != '1' else ''} at once" for count in counts)]
        text += f"\n{table(heads, rows)}"
    return f"{text}\n{_limit(record['limit'])}"


def _limit(limit: Json) -> str:
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


def _load(record: Json) -> str:
    served, knee = record["served_over_limit"], record["knee"]
    reached = "not reached: the ramp must go further" if knee is None else f"{knee['users']} stations"
    text = f"## Under load\n\n{_origin(record)}The server's engine: {record['served_by']}.\n"
    text += f"\n{_limit(record['limit']['before'])}"
    text += f"\nAfter the load the limit was {record['limit']['after']['images_per_s']:.1f} pictures/s.\n"
    if served is not None:
        text += f"\nServed over limit: **{served:.3f}**. Knee: {reached}.\n"
    text += f"\nOne client at a time: {_milliseconds(record['one_client'])}{_overhead(record['overhead_ms'])}.\n"
    for shape, phases in record["shapes"].items():
        text += f"\n### {shape}\n\n{table(_HEADS, [_row(phase) for phase in phases])}"
        text += "".join(_connector(phase) for phase in phases if phase["connector"])
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
    times = (_whole(phase[f"p{share}_ms"]) for share in (50, 95, 99))
    return [phase["phase"], f"{phase['images_per_s']:.1f}", *times, *counts, *cores, _whole(phase["server_mib"])]


def _connector(phase: Json) -> str:
    whole = phase["connector"]
    return f"\n{phase['phase']}: a whole connector took {_milliseconds(whole)}.\n"


def _doubts(record: Json) -> str:
    found = doubts(record)
    both = record["generators"]
    text = "## Doubts\n\n"
    if both is not None and both["agree"]:
        text += (
            f"At {both['users']} stations Locust got {both['locust_images_per_s']:.1f} pictures/s and an asyncio loop "
            f"{both['second_images_per_s']:.1f}, a ratio of {both['locust_over_second']:.3f}.\n\n"
        )
    return text + ("".join(f"- **{doubt}**\n" for doubt in found) or "Nothing was noticed that speaks against this.\n")


def _limits_kept(record: Json) -> str:
    broken = [check for check in record["checks"] if not check["kept"]]
    text = f"## Limits\n\n{len(record['checks'])} limits of `slo.toml`, {len(broken)} not kept.\n"
    rows = [
        [f"{check['shape']}, {check['phase']}", check["what"], f"{check['limit']:g}", _found(check["found"])]
        for check in broken
    ]
    return f"{text}\n{table(['phase', 'what', 'limit', 'found'], rows)}" if rows else text


def _overhead(value_ms: float | None) -> str:
    return "" if value_ms is None else f"; serving adds {value_ms:.1f} ms to a picture (median)"


def _found(value: float | None) -> str:
    return "nothing answered" if value is None else f"{value:g}"


def _spread(cell: Json) -> str:
    return f"{cell['median_ms']:.2f} ({cell['p10_ms']:.2f}, {cell['p90_ms']:.2f})"


def _milliseconds(figures: Json) -> str:
    return f"p50 {_whole(figures['p50_ms'])} ms, p99 {_whole(figures['p99_ms'])} ms"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
