"""The options of the commands of a line PC, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from endface_client.cli.options import InspectionOptions
from endface_station.arrival import MOST_FIBERS

_EVERYWHERE: Final = ("0.0.0.0", "::")


@dataclass(frozen=True, kw_only=True)
class LineOptions(InspectionOptions):
    """The options of every command that takes pictures at a line."""

    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the station: its record and its queue.")] = Path(
        "station"
    )
    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="DIR", help="The record; default: record in the station's folder."),
    ] = None
    leave: Annotated[
        bool, typer.Option("--leave", help="Leave taken files where they are; else they go into done.")
    ] = False
    serial_from_name: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="Regular expression that finds the serial number in a file's name."),
    ] = None
    fiber_from_name: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="Regular expression that finds the fiber in a file's name.")
    ] = None
    fibers: Annotated[int, typer.Option(min=1, max=MOST_FIBERS, help="Fibers of a connector.")] = 1

    @property
    def record_folder(self) -> Path:
        """Where the record is."""
        return self.record or self.data / "record"


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """The options of a station that say where its pictures come from, and what they show."""

    watch: Annotated[Path | None, typer.Option(metavar="DIR", help="Take the pictures of this folder.")] = None
    camera: Annotated[int | None, typer.Option(metavar="N", help="Take pictures with this camera; 0 is the first.")] = (
        None
    )
    demo: Annotated[
        Path | None,
        typer.Option(metavar="SAMPLES", help="Start a server here, and play a microscope with these samples."),
    ] = None
    steps_itself: Annotated[
        bool, typer.Option("--steps-itself", help="The microscope goes on to the next fiber whatever the verdict.")
    ] = False
    scan_first: Annotated[
        bool,
        typer.Option("--scan-first", help="Take no picture before a serial number is scanned; connectors always ask."),
    ] = False


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """The options of the page: where it is, who may call it, and what it shows."""

    host: Annotated[
        str, typer.Option(help="Address of the page; another one than this machine's own needs a certificate.")
    ] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 8080
    host_name: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Name that other machines call the page by; repeatable.")
    ] = None
    secret_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Secret that opens the page; default: one that is made up.")
    ] = None
    page_certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificate of the page (PEM), with --page-key.")
    ] = None
    page_key: Annotated[Path | None, typer.Option(metavar="FILE", help="The certificate's key (PEM).")] = None
    texts: Annotated[Path | None, typer.Option(metavar="FILE", help="Texts of the page in another language.")] = None
    name: Annotated[str, typer.Option(help="Name of the station on its page.")] = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """What a browser opens: the host names where the page listens on every address of this machine."""
        scheme = "https" if self.page_certificate else "http"
        names = self.host_name or ("localhost",)
        hosts = names if self.host in _EVERYWHERE else (self.host,)
        return tuple(f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}/" for host in hosts)
