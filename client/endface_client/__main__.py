"""The command ``endface``: inspect pictures, ask a server for its health, or run one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from endface.errors import EndfaceError
from endface.network import ONNXRUNTIME
from endface.offline import ENGINES
from endface.report import Report
from endface_client._base import DEFAULT_SERVER
from endface_client._demo import demo
from endface_client._errors import ClientError, UnreadablePicture
from endface_client._folder import RunFolder
from endface_client._offline import inspect_offline
from endface_client._outcome import Outcome, exit_code
from endface_client._pictures import find_pictures
from endface_client._record import DEFAULT_LIMIT_BYTES
from endface_client._record_command import KEY_VARIABLE
from endface_client._record_command import app as record_app
from endface_client._recorded import recording
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
app.add_typer(record_app, name="record")

_NOT_INSPECTED = 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells count
_GB = 1_000_000_000
_PIPE_WIDTH = 160  # where the output is no terminal: wide enough for a reason in one line

_Servers = Annotated[
    str, typer.Option("--server", envvar="ENDFACE_SERVER", metavar="HOST:PORT[,...]", help="Server, or several.")
]


@app.command()
def inspect(  # noqa: PLR0913 - one parameter for each option of the command
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Pictures, or folders with pictures.")],
    *,
    server: _Servers = DEFAULT_SERVER,
    profile: Annotated[
        str | None, typer.Option(help="Limits to judge by; default: the server's, or ENDFACE_PROFILE.")
    ] = None,
    cladding_um: Annotated[float | None, typer.Option(help="True cladding diameter; gives the scale.")] = None,
    um_per_px: Annotated[float | None, typer.Option(help="Scale of the camera, instead of the cladding's.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Pictures under way at once on the servers.")] = 8,
    out: Annotated[Path | None, typer.Option(help="Write reports, overlays and a page here.")] = None,
    record: Annotated[
        Path | None, typer.Option(help="Write each inspection down in the record in this folder.")
    ] = None,
    record_limit_gb: Annotated[
        float, typer.Option(min=0.001, help="How large the record may become before its oldest entries are dropped.")
    ] = DEFAULT_LIMIT_BYTES / _GB,
    record_key: Annotated[
        Path | None, typer.Option(envvar=KEY_VARIABLE, metavar="FILE", help="Key that seals the record.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One report a line on stdout, nothing else.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Inspect in this process, without a server.")] = False,
    engine: Annotated[
        str | None, typer.Option(help=f"What runs the network --offline: {', '.join(ENGINES)}; default: the first.")
    ] = None,
) -> None:
    """Inspect pictures: exit 0 if all pass, 1 if any fails or is invalid, 2 if any could not be inspected."""
    if engine and not offline:
        raise typer.BadParameter(
            "it takes --offline; a server has the engine it was started with", param_hint="--engine"
        )
    chosen = (engine or ONNXRUNTIME) if offline else None
    inspector = f"offline, {chosen}" if chosen else server
    record_settings = {"limit_bytes": round(record_limit_gb * _GB), "key_file": record_key}
    settings: dict[str, Any] = {"profile": profile, "cladding_um": cladding_um, "um_per_px": um_per_px}
    messages = Console(stderr=True)
    pictures, missing = find_pictures(paths)
    outcomes: list[Outcome] = []
    try:
        folder = RunFolder(out) if out else None
        with (
            recording(record, inspector, **record_settings) as recorded,
            _results(map(Job, pictures), chosen, server, concurrency, settings) as results,
        ):
            for outcome in map(recorded, chain(missing, _inspected(pictures, results, messages))):
                outcomes.append(folder.add(outcome) if folder else outcome)
                if as_json:
                    _print_json(outcomes[-1], messages)
        if folder:
            folder.write_page(inspector)
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
def health(
    server: _Servers = DEFAULT_SERVER,
    deadline_s: Annotated[
        float, typer.Option(min=0.1, help="How long it may take; a server that hangs never answers.")
    ] = 2,
) -> None:
    """Exit 0 only if an inspection works: a small picture goes through the whole ensemble."""
    started = time.perf_counter()
    try:
        with Client(server, deadline_s=deadline_s) as client:
            client.health()
    except EndfaceError as exc:
        typer.echo(f"not healthy: {exc}", err=True)
        raise typer.Exit(_NOT_INSPECTED) from exc
    typer.echo(f"healthy: {server} inspected a picture in {(time.perf_counter() - started) * 1000:.0f} ms")


@contextmanager
def _results(
    jobs: Iterable[Job], engine: str | None, server: str, concurrency: int, settings: dict[str, Any]
) -> Iterator[Iterator[Report | ClientError]]:
    """What comes of jobs, in order: from an engine in this process, or from servers where none is named."""
    if engine is not None:
        yield inspect_offline(jobs, engine, **settings)
        return
    with Client(server, **settings) as client:
        yield client.inspect_many(jobs, concurrency=concurrency, return_errors=True)


def _inspected(pictures: list[Path], results: Iterable[Report | ClientError], messages: Console) -> Iterator[Outcome]:
    """Outcomes as they come, in order, with a progress bar where there is a terminal."""
    columns = (TextColumn("inspecting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as progress:
        task = progress.add_task("", total=len(pictures))
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
