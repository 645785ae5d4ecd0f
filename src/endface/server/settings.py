"""Settings of one Triton: what it serves and where it listens, checked before anything is started."""

from __future__ import annotations

import ipaddress
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from endface import contract, environment
from endface.criteria.profile import load_profile, profile_names
from endface.engines import catalog
from endface.engines.catalog import ONNXRUNTIME
from endface.errors import ConfigurationError, PortTakenError, RepositoryError
from endface.options import Options
from endface.server.certificates import Certificates
from endface.server.ports import check_port, local, resolve
from endface.telemetry import trace

DEFAULT_ENGINE: Final = ONNXRUNTIME
"""Engine of the models' own ``config.pbtxt``; every other one has a ``configs/<engine>.pbtxt`` of the segment model."""

CONNECTION_AGE_S: Final = 60
"""Age at which a server ends a connection, once the pictures on it are finished.

Clients call a fleet by one name and look it up again when a connection ends: so long it may take until they find a
server that has come since.  A new connection costs a client some milliseconds.
"""

SHORTEST_SECRET: Final = 32
"""Characters: as many as 16 random bytes in hexadecimal, which nobody guesses."""

# It stands in a header and in a flag of Triton's, in which commas and colons separate.
_SECRET: Final = re.compile(rf"[A-Za-z0-9_.~-]{{{SHORTEST_SECRET},256}}")
_NEW_SECRET: Final = "make one with `(umask 077; openssl rand -hex 32 >FILE)`"


LIBRARIES: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "GLIBC_TUNABLES": ":".join(
        (
            "glibc.malloc.mmap_threshold=16777216",
            "glibc.malloc.trim_threshold=33554432",
            "glibc.malloc.hugetlb=1",
        )
    ),
}
"""What the libraries in the stages' processes are told, as environment variables (glibc manual, "Memory Allocation
Tunables"): one thread each, and memory that is kept for the next picture, in huge pages where the kernel gives some.
Unless told otherwise glibc returns the buffers of each picture, and the next one faults them in again: up to 500 times.
"""


@dataclass(frozen=True)
class Addresses:
    """Where a server listens, with every name resolved.

    Attributes:
        grpc: IPv4 address of gRPC.
        http: IPv4 address of HTTP.
        metrics: IPv4 address of the metrics.
    """

    grpc: str
    http: str
    metrics: str

    @property
    def local_grpc(self) -> str:
        """Where this machine reaches gRPC: a server that listens everywhere is found on the loopback."""
        return local(self.grpc)

    @property
    def local_http(self) -> str:
        """As ``local_grpc``, for HTTP."""
        return local(self.http)

    @property
    def local_metrics(self) -> str:
        """As ``local_grpc``, for the metrics."""
        return local(self.metrics)

    @property
    def is_exposed(self) -> bool:
        """Whether other machines may reach gRPC."""
        return not ipaddress.ip_address(self.grpc).is_loopback


