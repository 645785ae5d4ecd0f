"""What a Triton of one's own serves and where it listens, checked before anything is started."""

from __future__ import annotations

import errno
import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from endface import contract, environment
from endface.criteria.profile import load_profile, profile_names
from endface.engines import catalog
from endface.engines.catalog import ONNXRUNTIME
from endface.errors import PortTakenError, RepositoryError, ServerStartError
from endface.server import log
from endface.server.certificates import Certificates
from endface.server.secret import read_secret
from endface.telemetry import trace

DEFAULT_ENGINE: Final = ONNXRUNTIME
"""Engine of the models' own ``config.pbtxt``; every other one has a ``configs/<engine>.pbtxt`` of the segment model."""


CONNECTION_AGE_S: Final = 60
"""After it a server ends a connection, once the pictures on it are finished.

Clients call a fleet by one name and look it up again when a connection ends: so long it may take until they find a
server that has come since.  To connect anew costs a client some milliseconds.
"""


@dataclass(frozen=True)
class Settings:
    """What to serve, and where to listen.

    Attributes:
        repository: The model repository.
        host: Name or IPv4 address where clients find the gRPC service; 0.0.0.0 for all networks.
        http_port: Port of Triton's HTTP service.
        grpc_port: Port of its gRPC service.
        metrics_port: Port of its metrics.
        engine: What runs the network.
        profile: Profile of requests that name none; empty: each request must name one.
        profiles: Folder with the user's own profile files.
        http_host: As ``host``, for HTTP, which knows no TLS; for this machine unless told otherwise.
        metrics_host: As ``host``, for the metrics.
        certificates: What gRPC is encrypted with; None talks in the clear.
        admin_secret: File with the secret that opens the administration; None makes one up, anew at each start.
        connection_age_s: How long a client's connection may last.
    """

    repository: Path
    host: str = "127.0.0.1"
    http_port: int = 8000
    grpc_port: int = 8001
    metrics_port: int = 8002
    engine: str = DEFAULT_ENGINE
    profile: str = ""
    profiles: Path | None = None
    http_host: str = "127.0.0.1"
    metrics_host: str = "127.0.0.1"
    certificates: Certificates | None = None
    admin_secret: Path | None = None
    connection_age_s: float = CONNECTION_AGE_S

    @property
    def ports(self) -> dict[str, int]:
        """The ports by the names of their options."""
        return {"--http-port": self.http_port, "--grpc-port": self.grpc_port, "--metrics-port": self.metrics_port}

    @property
    def local_address(self) -> str:
        """Where this machine reaches the gRPC service: one that listens everywhere is found on the loopback."""
        return _local(self.host)

    @property
    def local_http_address(self) -> str:
        """As ``local_address``, for HTTP."""
        return _local(self.http_host)

    @property
    def is_exposed(self) -> bool:
        """Whether other machines may reach the gRPC service."""
        return not ipaddress.ip_address(_resolved(self.host)).is_loopback

    @property
    def secret(self) -> str | None:
        """The secret that opens the administration, where one is named.

        Raises:
            ConfigurationError: its file is none of a secret.
        """
        return read_secret(self.admin_secret) if self.admin_secret else None

    @property
    def flags(self) -> list[str]:
        """Triton's own flags for these settings."""
        flags: dict[str, object] = {
            "model-repository": self.repository.resolve(),
            "http-address": _resolved(self.http_host),
            "http-port": self.http_port,
            "grpc-address": _resolved(self.host),
            "grpc-port": self.grpc_port,
            "grpc-max-connection-age": round(self.connection_age_s * 1000),  # with all the grace that calls need
            "metrics-address": _resolved(self.metrics_host),
            "metrics-port": self.metrics_port,
            "log-info": "false",  # errors and warnings remain
        }
        if self.engine != DEFAULT_ENGINE:
            flags["model-config-name"] = self.engine
        # Our config.pbtxt files are complete; to guess what they lack, Triton would start each stub once more.
        tls = self.certificates.flags if self.certificates else []
        named = (f"--{name}={value}" for name, value in flags.items())
        return ["--disable-auto-complete-config", *named, *tls, *trace.flags()]

    @property
    def environment(self) -> dict[str, str]:
        """What the stages in the stub processes read, and one thread for each library in them."""
        return {
            environment.ENGINE: self.engine,
            environment.PROFILE: self.profile,
            environment.PROFILES: str(self.profiles.resolve()) if self.profiles else "",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def check(self) -> None:
        """Find what would keep Triton from starting, to say it in a sentence.

        Raises:
            RepositoryError: the repository lacks a model, or the engine's configuration.
            EngineError: there is no such engine.
            UnknownProfileError: the default profile does not exist.
            ConfigurationError: a profile, a certificate or the file of the secret is wrong.
            PortTakenError: somebody listens on one of the ports.
            ServerStartError: a host is no address of this machine.
        """
        _check_repository(self)
        _check_profiles(self)
        if self.certificates:
            self.certificates.check()
        _ = self.secret  # refuses what is none
        hosts = (self.http_host, self.host, self.metrics_host)
        for (option, port), host in zip(self.ports.items(), hosts, strict=True):
            _check_port(option, port, _resolved(host), list(self.ports.values()))


def _check_repository(settings: Settings) -> None:
    missing = [
        model.name for model in contract.MODELS if not (settings.repository / model.name / "config.pbtxt").is_file()
    ]
    if missing:
        raise RepositoryError(
            f"{settings.repository} is no model repository of endface: {', '.join(missing)} missing; "
            "name the right folder with --repository"
        )
    name = catalog.named(settings.engine).name
    config = settings.repository / contract.SEGMENT.name / "configs" / f"{name}.pbtxt"
    if name != DEFAULT_ENGINE and not config.is_file():
        raise RepositoryError(f"the repository has no {config} for the engine {name}; restore it from version control")


def _check_profiles(settings: Settings) -> None:
    """Read what the stages will read, to say what is wrong before anything is started."""
    for name in profile_names(settings.profiles):
        load_profile(name, settings.profiles)
    if settings.profile:
        load_profile(settings.profile, settings.profiles)


def _resolved(host: str) -> str:
    """The host as an IPv4 address: Triton's HTTP and gRPC services write IPv6 in two ways, and names in none."""
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
    except OSError as exc:
        raise ServerStartError(f"{host} has no IPv4 address; name one of this machine, or 0.0.0.0 for all") from exc


def _local(host: str) -> str:
    """Where this machine finds what listens there."""
    address = _resolved(host)
    return "127.0.0.1" if address == "0.0.0.0" else address


def _check_port(option: str, port: int, address: str, ports: list[int]) -> None:
    if ports.count(port) > 1:
        raise PortTakenError(f"{option} is {port}, and so is another one; each service needs a port of its own")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Triton does: ignore closing connections
        try:
            probe.bind((address, port))
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                raise PortTakenError(log.port_taken(option, port)) from exc
            raise ServerStartError(f"cannot listen on {address} port {port}: {exc.strerror}") from exc
