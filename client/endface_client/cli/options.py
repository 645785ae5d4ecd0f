"""Options of several commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Final, TypeGuard, get_type_hints

import typer

from endface.comparison import REWORK_AFTER
from endface.environment import profiles_folder
from endface.options import Options
from endface.review.keeper import ReviewSettings
from endface_client._base_client import DEFAULT_DEADLINE_S, DEFAULT_SERVER
from endface_client._transport.tls import FLEET_NAME, tls_of
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


@dataclass(frozen=True, kw_only=True)
class InspectionOptions:
    """The options of every command that inspects."""

    server: Servers = DEFAULT_SERVER
    profile: Profile = None
    cladding_um: CladdingUm = None
    um_per_px: UmPerPx = None
    zones: Zones = None
    screen: Screen = False
    any_core: AnyCore = False
    deadline_s: DeadlineS = DEFAULT_DEADLINE_S
    record_limit_gb: RecordLimitGb = DEFAULT_LIMIT_GB
    record_key: RecordKey = None
    rework_after: ReworkAfter = REWORK_AFTER
    review: Review = None
    review_all: ReviewAll = False
    shadow: Shadow = None
    tls_authority: TlsAuthority = None
    tls_certificate: TlsCertificate = None
    tls_key: TlsKey = None
    tls_server_name: TlsServerName = ""

    @property
    def judging(self) -> dict[str, Any]:
        """How to judge, by the names of the client's settings."""
        return {
            "profile": self.profile,
            "cladding_um": self.cladding_um,
            "um_per_px": self.um_per_px,
            "zones": self.zones,
            "screen": self.screen or None,
            "any_core": self.any_core or None,
        }

    @property
    def client_settings(self) -> dict[str, Any]:
        """The settings of a client, by their names; without its servers."""
        tls = tls_of(self.tls_authority, self.tls_certificate, self.tls_key, self.tls_server_name)
        return self.judging | {"deadline_s": self.deadline_s, "tls": tls}

    @property
    def record_limit_bytes(self) -> int:
        """The size at which a record drops its oldest entries."""
        return round(self.record_limit_gb * _GB)

    @property
    def review_settings(self) -> ReviewSettings | None:
        """What is kept for review; None for nothing.

        Raises:
            typer.BadParameter: what is about cases has no folder of cases.
        """
        for name, given in (("--shadow", self.shadow is not None), ("--review-all", self.review_all)):
            if given and self.review is None:
                raise typer.BadParameter("this needs --review: the folder of what should be looked at", param_hint=name)
        return None if self.review is None else ReviewSettings(self.review, self.shadow, everything=self.review_all)

    def unreported(self, profiles: Path | None = None) -> Options:
        """What reports do not say of how they were judged, for a candidate that judges as well."""
        return Options("", profiles=profiles or profiles_folder(), screen=self.screen, any_core=self.any_core)


def with_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameters may be dataclasses of options: on the command line each field is an option.

    Typer takes the options from the signature, so the fields of the groups are put there, after the command's own.
    """
    parameters = signature(command, eval_str=True).parameters
    groups = {name: each.annotation for name, each in parameters.items() if _is_group(each.annotation)}
    spread = [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for group in groups.values()
        for hints in [get_type_hints(group, include_extras=True)]
        for each in fields(group)
    ]

    @wraps(command)
    def run(**given: Any) -> None:
        made = {
            name: group(**{each.name: given.pop(each.name) for each in fields(group)}) for name, group in groups.items()
        }
        command(**given, **made)

    own = [each for name, each in parameters.items() if name not in groups]
    run.__signature__ = Signature([*own, *spread])  # type: ignore[attr-defined]  # functions have none by themselves
    return run


def _is_group(annotation: Any) -> TypeGuard[type[Any]]:
    return isinstance(annotation, type) and is_dataclass(annotation)
