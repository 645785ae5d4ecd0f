"""Base of both clients: their settings, and how these become jobs.  Nothing here waits for a server."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Sequence
from typing import ClassVar, Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from endface_client._transport.attempts import ALWAYS, NEVER, Attempts
from endface_client._transport.channel import ChannelOptions, Target
from endface_client._transport.connection import Connection
from endface_client._transport.tls import TLS
from endface_client._transport.wire import Job, Picture, encoded

DEFAULT_SERVER: Final = "127.0.0.1:8001"
"""Where ``endface serve`` listens on the machine it runs on; 8001 is Triton's own gRPC port."""

DEFAULT_DEADLINE_S: Final = 10.0
"""As long as a picture may wait in a server's queues."""

_HEALTH_PROFILE: Final = "mm-pc"  # every server has it, and health is not about the verdict


class BaseClient:
    """Settings of a client; see ``Client`` and ``AsyncClient``.

    What fails for a reason that passes - no connection, a server that starts, stops or repairs itself, a full queue -
    is tried again until the deadline, after pauses that grow.  With the default deadline a server may be away for five
    seconds, and any of several servers for good, and no picture is lost.  Once no server has answered for a whole
    deadline, pictures do not wait any more: each is tried once on each server, until one answers.

    A client belongs to the process that made it: after a fork the child makes its own.

    Args:
        servers: "host:port", or several separated by commas: calls go round robin over all that are alive.  One name
            may have any number of servers behind it; gRPC looks it up again whenever a connection ends, and servers
            end each connection once a minute.  Several names are looked up again every two seconds while pictures
            are sent; of their addresses only those of IPv4 count.  No proxy is used unless the environment names one
            for gRPC, in ``grpc_proxy``.
        profile: the limits to judge by where a call names none.
        deadline_s: seconds from sending a picture to its report, connecting and all attempts included.  Of several
            servers in a list each gets half of what is left, so that another one can be tried if it hangs.
        cladding_um: true cladding diameter where a call names none.
        um_per_px: the camera's scale where a call names none.
        zones: the zones to judge where a call names none, such as ``A,B``.
        screen: whether a picture that is too coarse to pass is searched for large defects, where a call does not say.
        any_core: whether a core of another kind of fiber than the profile's is overlooked, where a call does not say.
        tls: certificates; None for a connection without encryption.
        repeat: False sends each picture once, for programs that handle failures themselves.

    Raises:
        ServerUnavailable: one of several servers has no address.
        ConfigurationError: ``servers`` holds something else than addresses, or a TLS file is wrong, see
            ``TLS.credentials``.
    """

    _channel_options: ClassVar[ChannelOptions] = ()

    def __init__(  # noqa: PLR0913 - all but the servers are optional and by keyword
        self,
        servers: str = DEFAULT_SERVER,
        *,
        profile: str | None = None,
        deadline_s: float = DEFAULT_DEADLINE_S,
        cladding_um: float | None = None,
        um_per_px: float | None = None,
        zones: str | None = None,
        screen: bool | None = None,
        any_core: bool | None = None,
        tls: TLS | None = None,
        repeat: bool = True,
    ) -> None:
        self.servers = servers
        self.deadline_s = deadline_s
        self._profile = profile
        self._cladding_um = cladding_um
        self._um_per_px = um_per_px
        self._zones = zones
        self._screen = screen
        self._any_core = any_core
        self._repeat = ALWAYS if repeat else NEVER
        target = Target(servers, tls, self._channel_options)
        self._attempts = Attempts(target)
        self._connection = Connection(target)
        self._closing = threading.Event()
        self._process = os.getpid()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.servers!r}, profile={self._profile!r})"

    def _job(self, picture: Picture | Job) -> Job:
        """A job with the client's settings where it has none of its own."""
        job = picture if isinstance(picture, Job) else Job(picture)
        return dataclasses.replace(
            job,
            profile=self._profile if job.profile is None else job.profile,
            cladding_um=self._cladding_um if job.cladding_um is None else job.cladding_um,
            um_per_px=self._um_per_px if job.um_per_px is None else job.um_per_px,
            zones=self._zones if job.zones is None else job.zones,
            screen=self._screen if job.screen is None else job.screen,
            any_core=self._any_core if job.any_core is None else job.any_core,
        )

    def _health_job(self) -> Job:
        job = self._job(Job(health_picture(), name="health"))
        # The server's default for zones does not hold for it, and those of the client may be another profile's.
        return dataclasses.replace(job, profile=job.profile or _HEALTH_PROFILE, zones=None, screen=None, any_core=None)

    def _check_usable(self) -> None:
        if os.getpid() != self._process:
            raise RuntimeError("this client was made in another process; make a new one after a fork")
        if self._closing.is_set():
            raise RuntimeError("this client is closed; make a new one, or inspect inside its with block")

    def _close(self) -> None:
        self._closing.set()
        self._attempts.close()
        self._connection.close()


def check_concurrency(concurrency: int) -> None:
    """Check that at least one picture may be under way.

    Raises:
        ValueError: ``concurrency`` is below 1.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency is {concurrency}, it must be at least 1")


def connector_jobs(pictures: Picture | Job | Sequence[Picture | Job], serial: str) -> list[Job]:
    """The jobs of a connector, each picture read once.

    Raises:
        UnreadablePicture: see ``wire.encode``.
    """
    several = pictures if isinstance(pictures, list | tuple) else [cast("Picture | Job", pictures)]
    jobs = [encoded(each if isinstance(each, Job) else Job(each)) for each in several]
    return [dataclasses.replace(job, serial=job.serial or serial) for job in jobs]


def health_picture() -> NDArray[np.uint8]:
    """A clean end face of 384 x 384 pixels of 0.78 um, drawn here: all of zone D, fine enough to be judged."""
    levels = np.full((384, 384), 160, np.uint8)
    cv2.circle(levels, (192, 192), 80, (70,), cv2.FILLED, cv2.LINE_AA)
    cv2.circle(levels, (192, 192), 32, (150,), cv2.FILLED, cv2.LINE_AA)
    return levels
