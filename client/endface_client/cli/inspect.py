"""``endface inspect``: its options, and the choice between servers and this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from endface import environment
from endface.engines.catalog import OFFLINE, ONNXRUNTIME
from endface_client._client import Client
from endface_client.cli.connectors import ConnectorJobs, FoundConnectors, find_connectors
from endface_client.cli.find_pictures import find_pictures
from endface_client.cli.find_server import find_server
from endface_client.cli.jobs import Inspect, PictureJobs, SerialOf, serial_from_name
from endface_client.cli.offline import inspect_offline
from endface_client.cli.options import InspectionOptions, with_option_groups
from endface_client.cli.recording import Recorded, Warn, recording
from endface_client.cli.reviewing import reviewing
from endface_client.cli.run import Run
from endface_client.record.pictures import FOLDER

_Pictures = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Pictures, or folders with pictures.")]
_Recursive = Annotated[bool, typer.Option("--recursive", help="Inspect the subfolders of folders as well.")]
_Serial = Annotated[str | None, typer.Option(help="Serial number of the part, for one picture.")]
_SerialFromName = Annotated[
    str | None,
    typer.Option(
        metavar="PATTERN",
        help="Regular expression that finds the serial number in each picture's name: its first group, or all of it.",
    ),
]
_Profiles = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help=f"Folder with your own profile files, for --offline; default: {environment.PROFILES}.",
    ),
]
_Fiber = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Which of several fibers in each picture, in reading order.")
]
_Connector = Annotated[
    bool,
    typer.Option(
        "--connector",
        help="One verdict for all fibers of each PATH: a picture of all fibers, or a folder with a picture of each.",
    ),
]
_FiberCount = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Fibers of each connector; with another number it is invalid."),
]
_Concurrency = Annotated[int, typer.Option(min=1, help="Number of pictures that are sent at once.")]
_Out = Annotated[
    Path | None,
    typer.Option(help="Write reports, overlays and a page into this folder, in the place of an earlier run's."),
]
_Record = Annotated[Path | None, typer.Option(help="Add each inspection to the record in this folder.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print one report a line on stdout, and nothing else there.")]
_Offline = Annotated[bool, typer.Option("--offline", help="Inspect in this process, without a server.")]
_Engine = Annotated[
    str | None, typer.Option(help=f"What runs the network with --offline: {', '.join(OFFLINE)}; default: the first.")
]


@with_option_groups
def inspect(  # noqa: PLR0913 - one parameter for each option of the command
    paths: _Pictures,
    options: InspectionOptions,
    *,
    recursive: _Recursive = False,
    serial: _Serial = None,
    serial_from_name: _SerialFromName = None,
    profiles: _Profiles = None,
    fiber: _Fiber = None,
    connector: _Connector = False,
    fiber_count: _FiberCount = None,
    concurrency: _Concurrency = 8,
    out: _Out = None,
    record: _Record = None,
    as_json: _AsJson = False,
    offline: _Offline = False,
    engine: _Engine = None,
) -> None:
    """Inspect pictures: exit 0 if all pass, 1 if any fails or is invalid, 2 if any could not be inspected."""
    for name, value in (("--engine", engine), ("--profiles", profiles)):
        if value and not offline:
            raise typer.BadParameter("this needs --offline; a server has what it was started with", param_hint=name)
    kept = options.review_settings
    if fiber_count and not connector:
        raise typer.BadParameter("this needs --connector", param_hint="--fiber-count")
    if connector and (fiber or recursive):
        raise typer.BadParameter("it asks for every fiber of each PATH; leave --fiber and --recursive out")
    outputs = (out, record, record and record / FOLDER, options.review)
    found = find_connectors(paths, outputs) if connector else find_pictures(paths, recursive=recursive, outputs=outputs)
    serial_of = _serial_of(serial, serial_from_name, len(found.pictures))
    if offline:
        engine = engine or ONNXRUNTIME
        judging = options.judging | {"profiles": profiles}
        inspector, inspecting = f"offline, {engine}", partial(_in_this_process, engine, judging)
    else:
        inspector = options.server
        inspecting = partial(_on_servers, inspector, concurrency, options.client_settings)

    @contextmanager
    def keeping(warn: Warn) -> Iterator[Recorded]:
        with (
            recording(
                record,
                inspector,
                warn,
                rework_after=options.rework_after,
                limit_bytes=options.record_limit_bytes,
                key_file=options.record_key,
            ) as write,
            reviewing(kept, options.unreported(profiles), warn, after=write) as write_and_keep,
        ):
            yield write_and_keep

    run = Run(inspector, inspecting, keeping, out=out, as_json=as_json)
    jobs = (
        ConnectorJobs(found, serial_of, fiber_count)
        if isinstance(found, FoundConnectors)
        else PictureJobs(found.pictures, serial_of, fiber)
    )
    raise typer.Exit(run.inspect(found, jobs))


def _serial_of(serial: str | None, pattern: str | None, pictures: int) -> SerialOf:
    """The source of the serial numbers; a scanner may have ended its line with CR, LF or blanks."""
    if serial is None and pattern is None:
        return lambda _: ""
    if serial is not None and pattern is not None:
        raise typer.BadParameter("give either --serial or --serial-from-name", param_hint="--serial")
    if pattern is not None:
        try:
            return serial_from_name(pattern)
        except ValueError as exc:
            raise typer.BadParameter(str(exc), param_hint="--serial-from-name") from exc
    trimmed = (serial or "").strip()
    if not trimmed:
        raise typer.BadParameter("it is empty; scan the part again", param_hint="--serial")
    if pictures > 1:
        raise typer.BadParameter(
            f"it names one part, but there are {pictures} pictures; use --serial-from-name", param_hint="--serial"
        )
    return lambda _: trimmed


@contextmanager
def _in_this_process(engine: str, settings: dict[str, Any]) -> Iterator[Inspect]:
    inspect_offline((), engine, **settings)  # what is wrong for all pictures ends the run before it begins
    yield partial(inspect_offline, engine=engine, **settings)


@contextmanager
def _on_servers(server: str, concurrency: int, settings: dict[str, Any]) -> Iterator[Inspect]:
    with Client(server, **settings) as client:
        find_server(server, settings["deadline_s"], lambda text: typer.echo(f"endface inspect: {text}", err=True))
        yield lambda jobs: client.inspect_many(jobs, concurrency=concurrency, return_errors=True)
