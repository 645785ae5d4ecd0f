"""``python -m benchmarks scaling``, and what is worked out from its record: the page and the size of a line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.limit import CORES, Work
from benchmarks.common.options import Faces, Folder, Profile, Results, console, keep, network_file, pictures_of
from benchmarks.common.origin import RESULTS
from benchmarks.page import newest
from benchmarks.studies.scaling.constants import measured
from benchmarks.studies.scaling.document import DOCUMENT, write_document
from benchmarks.studies.scaling.measure import STATIONS_PER_CORE, Plan, measure
from benchmarks.studies.scaling.model import Node
from benchmarks.studies.scaling.size import Line, size_text


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each point is counted.")] = 10.0,
    settle_s: Annotated[float, typer.Option(min=0.1, help="How long it runs before.")] = 2.0,
    stations: Annotated[int, typer.Option(min=1, help="How many ask at once.")] = STATIONS_PER_CORE * CORES,
    results: Results = RESULTS,
) -> None:
    """Measure throughput against instances and cores, and two servers behind one client (about six minutes)."""
    work = Work(pictures_of(faces, folder, profile), network_file(), profile)
    record = measure(work, Plan(seconds, settle_s, stations), console.print)
    console.print(str(keep(record, results, "scaling")))


def write_page(
    results: Results = RESULTS, document: Annotated[Path, typer.Option(help="The page.")] = DOCUMENT
) -> None:
    """Write the figures of docs/scaling.md from the newest records."""
    write_document(newest(results), document)
    console.print(str(document))


def size(  # noqa: PLR0913, PLR0917 - the options of a command
    stations: Annotated[int, typer.Option(min=1, help="Stations of the line.")],
    takt_ms: Annotated[float, typer.Option(min=1, help="From part to part at a station.")],
    fibers: Annotated[int, typer.Option(min=1, help="Pictures of a part.")] = 1,
    cores: Annotated[int, typer.Option(min=1, help="Cores of a node.")] = 16,
    gpus: Annotated[int, typer.Option(min=0, help="Its GPUs.")] = 0,
    nic_gbit_s: Annotated[float, typer.Option(min=0.01, help="Its network card.")] = 1.0,
    picture_kb: Annotated[float | None, typer.Option(min=0.1, help="Of an encoded picture; else as measured.")] = None,
    results: Results = RESULTS,
) -> None:
    """Say on paper how many nodes a line needs, by the newest records."""
    costs = measured(newest(results))
    if picture_kb is not None:
        costs = replace(costs, picture_bytes=picture_kb * 1000)
    node = Node("", cores, nic_gbit_s, gpus, clients=stations)
    console.print(size_text(Line(stations, takt_ms, fibers), node, costs))
