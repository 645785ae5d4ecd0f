"""``endface inspect``: its options, and whom it has inspect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from endface.engines.catalog import OFFLINE, ONNXRUNTIME
from endface_client._base_client import DEFAULT_DEADLINE_S, DEFAULT_SERVER
from endface_client._cli.offline import inspect_offline
from endface_client._cli.options import Servers, TlsAuthority, TlsCertificate, TlsKey, TlsServerName
from endface_client._cli.record import KEY_VARIABLE
from endface_client._cli.recording import recording
from endface_client._cli.run import Results, Run
from endface_client._client import Client
from endface_client._record.record import DEFAULT_LIMIT_BYTES
from endface_client._transport.tls import tls_of
from endface_client._transport.wire import Job

_GB: Final = 1_000_000_000

_Pictures = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Pictures, or folders with pictures.")]
_Profile = Annotated[str | None, typer.Option(help="Limits to judge by; default: the server's, or ENDFACE_PROFILE.")]
_CladdingUm = Annotated[float | None, typer.Option(help="True cladding diameter; gives the scale.")]
_UmPerPx = Annotated[float | None, typer.Option(help="Scale of the camera, instead of the cladding's.")]
_Concurrency = Annotated[int, typer.Option(min=1, help="Pictures under way at once on the servers.")]
_DeadlineS = Annotated[float, typer.Option(min=0.1, help="How long servers have for a report, all attempts included.")]
_Out = Annotated[Path | None, typer.Option(help="Write reports, overlays and a page here.")]
_Record = Annotated[Path | None, typer.Option(help="Write each inspection down in the record in this folder.")]
_RecordLimitGb = Annotated[
    float, typer.Option(min=0.001, help="How large the record may become before its oldest entries are dropped.")
]
_RecordKey = Annotated[
    Path | None, typer.Option(envvar=KEY_VARIABLE, metavar="FILE", help="Key that seals the record.")
]
_AsJson = Annotated[bool, typer.Option("--json", help="One report a line on stdout, nothing else.")]
_Offline = Annotated[bool, typer.Option("--offline", help="Inspect in this process, without a server.")]
_Engine = Annotated[
    str | None, typer.Option(help=f"What runs the network --offline: {', '.join(OFFLINE)}; default: the first.")
]


def inspect(  # noqa: PLR0913 - one parameter for each option of the command
    paths: _Pictures,
    *,
    server: Servers = DEFAULT_SERVER,
    profile: _Profile = None,
    cladding_um: _CladdingUm = None,
    um_per_px: _UmPerPx = None,
    concurrency: _Concurrency = 8,
    deadline_s: _DeadlineS = DEFAULT_DEADLINE_S,
    out: _Out = None,
    record: _Record = None,
    record_limit_gb: _RecordLimitGb = DEFAULT_LIMIT_BYTES / _GB,
    record_key: _RecordKey = None,
    as_json: _AsJson = False,
    offline: _Offline = False,
    engine: _Engine = None,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_server_name: TlsServerName = "",
) -> None:
    """Inspect pictures: exit 0 if all pass, 1 if any fails or is invalid, 2 if any could not be inspected."""
    if engine and not offline:
        raise typer.BadParameter(
            "it takes --offline; a server has the engine it was started with", param_hint="--engine"
        )
    judged = {"profile": profile, "cladding_um": cladding_um, "um_per_px": um_per_px}
    if offline:
        engine = engine or ONNXRUNTIME
        inspector, inspecting = f"offline, {engine}", partial(_in_this_process, engine, judged)
    else:
        tls = tls_of(tls_authority, tls_certificate, tls_key, tls_server_name)
        settings = judged | {"deadline_s": deadline_s, "tls": tls}
        inspector, inspecting = server, partial(_on_servers, server, concurrency, settings)
    kept = recording(record, inspector, limit_bytes=round(record_limit_gb * _GB), key_file=record_key)
    raise typer.Exit(Run(inspector, inspecting, kept, out=out, as_json=as_json).over(paths))


@contextmanager
def _in_this_process(engine: str, settings: dict[str, Any], jobs: Iterable[Job]) -> Iterator[Results]:
    yield inspect_offline(jobs, engine, **settings)


@contextmanager
def _on_servers(server: str, concurrency: int, settings: dict[str, Any], jobs: Iterable[Job]) -> Iterator[Results]:
    with Client(server, **settings) as client:
        yield client.inspect_many(jobs, concurrency=concurrency, return_errors=True)
