"""RESULTS.md from the newest records: what was measured, where, and nothing that is not in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import Json
from benchmarks.common.plots import PICTURES
from benchmarks.load import plots as load_plots
from benchmarks.load import section as load_section
from benchmarks.stages import section as stages_section
from benchmarks.studies.breakeven import section as breakeven
from benchmarks.studies.faults import section as faults
from benchmarks.studies.peers import section as peers
from benchmarks.studies.scaling import section as scaling
from benchmarks.studies.soak import section as soak
from benchmarks.studies.traces import measure as traces
from endface.files import write_whole


@dataclass(frozen=True)
class Section:
    """What the page says of one kind of record.

    Attributes:
        text: The record in Markdown, from its heading on.
        plot: Writes its plots into a folder; None where it has none.
    """

    text: Callable[[Json], str]
    plot: Callable[[Json, Path], None] | None = None


SECTIONS: Final[Mapping[str, Section]] = {
    "stages": Section(stages_section.text),
    "load": Section(load_section.text, load_plots.plot),
    "peers": Section(peers.text, peers.plot),
    "breakeven": Section(breakeven.text, breakeven.plot),
    "scaling": Section(scaling.text, scaling.plot),
    "faults": Section(faults.text),
    "soak": Section(soak.text, soak.plot),
    "traces": Section(traces.text),
}
"""By kind of record, in the order of the page."""

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
    for kind, record in records.items():
        plot = SECTIONS[kind].plot
        if plot:
            plot(record, page.parent / PICTURES)
    write_whole(page, page_text(records).encode())


def newest(results: Path) -> dict[str, Json]:
    """The newest record of each kind: "2026-11-22-load.json" is one of the kind "load".

    Raises:
        BenchmarkError: there is none that belongs on the page, or one cannot be read.
    """
    paths = {kind: max(results.glob(f"*-{kind}.json"), default=None) for kind in SECTIONS}
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
        records: by kind; a kind without one has no section.
    """
    return "\n".join([_HEAD, *(section.text(records[kind]) for kind, section in SECTIONS.items() if kind in records)])
