"""``endface serve``: a Triton on this machine, in the foreground, until somebody asks it to stop."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Final, NoReturn

import typer

from endface import environment
from endface.embedded import EmbeddedServer
from endface.engines import ENGINES
from endface.errors import EndfaceError
from endface.repository import default_repository
from endface.supervisor import Supervisor
from endface.triton_settings import DEFAULT_ENGINE, Settings

READY_WITHIN_S: Final = 120
"""How long a start may take; a cold disk and a busy machine have been seen to take half a minute."""

_ENGINES: Final = [engine.name for engine in ENGINES]

_Port = Annotated[int, typer.Option(min=1, max=65535)]


def serve(  # noqa: PLR0913 - one parameter for each option of the command
    *,
    repository: Annotated[
        Path | None,
        typer.Option(envvar=environment.REPOSITORY, help="Model repository; default: the one of this checkout."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all networks.")] = "127.0.0.1",
    http_port: _Port = 8000,
    grpc_port: _Port = 8001,
    metrics_port: _Port = 8002,
    engine: Annotated[
        str, typer.Option(envvar=environment.ENGINE, help=f"What runs the network: {', '.join(_ENGINES)}.")
    ] = DEFAULT_ENGINE,
    profile: Annotated[
        str, typer.Option(envvar=environment.PROFILE, help="Limits for requests that name none; else each must.")
    ] = "",
    profiles: Annotated[
        Path | None, typer.Option(envvar=environment.PROFILES, help="Folder with your own profile files.")
    ] = None,
) -> None:
    """Run Triton with endface's models until SIGTERM or Ctrl-C; requests under way are then finished.

    A server that falls ill is repaired; one that cannot be kept alive ends the command with status 2.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        settings = Settings(
            repository=repository or default_repository(),
            host=host,
            http_port=http_port,
            grpc_port=grpc_port,
            metrics_port=metrics_port,
            engine=engine,
            profile=profile,
            profiles=profiles,
        )
        with EmbeddedServer(settings) as server:
            server.wait_ready(READY_WITHIN_S)
            typer.echo(_ready_line(server))
            server.on_line = _print_log
            Supervisor(server, _print_log, READY_WITHIN_S).watch()
    except EndfaceError as exc:
        typer.echo(f"endface serve: {exc}", err=True)
        raise typer.Exit(2) from exc


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave the way out of every ``with``; a second signal must not break off the first one's clearing up."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)


def _print_log(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _ready_line(server: EmbeddedServer) -> str:
    settings = server.settings
    default = f"profile {settings.profile}" if settings.profile else "each request names its profile"
    return (
        f"endface is ready: gRPC {server.grpc_address}, HTTP {server.http_address}, "
        f"metrics port {settings.metrics_port}, engine {settings.engine}, {default}"
    )
