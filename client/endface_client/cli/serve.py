"""``endface serve``: a Triton on this machine, in the foreground, until a signal stops it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Final, NoReturn

import typer

from endface import environment, processor
from endface.criteria.profile import profile_sums
from endface.engines.catalog import SERVED
from endface.environment import default_repository
from endface.errors import ConfigurationError, EndfaceError
from endface.health.supervisor import Supervisor
from endface.server import instances
from endface.server.certificates import Certificates
from endface.server.process import EmbeddedServer
from endface.server.settings import DEFAULT_ENGINE, Settings
from endface.telemetry.log_writer import LogWriter

READY_WITHIN_S: Final = 120
"""How long a start may take; a cold disk and a busy machine have been seen to take half a minute."""

_ENGINES: Final = [engine.name for engine in SERVED]

_HERE: Final = "127.0.0.1"

_STOPS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""Signals that end the command once the pictures under way are finished: a closed terminal sends SIGHUP."""

_MAY_BE_IGNORED: Final = (signal.SIGHUP, signal.SIGQUIT)
"""A command that was started with ``nohup`` is to outlive the terminal."""

_Repository = Annotated[
    Path | None,
    typer.Option(envvar=environment.REPOSITORY, help="Model repository; default: the one of this checkout."),
]
_Host = Annotated[str, typer.Option(help="Address of gRPC, where pictures are sent; 0.0.0.0 for all networks.")]
_HttpHost = Annotated[str, typer.Option(help="Address of HTTP, which only this command itself needs.")]
_MetricsHost = Annotated[str, typer.Option(help="Address of the metrics; 0.0.0.0 for a Prometheus on another machine.")]
_Port = Annotated[int, typer.Option(min=1, max=65535)]
_Engine = Annotated[str, typer.Option(envvar=environment.ENGINE, help=f"What runs the network: {', '.join(_ENGINES)}.")]
_Profile = Annotated[
    str, typer.Option(envvar=environment.PROFILE, help="Limits for requests that name none; else each must.")
]
_Profiles = Annotated[
    Path | None, typer.Option(envvar=environment.PROFILES, help="Folder with your own profile files.")
]
_Zones = Annotated[
    str,
    typer.Option(envvar=environment.ZONES, metavar="A,B", help="Zones to judge where a request names none; else all."),
]
_Screen = Annotated[
    bool,
    typer.Option("--screen", envvar=environment.SCREEN, help="Search pictures that are too coarse for large defects."),
]
_TlsCertificate = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Certificate (PEM) that encrypts gRPC; takes --tls-key.")
]
_TlsKey = Annotated[Path | None, typer.Option(metavar="FILE", help="The certificate's key (PEM).")]
_TlsClients = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Serve only clients with a certificate of these authorities.")
]
_AdminSecret = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Secret that opens Triton's administration; default: one nobody knows."),
]
_Cores = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=4 * (os.cpu_count() or 1),  # more is a slip, and each process takes memory
        envvar=processor.CORES,
        help="Cores to use, one process of each stage on each; default: what the machine or container gives.",
    ),
]


def serve(  # noqa: PLR0913 - one parameter for each option of the command
    *,
    repository: _Repository = None,
    host: _Host = _HERE,
    http_host: _HttpHost = _HERE,
    metrics_host: _MetricsHost = _HERE,
    http_port: _Port = 8000,
    grpc_port: _Port = 8001,
    metrics_port: _Port = 8002,
    engine: _Engine = DEFAULT_ENGINE,
    profile: _Profile = "",
    profiles: _Profiles = None,
    zones: _Zones = "",
    screen: _Screen = False,
    tls_certificate: _TlsCertificate = None,
    tls_key: _TlsKey = None,
    tls_clients: _TlsClients = None,
    admin_secret: _AdminSecret = None,
    cores: _Cores = None,
) -> None:
    """Run Triton with endface's models until SIGTERM or Ctrl-C; requests under way are then finished.

    A server that stops working is repaired, as often as it takes; one that cannot be started at first ends the command
    with status 2.
    """
    for number in _STOPS:
        if number not in _MAY_BE_IGNORED or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    log = LogWriter.to(sys.stderr)
    try:
        processes, why = _processes(cores)
        settings = Settings(
            repository=repository or default_repository(),
            host=host,
            http_port=http_port,
            grpc_port=grpc_port,
            metrics_port=metrics_port,
            engine=engine,
            profile=profile,
            profiles=profiles,
            zones=zones,
            screen=screen,
            http_host=http_host,
            metrics_host=metrics_host,
            certificates=_certificates(tls_certificate, tls_key, tls_clients),
            admin_secret=admin_secret,
            processes=processes,
        )
        _run(settings, log, why)
    except EndfaceError as exc:
        log.write(f"endface serve: {exc}")
        raise typer.Exit(2) from exc
    finally:
        log.close()


def _run(settings: Settings, log: LogWriter, processes: str) -> NoReturn:
    """Serve until a signal comes; the log begins with a sentence on the processes."""
    with EmbeddedServer(settings) as server:
        server.wait_ready(READY_WITHIN_S)
        server.listen(log.write)
        output = LogWriter.to(sys.stdout)  # as the log: it may be a full disk
        output.write(_ready_line(server))
        output.close()
        log.write(processes)
        for name, sha256 in profile_sums(server.profiles).items():
            log.write(f"profile {name} sha256 {sha256}")
        Supervisor(server, log.write, READY_WITHIN_S, log_lines_dropped=lambda: log.dropped).watch()


def _processes(cores: int | None) -> tuple[dict[str, int], str]:
    """Processes of each stage, and the sentence that says why so many."""
    found, shared_bytes = processor.find(), instances.shared_memory_bytes()
    chosen = instances.choose(cores or found.cores, shared_bytes)
    counts = ", ".join(f"{count} {model}" for model, count in chosen.items())
    told = f", told to use {cores}" if cores else ""
    return chosen, (
        f"processes of one thread each: {counts}; "
        f"found {found}, {shared_bytes >> 20} MiB of shared memory{told}; two of a stage at least"
    )


def _certificates(certificate: Path | None, key: Path | None, clients: Path | None) -> Certificates | None:
    if certificate is not None and key is not None:
        return Certificates(certificate, key, clients)
    if certificate is None and key is None and clients is None:
        return None
    raise ConfigurationError("--tls-certificate and --tls-key go together, --tls-clients with both; name the files")


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """Exit through every ``with``; a second signal must not interrupt the cleaning up after the first."""
    for number in _STOPS:
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)


def _ready_line(server: EmbeddedServer) -> str:
    settings = server.settings
    certificates = settings.certificates
    trust = "in the clear" if certificates is None else "TLS for all" if certificates.clients is None else "mutual TLS"
    default = f"profile {settings.profile}" if settings.profile else "each request names its profile"
    return (
        f"endface is ready: gRPC {server.grpc_address}, HTTP {server.http_address}, "
        f"metrics port {settings.metrics_port}, engine {settings.engine}, {default}, {trust}"
    )
