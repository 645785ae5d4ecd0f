"""The commands of a line PC: their options; what they need is imported when they run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from endface.comparison import REWORK_AFTER
from endface.errors import EndfaceError
from endface_client._base_client import DEFAULT_DEADLINE_S, DEFAULT_SERVER
from endface_client._transport.tls import tls_of
from endface_client.cli.options import (
    DEFAULT_LIMIT_GB,
    AnyCore,
    CladdingUm,
    DeadlineS,
    Profile,
    RecordKey,
    RecordLimitGb,
    Review,
    ReviewAll,
    ReworkAfter,
    Screen,
    Servers,
    Shadow,
    TlsAuthority,
    TlsCertificate,
    TlsKey,
    TlsServerName,
    UmPerPx,
    Zones,
    judged,
    limit_bytes,
    review_settings,
)
from endface_client.cli.run import NOT_INSPECTED
from endface_station.review.command import review as review_pages

_MOST_FIBERS: Final = 24

_Data = Annotated[Path, typer.Option(metavar="DIR", help="Folder of the station: its record and its queue.")]
_RecordFolder = Annotated[
    Path | None, typer.Option("--record", metavar="DIR", help="The record; default: record in the station's folder.")
]
_Fibers = Annotated[int, typer.Option(min=1, max=_MOST_FIBERS, help="Fibers of a connector.")]
_Leave = Annotated[bool, typer.Option("--leave", help="Leave taken files where they are; else they go into done.")]
_SerialFromName = Annotated[
    str | None,
    typer.Option(metavar="PATTERN", help="Regular expression that finds the serial number in a file's name."),
]
_FiberFromName = Annotated[
    str | None, typer.Option(metavar="PATTERN", help="Regular expression that finds the fiber in a file's name.")
]


def watch(  # noqa: PLR0913 - one parameter for each option of the command
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that a microscope writes its pictures into.")],
    *,
    server: Servers = DEFAULT_SERVER,
    data: _Data = Path("station"),
    record: _RecordFolder = None,
    leave: _Leave = False,
    serial_from_name: _SerialFromName = None,
    fiber_from_name: _FiberFromName = None,
    fibers: _Fibers = 1,
    profile: Profile = None,
    cladding_um: CladdingUm = None,
    um_per_px: UmPerPx = None,
    zones: Zones = None,
    screen: Screen = False,
    any_core: AnyCore = False,
    deadline_s: DeadlineS = DEFAULT_DEADLINE_S,
    record_limit_gb: RecordLimitGb = DEFAULT_LIMIT_GB,
    record_key: RecordKey = None,
    rework_after: ReworkAfter = REWORK_AFTER,
    review: Review = None,
    review_all: ReviewAll = False,
    shadow: Shadow = None,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_server_name: TlsServerName = "",
) -> None:
    """Inspect each picture that appears in a folder, and write it into a record, until Ctrl-C."""
    kept = review_settings(review, shadow, everything=review_all)
    with _errors_as_sentences("watch"):
        from endface_station.running import StationSettings, WatchSettings, run_watch

        settings = StationSettings(
            server=server,
            client=judged(profile, cladding_um, um_per_px, zones, screen=screen, any_core=any_core)
            | {"deadline_s": deadline_s, "tls": tls_of(tls_authority, tls_certificate, tls_key, tls_server_name)},
            data=data,
            record=record,
            record_limit_bytes=limit_bytes(record_limit_gb),
            record_key=record_key,
            rework_after=rework_after,
            review=kept,
            fibers=fibers,
            steps_itself=True,
            serials="optional",  # nobody can scan: there is no page
        )
        run_watch(settings, WatchSettings(folder, leave, serial_from_name, fiber_from_name))


def station(  # noqa: PLR0913 - one parameter for each option of the command
    *,
    server: Servers = DEFAULT_SERVER,
    data: _Data = Path("station"),
    record: _RecordFolder = None,
    watch: Annotated[Path | None, typer.Option(metavar="DIR", help="Take the pictures of this folder.")] = None,
    leave: _Leave = False,
    serial_from_name: _SerialFromName = None,
    fiber_from_name: _FiberFromName = None,
    camera: Annotated[
        int | None, typer.Option(metavar="N", help="Take pictures with this camera; 0 is the first.")
    ] = None,
    fibers: _Fibers = 1,
    steps_itself: Annotated[
        bool, typer.Option("--steps-itself", help="The microscope goes on to the next fiber whatever the verdict.")
    ] = False,
    scan_first: Annotated[
        bool,
        typer.Option("--scan-first", help="Take no picture before a serial number is scanned; connectors always ask."),
    ] = False,
    host: Annotated[
        str, typer.Option(help="Address of the page; another one than this machine's own needs a certificate.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 8080,
    host_name: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Name that other machines call the page by; repeatable.")
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Secret that opens the page; default: one that is made up.")
    ] = None,
    page_certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificate of the page (PEM), with --page-key.")
    ] = None,
    page_key: Annotated[Path | None, typer.Option(metavar="FILE", help="The certificate's key (PEM).")] = None,
    texts: Annotated[Path | None, typer.Option(metavar="FILE", help="Texts of the page in another language.")] = None,
    name: Annotated[str, typer.Option(help="Name of the station on its page.")] = "",
    demo: Annotated[
        Path | None,
        typer.Option(metavar="SAMPLES", help="Start a server here, and play a microscope with these samples."),
    ] = None,
    profile: Profile = None,
    cladding_um: CladdingUm = None,
    um_per_px: UmPerPx = None,
    zones: Zones = None,
    screen: Screen = False,
    any_core: AnyCore = False,
    deadline_s: DeadlineS = DEFAULT_DEADLINE_S,
    record_limit_gb: RecordLimitGb = DEFAULT_LIMIT_GB,
    record_key: RecordKey = None,
    rework_after: ReworkAfter = REWORK_AFTER,
    review: Review = None,
    review_all: ReviewAll = False,
    shadow: Shadow = None,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_server_name: TlsServerName = "",
) -> None:
    """Show an operator the verdict on each picture, in the browser of this machine, until Ctrl-C."""
    kept = review_settings(review, shadow, everything=review_all)
    with _errors_as_sentences("station"):
        from endface_station.running import PageSettings, StationSettings, WatchSettings, run_station

        settings = StationSettings(
            server=server,
            client=judged(profile, cladding_um, um_per_px, zones, screen=screen, any_core=any_core)
            | {"deadline_s": deadline_s, "tls": tls_of(tls_authority, tls_certificate, tls_key, tls_server_name)},
            data=data,
            record=record,
            record_limit_bytes=limit_bytes(record_limit_gb),
            record_key=record_key,
            rework_after=rework_after,
            review=kept,
            fibers=fibers,
            steps_itself=steps_itself,
            serials="always" if scan_first else "connectors",
        )
        page = PageSettings(
            host=host,
            port=port,
            names=tuple(host_name or ()),
            secret_file=secret_file,
            certificate=page_certificate,
            key=page_key,
            texts=texts,
            name=name,
            camera=camera,
            demo=demo,
        )
        watched = None if watch is None else WatchSettings(watch, leave, serial_from_name, fiber_from_name)
        run_station(settings, page, watched)


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
