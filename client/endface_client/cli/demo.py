"""``endface demo``: start a server on this machine, inspect pictures with it, write reports, stop the server."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from endface.criteria.profile import load_profile
from endface.environment import default_repository
from endface.errors import EndfaceError
from endface.server.ports import free_ports
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client._errors import UnreadablePicture
from endface_client.cli.find_pictures import find_pictures
from endface_client.cli.serve import READY_WITHIN_S
from endface_client.output.folder import RunFolder

_INSPECTED: Final = (0, 1)
"""Exit codes of ``endface inspect`` that say that every picture got a report; in a demo some are meant to fail."""


def demo(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Pictures, or folders with pictures.")],
    *,
    profile: Annotated[str, typer.Option(help="Limits to judge by.")] = "mm-pc",
    out: Annotated[Path, typer.Option(help="Write reports, overlays and a page into this folder.")] = Path("out"),
) -> None:
    """Start Triton on free ports, inspect pictures, write reports, stop: exit 0 if every picture got a report."""
    started = time.perf_counter()
    try:
        _check(paths, profile, out)
        http_port, grpc_port, metrics_port = free_ports(3)
        settings = Settings(
            repository=default_repository(), http_port=http_port, grpc_port=grpc_port, metrics_port=metrics_port
        )
        with EmbeddedServer(settings) as server, _stop_in_words():
            server.wait_ready(READY_WITHIN_S)
            typer.echo(f"Triton is ready after {time.perf_counter() - started:.1f} s: gRPC {server.grpc_address}")
            options = ["--server", server.grpc_address, "--profile", profile, "--out", str(out)]
            typer.echo(f"$ endface inspect {' '.join(map(str, paths))} {' '.join(options)}")
            inspect = subprocess.run(
                [sys.executable, "-m", "endface_client", "inspect", *map(str, paths), *options], check=False
            )
    except EndfaceError as exc:
        typer.echo(f"endface demo: {exc}", err=True)
        raise typer.Exit(2) from exc
    typer.echo(f"Triton is stopped; {time.perf_counter() - started:.0f} s in all")
    raise typer.Exit(0 if inspect.returncode in _INSPECTED else inspect.returncode)


@contextmanager
def _stop_in_words() -> Iterator[None]:
    """Say that the server is being stopped, which takes seconds; another Ctrl-C must not leave it running."""
    try:
        yield
    except SystemExit:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        typer.echo("endface demo: interrupted; Triton is being stopped, this takes up to ten seconds", err=True)
        raise


def _check(paths: list[Path], profile: str, out: Path) -> None:
    """Check the command line before a server is started for it.

    Raises:
        EndfaceError: there is no picture or no such profile, or the results cannot be written.
    """
    found = find_pictures(paths, outputs=[out])
    if not found.pictures:
        raise UnreadablePicture("; ".join(str(outcome.result) for outcome in found.not_inspected))
    load_profile(profile)
    RunFolder(out, found.pictures)
