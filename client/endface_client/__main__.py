"""The command ``endface``: inspect pictures, ask a server for its health, or run one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from endface.errors import EndfaceError
from endface.report import Report
from endface_client._base import DEFAULT_SERVER
from endface_client._demo import demo
from endface_client._errors import UnreadablePicture
from endface_client._folder import RunFolder
from endface_client._outcome import Outcome, exit_code
from endface_client._pictures import find_pictures
from endface_client._serve import serve
from endface_client._sync import Client
from endface_client._table import summary, table
from endface_client._wire import Job

app = typer.Typer(
    help="Inspect fiber-optic connector end faces against IEC 61300-3-35.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(demo)

_NOT_INSPECTED = 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells count
_PIPE_WIDTH = 160  # where the output is no terminal: wide enough for a reason in one line

_Servers = Annotated[
    str, typer.Option("--server", envvar="ENDFACE_SERVER", metavar="HOST:PORT[,...]", help="Server, or several.")
]


@app.command()
def inspect(  # noqa: PLR0913 - one parameter for each option of the command
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Pictures, or folders with pictures.")],
    *,
    server: _Servers = DEFAULT_SERVER,
    profile: Annotated[str | None, typer.Option(help="Limits to judge by; default: the server's.")] = None,
    cladding_um: Annotated[float | None, typer.Option(help="True cladding diameter; gives the scale.")] = None,
    um_per_px: Annotated[float | None, typer.Option(help="Scale of the camera, instead of the cladding's.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Pictures under way at once.")] = 8,
    out: Annotated[Path | None, typer.Option(help="Write reports, overlays and a page here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One report a line on stdout, nothing else.")] = False,
) -> None:
    """Inspect pictures: exit 0 if all pass, 1 if any fails or is invalid, 2 if any could not be inspected."""
    messages = Console(stderr=True)
    pictures, missing = find_pictures(paths)
    outcomes: list[Outcome] = []
    try:
        folder = RunFolder(out) if out else None
        with Client(server, profile=profile, cladding_um=cladding_um, um_per_px=um_per_px) as client:
            for outcome in chain(missing, _inspected(client, pictures, concurrency, messages)):
                outcomes.append(folder.add(outcome) if folder else outcome)
                if as_json:
                    _print_json(outcomes[-1], messages)
        if folder:
            folder.write_page(server)
    except (EndfaceError, OSError) as exc:
        messages.print(f"endface: {exc}", style="red", markup=False, highlight=False)
        raise typer.Exit(_NOT_INSPECTED) from exc
    except KeyboardInterrupt as exc:
        messages.print(f"interrupted after {len(outcomes)} of {len(pictures)} pictures")
        raise typer.Exit(_INTERRUPTED) from exc
    if not as_json:
        _print_table(outcomes)
    if folder:
        messages.print(f"wrote {folder.page}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(exit_code(outcomes))


@app.command()
def health(server: _Servers = DEFAULT_SERVER) -> None:
    """Exit 0 only if an inspection works: a small picture goes through the whole ensemble."""
    started = time.perf_counter()
    try:
        with Client(server) as client:
            client.health()
    except EndfaceError as exc:
        typer.echo(f"not healthy: {exc}", err=True)
        raise typer.Exit(_NOT_INSPECTED) from exc
    typer.echo(f"healthy: {server} inspected a picture in {(time.perf_counter() - started) * 1000:.0f} ms")


def _inspected(client: Client, pictures: list[Path], concurrency: int, messages: Console) -> Iterator[Outcome]:
    """Outcomes as they come, in order, with a progress bar where there is a terminal."""
    columns = (TextColumn("inspecting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    jobs = (Job(path) for path in pictures)
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as progress:
        task = progress.add_task("", total=len(pictures))
        results = client.inspect_many(jobs, concurrency=concurrency, return_errors=True)
        for path, result in zip(pictures, results, strict=True):
            yield Outcome(path, result)
            progress.advance(task)


def _print_json(outcome: Outcome, messages: Console) -> None:
    """A report as a line on stdout, as soon as it is there; an error among the messages."""
    if isinstance(outcome.result, Report):
        sys.stdout.write(outcome.result.to_json() + "\n")
        sys.stdout.flush()
        return
    known = isinstance(outcome.result, UnreadablePicture)  # its sentence begins with the path
    sentence = str(outcome.result) if known else f"{outcome.path}: {outcome.result}"
    messages.print(sentence, style="magenta", markup=False, highlight=False, soft_wrap=True)


def _print_table(outcomes: list[Outcome]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)
    console.print(table(outcomes))
    console.print(summary(outcomes))


def main() -> None:
    """Entry point of the command."""
    app()


if __name__ == "__main__":
    main()
