"""``python -m benchmarks``: time the stages, load a server, study it, write the page of results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.options import Results, console, messages
from benchmarks.common.origin import PAGE, RESULTS
from benchmarks.load.command import run as load
from benchmarks.page import write_page
from benchmarks.stages.command import run as stages
from benchmarks.studies.engines.command import run as engines
from benchmarks.studies.faults.command import run as faults
from benchmarks.studies.floor.command import run as floor
from benchmarks.studies.gpu.command import run as gpu
from benchmarks.studies.peers.command import run as peers
from benchmarks.studies.soak.command import run as soak
from endface.errors import EndfaceError

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("stages")(stages)
app.command("load")(load)


@app.command()
def page(results: Results = RESULTS, document: Annotated[Path, typer.Option(help="The page.")] = PAGE) -> None:
    """Write RESULTS.md and its plots from the newest records."""
    write_page(results, document)
    console.print(str(document))


app.command("peers")(peers)
app.command("floor")(floor)
app.command("faults")(faults)
app.command("soak")(soak)
app.command("engines")(engines)
app.command("gpu")(gpu)


def main() -> None:
    """Run the command; it ends with 2 and a sentence where nothing could be measured."""
    try:
        app()
    except EndfaceError as exc:
        messages.print(f"benchmarks: {exc}")
        sys.exit(2)


if __name__ == "__main__":
    main()
