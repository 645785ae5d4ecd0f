"""Options of several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from endface.review.keeper import ReviewSettings
from endface_client._transport.tls import FLEET_NAME
from endface_client.cli.record import KEY_VARIABLE
from endface_client.record.record import DEFAULT_LIMIT_BYTES

_GB: Final = 1_000_000_000
DEFAULT_LIMIT_GB: Final = DEFAULT_LIMIT_BYTES / _GB

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
Profile = Annotated[str | None, typer.Option(help="Limits to judge by; default: the server's, or ENDFACE_PROFILE.")]
CladdingUm = Annotated[float | None, typer.Option(help="True cladding diameter in um; gives the scale.")]
UmPerPx = Annotated[float | None, typer.Option(help="Scale of the camera in um per pixel, instead of the cladding.")]
Zones = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Zones to judge, or all; default: the server's, or ENDFACE_ZONES."),
]
Screen = Annotated[
    bool, typer.Option("--screen", help="Search pictures that are too coarse to pass for large defects and dirt.")
]
AnyCore = Annotated[bool, typer.Option("--any-core", help="Judge a fiber with a core that the profile is not for.")]
RecordLimitGb = Annotated[float, typer.Option(min=0.001, help="Size at which the record drops its oldest entries.")]
RecordKey = Annotated[Path | None, typer.Option(envvar=KEY_VARIABLE, metavar="FILE", help="Key that seals the record.")]
DeadlineS = Annotated[float, typer.Option(min=0.1, help="Seconds for a report, all attempts included.")]
Review = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Keep failures, borderlines, invalid and doubtful pictures here for review."),
]
ReviewAll = Annotated[bool, typer.Option("--review-all", help="Keep all pictures for review, clear passes too.")]
Shadow = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A candidate's model.onnx, which judges too; keep where it differs (--review)."),
]
ReworkAfter = Annotated[
    int,
    typer.Option(min=1, metavar="N", help="Cleanings after which a part that fails is sent to rework, by the record."),
]


def judged(  # noqa: PLR0913 - the options of all commands that inspect
    profile: str | None,
    cladding_um: float | None,
    um_per_px: float | None,
    zones: str | None,
    *,
    screen: bool,
    any_core: bool,
) -> dict[str, Any]:
    """How to judge, by the names of the client's settings."""
    return {
        "profile": profile,
        "cladding_um": cladding_um,
        "um_per_px": um_per_px,
        "zones": zones,
        "screen": screen or None,
        "any_core": any_core or None,
    }


def limit_bytes(record_limit_gb: float) -> int:
    """The size at which a record drops its oldest entries, in bytes."""
    return round(record_limit_gb * _GB)


def review_settings(review: Path | None, shadow: Path | None, *, everything: bool) -> ReviewSettings | None:
    """What is kept for review; None for nothing.

    Raises:
        typer.BadParameter: what is about cases has no folder of cases.
    """
    for name, given in (("--shadow", shadow is not None), ("--review-all", everything)):
        if given and review is None:
            raise typer.BadParameter("this needs --review: the folder of what should be looked at", param_hint=name)
    return None if review is None else ReviewSettings(review, shadow, everything=everything)