@dataclass(frozen=True)
class Settings:
    """What to serve, and where to listen.

    Attributes:
        repository: the model repository.
        host: name or IPv4 address where clients find the gRPC service; 0.0.0.0 for all networks.
        http_port: port of Triton's HTTP service.
        grpc_port: port of its gRPC service.
        metrics_port: port of its metrics.
        engine: what runs the network.
        profile: profile of requests that name none; empty: each request must name one.
        profiles: folder with the user's own profile files.
        http_host: as ``host``, for HTTP, which knows no TLS; for this machine unless told otherwise.
        metrics_host: as ``host``, for the metrics.
        certificates: what gRPC is encrypted with; None talks in the clear.
        admin_secret: file with the secret that opens the administration; None makes one up, anew at each start.
        connection_age_s: how long a client's connection may last.
        processes: how many processes run each stage, by model; those that are not named, as their configuration says.
    """

    repository: Path
    host: str = "127.0.0.1"
    http_port: int = 8000
    grpc_port: int = 8001
    metrics_port: int = 8002
    engine: str = DEFAULT_ENGINE
    profile: str = ""
    profiles: Path | None = None
    zones: str = ""
    screen: bool = False
    http_host: str = "127.0.0.1"
    metrics_host: str = "127.0.0.1"
    certificates: Certificates | None = None
    admin_secret: Path | None = None
    connection_age_s: float = CONNECTION_AGE_S
    processes: Mapping[str, int] = field(default_factory=dict)

    @property
    def ports(self) -> dict[str, int]:
        """The ports by the names of their options."""
        return {"--http-port": self.http_port, "--grpc-port": self.grpc_port, "--metrics-port": self.metrics_port}

    def addresses(self) -> Addresses:
        """Where the server listens; asks the name service.

        Raises:
            ServerStartError: a host has no IPv4 address.
        """
        return Addresses(resolve(self.host), resolve(self.http_host), resolve(self.metrics_host))

    def read_secret(self) -> str | None:
        """The secret that opens the administration; None where no file is named.

        Raises:
            ConfigurationError: the file cannot be read, others than its owner can read it, or it holds no secret.
        """
        return _read_secret(self.admin_secret) if self.admin_secret else None

    def flags(self, addresses: Addresses) -> list[str]:
        """Triton's own flags for these settings."""
        flags: dict[str, object] = {
            "model-repository": self.repository.resolve(),
            "http-address": addresses.http,
            "http-port": self.http_port,
            "grpc-address": addresses.grpc,
            "grpc-port": self.grpc_port,
            "grpc-max-connection-age": round(self.connection_age_s * 1000),  # with all the grace that calls need
            "metrics-address": addresses.metrics,
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
        """Environment variables that the stages read, and what the libraries in them are told."""
        return {
            environment.ENGINE: self.engine,
            environment.PROFILE: self.profile,
            environment.ZONES: self.zones,
            environment.SCREEN: "true" if self.screen else "",
            environment.PROFILES: str(self.profiles.absolute()) if self.profiles else "",
            **LIBRARIES,
        }

    def check_repository(self) -> None:
        """Check that the repository is there, whole as far as its models' names go.

        Raises:
            RepositoryError: it lacks a model, or the engine's configuration.
            EngineError: there is no such engine.
        """
        missing = [
            model.name for model in contract.MODELS if not (self.repository / model.name / "config.pbtxt").is_file()
        ]
        if missing:
            raise RepositoryError(
                f"{self.repository} is no model repository of endface: {', '.join(missing)} missing; "
                "name the right folder with --repository"
            )
        name = catalog.named(self.engine).name
        config = self.repository / contract.SEGMENT.name / "configs" / f"{name}.pbtxt"
        if name != DEFAULT_ENGINE and not config.is_file():
            raise RepositoryError(
                f"the repository has no {config} for the engine {name}; restore it from version control"
            )

    def check(self) -> None:
        """Check what would keep Triton from starting.

        Raises:
            RepositoryError: the repository lacks a model, or the engine's configuration.
            EngineError: there is no such engine.
            UnknownProfileError: the default profile does not exist.
            BadParameterError: the default profile does not have or does not limit the default zones.
            ConfigurationError: a profile, a certificate or the file of the secret is wrong.
            PortTakenError: another process listens on one of the ports.
            ServerStartError: a host is no address of this machine.
        """
        self.check_repository()
        _check_profiles(self)
        if self.certificates:
            self.certificates.check()
        self.read_secret()
        addresses = self.addresses()
        services = zip(self.ports.items(), (addresses.http, addresses.grpc, addresses.metrics), strict=True)
        for (option, port), address in services:
            if list(self.ports.values()).count(port) > 1:
                raise PortTakenError(f"{option} is {port}, and so is another one; each service needs a port of its own")
            check_port(option, port, address)


def _check_profiles(settings: Settings) -> None:
    """Read the profiles as the stages will, so that a wrong one is reported before anything is started."""
    for name in profile_names(settings.profiles):
        load_profile(name, settings.profiles)
    if settings.profile:
        Options.from_parameters({"zones": settings.zones}, settings.profile, settings.profiles)


def _read_secret(path: Path) -> str:
    """The secret in a file; white space around it does not count."""
    try:
        with path.open(encoding="ascii") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            secret = file.read(1024).strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"the secret in {path} cannot be read ({type(exc).__name__}); {_NEW_SECRET}") from exc
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"others can read the secret in {path}, its mode is {mode:04o}; chmod 0600 {path}")
    if not _SECRET.fullmatch(secret):
        raise ConfigurationError(
            f"{path} holds no secret of {SHORTEST_SECRET} or more letters, digits, dots and dashes; {_NEW_SECRET}"
        )
    return secret
