"""The inspection of one picture by a server, or in this process where none is named."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from endface.errors import NoFiberError, PictureError, UnknownProfileError
from endface.options import Options
from endface.picture.decode import decode
from endface.report import Report
from endface_client._client import Client
from endface_client._errors import InvalidRequest
from endface_client._transport import wire
from endface_client._transport.tls import TLS
from endface_client._transport.wire import Job
from endface_client.legacy._config import PROFILE_HINT, EndfaceSettings
from endface_client.legacy._consensus import Consensus, moved


@dataclass(frozen=True)
class Inspection:
    """A report, and whether the separation stage saw the same fiber (None: it did not say)."""

    report: Report
    consensus: Consensus | None
    agrees: bool | None


Inspect: TypeAlias = Callable[[bytes, str, EndfaceSettings, Consensus | None], Inspection]
"""As ``inspect``."""


def inspect(data: bytes, name: str, settings: EndfaceSettings, consensus: Consensus | None) -> Inspection:
    """Inspect a picture; where no fiber stands out, look once more around the one of the separation stage.

    A fiber from that second look counts only where the separation stage put it.

    Raises:
        EndfaceError: the picture was not inspected.
    """
    job = Job(
        data,
        profile=settings.profile,
        cladding_um=settings.cladding_um,
        um_per_px=settings.um_per_px,
        name=name,
        zones=settings.zones,
    )
    report = _ask(job, settings)
    if consensus is None:
        return Inspection(report, None, None)
    if report.error is not None and report.error.code == NoFiberError.code:
        closer = _look_closer(job, report, settings, consensus)
        report = closer or report
    agrees = None if report.fiber is None else consensus.agrees(report.fiber.cladding)
    return Inspection(report, consensus, agrees)


def _look_closer(job: Job, report: Report, settings: EndfaceSettings, consensus: Consensus) -> Report | None:
    """The report of the crop around the consensus, or None where it is no better than the first."""
    assert isinstance(job.picture, bytes)
    try:
        crop, corner = consensus.crop(decode(job.picture).gray)
    except PictureError:  # the first report says it already
        return None
    if not crop.size:
        return None
    found = moved(_ask(dataclasses.replace(job, picture=wire.encode(crop)), settings), corner, report.image)
    return found if found.fiber is not None and consensus.agrees(found.fiber.cladding) else None


def _ask(job: Job, settings: EndfaceSettings) -> Report:
    if settings.server:
        return _ask_server(job, settings)
    from endface import offline  # it brings an engine, which a process that asks a server does not need

    if not settings.profile:
        raise UnknownProfileError(f"nobody says which limits apply; {PROFILE_HINT}")
    options = Options.from_parameters(wire.parameters(job), profiles=settings.profiles)
    assert isinstance(job.picture, bytes)
    return offline.inspect(job.picture, options, engine=settings.engine)


@lru_cache(maxsize=8)
def _client(_process: int, server: str, deadline_s: float, tls: TLS | None) -> Client:
    """The client of a process for all pictures: connections are kept, and a dead server is waited for only once."""
    return Client(server, deadline_s=deadline_s, tls=tls)


def _ask_server(job: Job, settings: EndfaceSettings) -> Report:
    try:
        client = _client(os.getpid(), settings.server, settings.deadline_s, settings.tls)
        return client.ask(job).report
    except InvalidRequest as exc:
        if exc.code == UnknownProfileError.code and not settings.profile:
            raise UnknownProfileError(f"{exc}; {PROFILE_HINT}") from exc
        raise
