"""``endface inspect --offline``: the same jobs and answers without a server, in this process."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator

from endface import environment, offline
from endface.engines.load import load
from endface.errors import RequestError
from endface.options import Options
from endface.report import Report
from endface_client._errors import ClientError, InvalidRequest
from endface_client._transport import wire
from endface_client._transport.wire import Job


def inspect_offline(
    jobs: Iterable[Job],
    engine: str,
    *,
    profile: str | None = None,
    cladding_um: float | None = None,
    um_per_px: float | None = None,
) -> Iterator[Report | ClientError]:
    """Inspect pictures one after another, each on all cores.

    A default profile and the user's own profiles come from the variables of the environment that a server reads.

    Args:
        jobs: the pictures and what to do with them.
        engine: what runs the network, one of ``engines.catalog.OFFLINE``.
        profile: the limits to judge by.
        cladding_um: true cladding diameter.
        um_per_px: the camera's scale.

    Returns:
        Reports in order; a ClientError in the place of a picture that could not be inspected.

    Raises:
        EndfaceError: the engine or its network is missing; nothing can be inspected.
    """
    load(engine)
    default, profiles = os.environ.get(environment.PROFILE, ""), environment.profiles_folder()
    for job in jobs:
        settled = dataclasses.replace(job, profile=profile, cladding_um=cladding_um, um_per_px=um_per_px)
        try:
            options = Options.from_parameters(wire.parameters(settled), default, profiles)
            yield offline.inspect(wire.encode(settled.picture), options, engine=engine)
        except ClientError as exc:
            yield exc
        except RequestError as exc:
            yield InvalidRequest(str(exc), exc.code)
