"""The measured part of docs/engines.md from its record; the rest of the page is written by hand."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Final

from benchmarks.common.origin import Json
from endface.errors import ConfigurationError
from endface.files import write_whole
from endface_build.reports.markdown import table

BEGIN: Final = "<!-- engines: begin -->"
END: Final = "<!-- engines: end -->"

_LINE: Final = 120

_NEW_PAGE: Final = f"# Engines\n\n## Measured\n\n{BEGIN}\n{END}\n"


def write_table(record: Json, page: Path) -> None:
    """Put the table between the page's two marks; a page that is missing is begun.

    Raises:
        ConfigurationError: The page lacks a mark.
    """
    old = page.read_text(encoding="utf-8") if page.exists() else _NEW_PAGE
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ConfigurationError(f"{page} has no place for the table: put the lines {BEGIN} and {END} into it.")
    write_whole(page, f"{before}{BEGIN}\n\n{text(record)}\n{END}{after}".encode())


def text(record: Json) -> str:
    """The table and what it was measured on."""
    sets = list(record["pictures"])
    heads = ["engine", "computes in"]
    for name in sets:
        heads += [f"{name}: labels equal (lowest)", "flips"]
    rows = [_cells(row, sets) for row in record["engines"]]
    heads += ["ms a picture", "of these, network", "memory, MB", "file, MB"]
    counts = ", ".join(f"{count} {name}" for name, count in record["pictures"].items())
    skipped = "".join(f"\nNot measured: {each['engine']}. {each['reason']}\n" for each in record["skipped"])
    return f"{table(heads, rows)}\n{_how(record, counts)}{skipped}"


def _cells(row: Json, sets: list[str]) -> list[str]:
    cells = [row["engine"], row["precision"]]
    for name in sets:
        each = row["agreement"][name]
        cells += [f"{each['labels_equal']:.5f} ({each['worst']:.5f})", str(len(each["flips"]))]
    memory = "" if row["peak_mb"] is None else f"{row['peak_mb']:.0f}"
    return [*cells, f"{row['ms']:.0f}", f"{row['network_ms']:.0f}", memory, f"{row['bytes'] / 1e6:.1f}"]


def _how(record: Json, counts: str) -> str:
    machine = record["machine"]
    changed = " with local changes" if record["commit"].endswith("-dirty") else ""
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    network = record["network"]["sha256"][:12]
    how = f"""Pictures: {counts}. Labels are compared pixel by pixel with the network in float in ONNX Runtime, over the
        pictures that are good enough to be judged; a flip is another verdict. Times are medians of whole inspections,
        one after another, on all cores; memory is the most that the inspecting process ever held, Python and its
        libraries included."""
    where = f"""Written by `python -m benchmarks engines` on {record["created"][:10]} at commit
        `{record["commit"][:12]}`{changed}, network `{network}` ({machine["cpu"]}, {machine["cores"]} cores,
        {machine["system"]}; {versions})."""
    return "\n\n".join(fill(" ".join(part.split()), _LINE, break_on_hyphens=False) for part in (how, where)) + "\n"
