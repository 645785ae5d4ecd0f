"""Options of several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from endface_client._transport.tls import FLEET_NAME

Servers = Annotated[
    str,
    typer.Option(
        "--server", envvar="ENDFACE_SERVER", metavar="HOST:PORT[,...]", help="Address of the server, or of several."
    ),
]
TlsAuthority = Annotated[
    Path | None,
    typer.Option(envvar="ENDFACE_TLS_AUTHORITY", metavar="FILE", help="Trust servers of these authorities (PEM)."),
]
TlsCertificate = Annotated[
    Path | None,
    typer.Option(
        envvar="ENDFACE_TLS_CERTIFICATE", metavar="FILE", help="Certificate of this client (PEM); needs --tls-key."
    ),
]
TlsKey = Annotated[
    Path | None, typer.Option(envvar="ENDFACE_TLS_KEY", metavar="FILE", help="The certificate's key (PEM).")
]
TlsServerName = Annotated[
    str,
    typer.Option(
        envvar="ENDFACE_TLS_SERVER_NAME",
        metavar="NAME",
        help=f"Name in the server's certificate; default: the host in --server, of several servers: {FLEET_NAME}.",
    ),
]
