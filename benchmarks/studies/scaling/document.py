"""The figures of docs/scaling.md from the newest records; the rest of the page is written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import ROOT, Json
from benchmarks.studies.scaling.constants import measured
from benchmarks.studies.scaling.hardware import (
    CAUTIOUS,
    CONNECTOR_TAKT_MS,
    FIBERS,
    FLEET_OF,
    FLEETS,
    HOPEFUL,
    NODES,
    TAKT_MS,
)
from benchmarks.studies.scaling.model import (
    Assumed,
    Capacity,
    Measured,
    Node,
    connector_ms,
    fleet_capacity,
    latency_ms,
    node_capacity,
    stations,
)
from benchmarks.studies.scaling.section import paragraph
from endface.files import write_whole
from endface_build.reports.markdown import table

DOCUMENT: Final = ROOT / "docs" / "scaling.md"

BEGIN: Final = "<!-- scaling: begin; written by `python -m benchmarks scaling-page` -->"
END: Final = "<!-- scaling: end -->"


def write_document(records: Mapping[str, Json], document: Path) -> None:
    """Put the figures between the page's two marks.

    Args:
        records: the newest of each kind.
        document: the Markdown file.

    Raises:
        BenchmarkError: the page lacks a mark, or a record is missing.
    """
    before, begin, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchmarkError(f"{document} has no place for the figures: put the lines {BEGIN} and {END} into it")
    write_whole(document, f"{before}{BEGIN}\n\n{figures(records)}\n{END}{after}".encode())


def figures(records: Mapping[str, Json]) -> str:
    """All that stands between the marks.

    Args:
        records: the newest of each kind.

    Raises:
        BenchmarkError: a record is missing.
    """
    costs = measured(records)
    return "\n".join((_constants(costs, records), _checked(costs, records["scaling"]), _nodes(costs), _fleets(costs)))


def _constants(costs: Measured, records: Mapping[str, Json]) -> str:
    machine, scaling, stages = records["scaling"]["machine"], records["scaling"], records["stages"]
    other = "" if _same(stages, scaling) else "**The two records are of different commits or networks.**"
    freed = costs.around_ms + costs.segment_ms
    where = f"""Core milliseconds of a picture on {machine["cpu"]} with all {costs.cores} cores busy, from the records
        of stages ({stages["created"][:10]}, commit `{stages["commit"][:12]}`) and scaling ({scaling["created"][:10]},
        commit `{scaling["commit"][:12]}`). {other}"""
    more = f"""A picture has {costs.picture_bytes / 1000:.0f} kB, its report {costs.report_bytes / 1000:.1f} kB. A
        saturated server and its client keep {costs.filled:.0%} of the cores' time busy; without a server, a core gives
        {costs.per_doubling:.0%} of itself where there are twice as many. A GPU takes the network off the cores: they
        then serve {freed / costs.around_ms:.1f} times the pictures, and no card makes it more."""
    rows = [
        ["decode", f"{costs.decode_ms:.1f}"],
        ["localise", f"{costs.locate_ms:.1f}"],
        ["resample, check, hand on", f"{costs.prepare_ms:.1f}"],
        ["network, on a core", f"{costs.segment_ms:.1f}"],
        ["measure, judge, report", f"{costs.postprocess_ms:.1f}"],
        ["serving, beyond the stages", f"{costs.serving_ms:.1f}"],
        ["client", f"{costs.client_ms:.1f}"],
    ]
    return f"### What a picture costs\n\n{paragraph(where)}\n{table(['work', 'core ms'], rows)}\n{paragraph(more)}"


def _checked(costs: Measured, scaling: Json) -> str:
    """The model beside the measurement, where both exist."""
    rows = []
    for row in scaling["cores"]:
        apart = row["generator_apart"]
        node = Node("", row["server_on"], nic_gbit_s=100, clients=1 if apart else 0)  # loopback is no limit
        paper = node_capacity(node, costs, CAUTIOUS).images_per_s
        client = "on another core" if apart else "on the same cores"
        rows.append([f"cores: {row['server_on']}, client {client}", f"{row['images_per_s']:.1f}", f"{paper:.1f}"])
    return f"""\
### The model against this machine

{table(["", "measured, pictures/s", "on paper"], rows)}
The last row gave the constants, so it agrees by construction; the others are a test.
"""


def _nodes(costs: Measured) -> str:
    rows = [_row(node.name, node, costs, partial(node_capacity, node, costs)) for node in NODES]
    return f"### Nodes\n\n{table(_HEADS, rows)}"


def _fleets(costs: Measured) -> str:
    rows = [
        _row(f"{count}, one of them lost", FLEET_OF, costs, partial(fleet_capacity, FLEET_OF, count, costs))
        for count in FLEETS
    ]
    return f"### Fleets\n\nOf nodes with {FLEET_OF.cores} cores and {FLEET_OF.gpus} GPU:\n\n{table(_HEADS, rows)}"


_HEADS: Final = (
    "",
    "cautious, pictures/s",
    "saturates first",
    "hopeful, pictures/s",
    "saturates first",
    "one picture, ms",
    f"stations, a part in {TAKT_MS / 1000:g} s",
    f"machines, {FIBERS} fibers in {CONNECTOR_TAKT_MS / 1000:g} s",
    f"{FIBERS} fibers at once, ms",
)


def _row(name: str, node: Node, costs: Measured, served: Callable[[Assumed], Capacity]) -> list[str]:
    """One row; what may be planned with comes from the cautious assumptions."""
    cautious, hopeful = served(CAUTIOUS), served(HOPEFUL)
    one_ms, planned = latency_ms(node, costs, CAUTIOUS), cautious.images_per_s
    return [
        name,
        f"{planned:.0f}",
        cautious.first,
        f"{hopeful.images_per_s:.0f}",
        hopeful.first,
        f"{one_ms:.0f}",
        str(stations(planned, CAUTIOUS, takt_ms=TAKT_MS)),
        str(stations(planned, CAUTIOUS, takt_ms=CONNECTOR_TAKT_MS, fibers=FIBERS)),
        f"{connector_ms(planned, one_ms, FIBERS):.0f}",
    ]


def _same(one: Json, other: Json) -> bool:
    return (one["commit"], one["network"]["sha256"]) == (other["commit"], other["network"]["sha256"])
