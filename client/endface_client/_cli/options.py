"""Options that several commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from endface_client._transport.tls import FLEET_NAME

Servers = Annotated[
    str,
    typer.Option("--server", envvar="ENDFACE_SERVER", metavar="HOST:PORT[,...]", help="Server, or several."),
]
TlsAuthority = Annotated[
    Path | None,
    typer.Option(envvar="ENDFACE_TLS_AUTHORITY", metavar="FILE", help="Trust servers of these authorities (PEM)."),
]
TlsCertificate = Annotated[
    Path | None,
    typer.Option(envvar="ENDFACE_TLS_CERTIFICATE", metavar="FILE", help="Our certificate (PEM); takes --tls-key."),
]
TlsKey = Annotated[
    Path | None, typer.Option(envvar="ENDFACE_TLS_KEY", metavar="FILE", help="The certificate's key (PEM).")
]
TlsServerName = Annotated[
    str,
    typer.Option(
        envvar="ENDFACE_TLS_SERVER_NAME",
        metavar="NAME",
        help=f"Name that a server's certificate must have; default: as it is called, of several: {FLEET_NAME}.",
    ),
]
