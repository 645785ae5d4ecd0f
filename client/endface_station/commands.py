"""The commands of a line PC; what they need is imported when they run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from endface.errors import EndfaceError
from endface_client.cli.options import with_option_groups
from endface_client.cli.run import NOT_INSPECTED
from endface_station.review.command import review as review_pages
from endface_station.settings import LineOptions, PageOptions, SourceOptions


@with_option_groups
def watch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that a microscope writes its pictures into.")],
    options: LineOptions,
) -> None:
    """Inspect each picture that appears in a folder, and write it into a record, until Ctrl-C."""
    with _errors_as_sentences("watch"):
        from endface_station.running import run_watch

        run_watch(options, folder)


@with_option_groups
def station(options: LineOptions, sources: SourceOptions, page: PageOptions) -> None:
    """Show an operator the verdict on each picture, in the browser of this machine, until Ctrl-C."""
    with _errors_as_sentences("station"):
        from endface_station.running import run_station

        run_station(options, sources, page)


def register(app: typer.Typer) -> None:
    """Add the commands of this package to the command ``endface``."""
    for command in (station, watch):
        app.command()(command)
    app.command("review")(review_pages)


@contextmanager
def _errors_as_sentences(command: str) -> Iterator[None]:
    """Print an error as a sentence; packages that are not there are one."""
    try:
        yield
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0].startswith("endface"):
            raise
        typer.echo(f"endface {command} needs {exc.name}: pip install 'endface[station]'", err=True)
        raise typer.Exit(NOT_INSPECTED) from exc
    except EndfaceError as exc:
        typer.echo(f"endface {command}: {exc}", err=True)
        raise typer.Exit(NOT_INSPECTED) from exc
