"""``endface inspect --offline``: jobs are inspected in this process, without a server."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from endface import environment, offline
from endface.engines.load import load
from endface.errors import RequestError
from endface.options import Options
from endface.report import Report
from endface_client._errors import ClientError, InvalidRequest
from endface_client._transport import wire
from endface_client._transport.wire import Job


def inspect_offline(  # noqa: PLR0913 - all but jobs and engine are optional and by keyword
    jobs: Iterable[Job],
    engine: str,
    *,
    profile: str | None = None,
    cladding_um: float | None = None,
    um_per_px: float | None = None,
    zones: str | None = None,
    screen: bool | None = None,
    any_core: bool | None = None,
    profiles: Path | None = None,
) -> Iterator[Report | ClientError]:
    """Inspect pictures one after another, each on all cores.

    What is not given comes from the variables of the environment that a server reads.

    Args:
        jobs: the pictures and what to do with them.
        engine: what runs the network, one of ``engines.catalog.OFFLINE``.
        profile: the limits to judge by.
        cladding_um: true cladding diameter.
        um_per_px: the camera's scale.
        zones: the zones to judge.
        screen: whether to search pictures that are too coarse to pass.
        any_core: whether to overlook a core that the profile is not for.
        profiles: folder with the user's own profiles.

    Returns:
        Reports in order; a ClientError in the place of a picture that could not be inspected.

    Raises:
        EndfaceError: the profile does not exist, or the engine or its network is missing; nothing can be inspected.
    """
    default, profiles = os.environ.get(environment.PROFILE, ""), profiles or environment.profiles_folder()

    def options(job: Job) -> Options:
        settled = dataclasses.replace(
            job,
            profile=profile,
            cladding_um=cladding_um,
            um_per_px=um_per_px,
            zones=zones,
            screen=screen,
            any_core=any_core,
        )
        return Options.from_parameters(environment.request_defaults() | wire.parameters(settled), default, profiles)

    load(engine)
    options(Job(b""))  # what is wrong for all pictures is reported once

    def inspect(job: Job) -> Report | ClientError:
        try:
            return offline.inspect(wire.encode(job.picture), options(job), engine=engine)
        except ClientError as exc:
            return exc
        except RequestError as exc:
            return InvalidRequest(str(exc), exc.code)

    return map(inspect, jobs)
