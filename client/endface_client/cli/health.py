"""``endface health``: one inspection as the check of a supervisor, a container or a pod."""

from __future__ import annotations

import time
from typing import Annotated, Final

import typer

from endface.errors import EndfaceError
from endface_client._base_client import DEFAULT_DEADLINE_S, DEFAULT_SERVER
from endface_client._client import Client
from endface_client._errors import Overloaded
from endface_client._transport.tls import tls_of
from endface_client.cli.options import Servers, TlsAuthority, TlsCertificate, TlsKey, TlsServerName
from endface_client.cli.run import NOT_INSPECTED

OVERLOADED: Final = 3
"""Exit code where a server works, but its queue is full."""

_DeadlineS = Annotated[float, typer.Option(min=0.1, help="Seconds until a server counts as hanging.")]


def health(  # noqa: PLR0913 - one parameter for each option of the command
    *,
    server: Servers = DEFAULT_SERVER,
    deadline_s: _DeadlineS = DEFAULT_DEADLINE_S,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_server_name: TlsServerName = "",
) -> None:
    """Pass a small picture through the whole ensemble: exit 0 if it works, 3 if the queue is full, 2 if it fails."""
    started = time.perf_counter()
    try:
        tls = tls_of(tls_authority, tls_certificate, tls_key, tls_server_name)
        with Client(server, deadline_s=deadline_s, tls=tls) as client:
            client.health()
    except Overloaded as exc:
        typer.echo(f"overloaded: {exc}", err=True)
        raise typer.Exit(OVERLOADED) from exc
    except EndfaceError as exc:
        typer.echo(f"not healthy: {exc}", err=True)
        raise typer.Exit(NOT_INSPECTED) from exc
    typer.echo(f"healthy: {server} inspected a picture in {(time.perf_counter() - started) * 1000:.0f} ms")
