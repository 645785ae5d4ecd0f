"""What the sync and the async client share: settings, targets, jobs, what to ask.  Nothing here waits for a server."""

from __future__ import annotations

import dataclasses
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import grpc
import numpy as np
from numpy.typing import NDArray

from endface.errors import ConfigurationError
from endface_client import _wire
from endface_client._attempts import ALWAYS, NEVER, Attempts
from endface_client._errors import ServerUnavailable
from endface_client._wire import Call, Job, Picture

DEFAULT_SERVER: Final = "127.0.0.1:8001"
"""Where ``endface serve`` listens on the machine it runs on; 8001 is Triton's own gRPC port."""

# gRPC's own options, see grpc_types.h.
_CHANNEL: Final = (
    ("grpc.max_send_message_length", -1),  # pictures exceed the 4 MiB that are gRPC's default
    ("grpc.max_receive_message_length", -1),
    # A connection whose other end is frozen or gone is given up after five seconds, and so leaves the round robin.
    # Only while a picture is under way, and twice at most until the next is sent: what servers take for abuse is more.
    ("grpc.keepalive_time_ms", 2000),
    ("grpc.keepalive_timeout_ms", 3000),
    ("grpc.http2.ping_timeout_ms", 3000),  # without it gRPC waits a minute, whatever keepalive_timeout says
    # Whoever comes back is found within a second; by default gRPC waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.min_reconnect_backoff_ms", 2000),  # in spite of its name: how long a connection may take
)

_HEALTH_PROFILE: Final = "mm-pc"  # every server has it, and health is not about the verdict


@dataclass(frozen=True)
class TLS:
    """Certificates as PEM files: whom to trust, and who we are where the server asks.

    Attributes:
        root_certificates: authorities that sign servers; None takes gRPC's own list of public ones.
        private_key: this client's key, for servers that ask for a client certificate.
        certificate_chain: the certificate that belongs to the key.
    """

    root_certificates: Path | None = None
    private_key: Path | None = None
    certificate_chain: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files.

        Raises:
            ConfigurationError: one of them cannot be read.
        """
        files = (self.root_certificates, self.private_key, self.certificate_chain)
        try:
            return grpc.ssl_channel_credentials(*(path.read_bytes() if path else None for path in files))
        except OSError as exc:
            raise ConfigurationError(f"a TLS file cannot be read: {exc}") from exc


class BaseClient(ABC):
    """Settings of a client; see ``Client`` and ``AsyncClient``.

    What fails for a reason that passes - no connection, a server that starts, stops or repairs itself, a full queue -
    is tried again until the deadline, after pauses that grow.  With the default deadline a server may be away for five
    seconds, and any of several servers for good, and no picture is lost.  Once no server has answered for a whole
    deadline, pictures do not wait any more: each is tried once on each server, until one answers.

    Big pictures for one server on this machine travel through shared memory, which the client sees to by itself.

    Args:
        servers: "host:port", or several separated by commas: calls then go round robin over all that are alive.  One
            name is resolved by gRPC whenever it connects, several are resolved once, to IPv4 addresses.
        profile: the limits to judge by where a call names none.
        deadline_s: seconds from sending a picture to its report, connecting and all attempts included.  Of several
            servers each gets half of what is left, so that another one can be tried if it hangs.
        cladding_um: true cladding diameter where a call names none.
        um_per_px: the camera's scale where a call names none.
        tls: certificates; None talks in the clear.
        repeat: False sends each picture once, for programs that see to failures themselves.

    Raises:
        ServerUnavailable: one of several servers has no address.
        ConfigurationError: a TLS file cannot be read.
    """

    def __init__(  # noqa: PLR0913 - all but the servers are optional and by keyword
        self,
        servers: str = DEFAULT_SERVER,
        *,
        profile: str | None = None,
        deadline_s: float = 10.0,
        cladding_um: float | None = None,
        um_per_px: float | None = None,
        tls: TLS | None = None,
        repeat: bool = True,
    ) -> None:
        self.servers = servers
        self.deadline_s = deadline_s
        self._profile = profile
        self._cladding_um = cladding_um
        self._um_per_px = um_per_px
        self._channel = channel_arguments(servers, tls)
        self._repeat = ALWAYS if repeat else NEVER
        self._attempts = Attempts(servers, len(addresses(servers)))
        self._closed = False
        self._open()

    @abstractmethod
    def _open(self) -> None:
        """Make what the twin needs before its first call."""

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
        )

    def _health_job(self) -> Job:
        job = self._job(Job(health_picture(), name="health"))
        return dataclasses.replace(job, profile=job.profile or _HEALTH_PROFILE)

    def _prepared(self, job: Job) -> Call:
        """Read and encode a job's picture; this waits for disks and the name service, never for a server."""
        call = _wire.pack(job)
        self._attempts.look(call)
        return call

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("this client is closed; make a new one, or inspect inside its with block")


def channel_arguments(servers: str, tls: TLS | None) -> Mapping[str, Any]:
    """Arguments of tritonclient's InferenceServerClient for one or several servers."""
    named = addresses(servers)
    several = len(named) > 1
    return {
        "url": "ipv4:" + ",".join(map(_resolved, named)) if several else named[0],
        "creds": tls.credentials() if tls else None,
        "channel_args": [*_CHANNEL, ("grpc.lb_policy_name", "round_robin")] if several else list(_CHANNEL),
    }


def addresses(servers: str) -> list[str]:
    """The addresses in a list of servers.

    Raises:
        ServerUnavailable: there is none.
    """
    named = [address.strip() for address in servers.split(",") if address.strip()]
    if not named:
        raise ServerUnavailable("no server is named; give host:port, such as 127.0.0.1:8001")
    return named


def _resolved(address: str) -> str:
    """The address with its host as a number: gRPC takes no list of names."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as exc:
        raise ServerUnavailable(f"{address} has no IPv4 address: {exc}") from exc
    ip, number = found[0][4][:2]
    return f"{ip}:{number}"  # type: ignore[str-bytes-safe] # typed for all families; IPv4 gives a string


def check_concurrency(concurrency: int) -> None:
    """At least one picture must be under way.

    Raises:
        ValueError: fewer.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency is {concurrency}, it must be at least 1")


def health_picture() -> NDArray[np.uint8]:
    """A clean end face of 384 x 384 pixels of 0.78 um, drawn here: all of zone D, fine enough to be judged."""
    levels = np.full((384, 384), 160, np.uint8)
    cv2.circle(levels, (192, 192), 80, (70,), cv2.FILLED, cv2.LINE_AA)
    cv2.circle(levels, (192, 192), 32, (150,), cv2.FILLED, cv2.LINE_AA)
    return levels
