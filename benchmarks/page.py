"""RESULTS.md from the newest records: what was measured, where, and nothing that is not in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.plots import PICTURES
from benchmarks.common.study import Study
from benchmarks.load.command import STUDY as LOAD
from benchmarks.stages.command import STUDY as STAGES
from benchmarks.studies.faults.command import STUDY as FAULTS
from benchmarks.studies.floor.command import STUDY as FLOOR
from benchmarks.studies.peers.command import STUDY as PEERS
from benchmarks.studies.soak.command import STUDY as SOAK
from endface.files import write_whole

SECTIONS: Final[Mapping[str, Study[...] | None]] = {
    "stages": STAGES,
    "load": LOAD,
    "peers": PEERS,
    "floor": FLOOR,
    "breakeven": None,
    "scaling": None,
    "faults": FAULTS,
    "soak": SOAK,
    "traces": None,
}
"""By kind of record, in the order of the page.  What has no study was measured once: its text is kept, as Markdown."""

_HEAD: Final = """\
<!-- Written by `python -m benchmarks page` from results/*.json: change those, or page.py, and write it again. -->

# Results

Times are those of the machine named with them; ratios within one run are what carries over. How it is measured, and
what is counted: [README.md](README.md). What was tried and what came of it: [NOTES.md](NOTES.md).
"""


def write_page(results: Path, page: Path) -> None:
    """Write the page and its plots.

    Raises:
        BenchmarkError: there is no record, or one cannot be read.
    """
    records = newest(results)
    for kind, record in records.items():
        study = SECTIONS[kind]
        if study and study.plot:
            study.plot(record, page.parent / PICTURES)
    write_whole(page, page_text(records).encode())


def newest(results: Path) -> dict[str, Any]:
    """The newest of each kind: the record "2026-11-22-load.json", the text "2026-11-22-scaling.md".

    Raises:
        BenchmarkError: there is none that belongs on the page, or one cannot be read.
    """
    endings = {kind: "json" if study else "md" for kind, study in SECTIONS.items()}
    paths = {kind: max(results.glob(f"*-{kind}.{ending}"), default=None) for kind, ending in endings.items()}
    try:
        texts = {kind: path.read_text(encoding="utf-8") for kind, path in paths.items() if path}
        found = {kind: json.loads(text) if SECTIONS[kind] else text for kind, text in texts.items()}
    except (OSError, ValueError) as exc:
        raise BenchmarkError(f"a record in {results} cannot be read: {exc}") from exc
    if not found:
        raise BenchmarkError(f"no records in {results}; make one with `make bench`")
    return found


def page_text(records: Mapping[str, Any]) -> str:
    """The page in Markdown."""
    shown = {kind: study for kind, study in SECTIONS.items() if kind in records}
    return "\n".join([_HEAD, *(study.text(records[kind]) if study else records[kind] for kind, study in shown.items())])
