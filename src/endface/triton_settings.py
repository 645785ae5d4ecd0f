"""What a Triton of one's own serves and where it listens, checked before anything is started."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from endface import contract, engines, environment, triton_log
from endface.errors import PortTakenError, RepositoryError, ServerStartError
from endface.network import ONNXRUNTIME
from endface.profile import load_profile, profile_names

DEFAULT_ENGINE: Final = ONNXRUNTIME
"""Engine of the models' own ``config.pbtxt``; every other one has a ``configs/<engine>.pbtxt`` of the segment model."""


@dataclass(frozen=True)
class Settings:
    """What to serve, and where to listen.

    Attributes:
        repository: The model repository.
        host: Name or IPv4 address to listen on; 0.0.0.0 for all networks.
        http_port: Port of Triton's HTTP service.
        grpc_port: Port of its gRPC service.
        metrics_port: Port of its metrics.
        engine: What runs the network.
        profile: Profile of requests that name none; empty: each request must name one.
        profiles: Folder with the user's own profile files.
    """

    repository: Path
    host: str = "127.0.0.1"
    http_port: int = 8000
    grpc_port: int = 8001
    metrics_port: int = 8002
    engine: str = DEFAULT_ENGINE
    profile: str = ""
    profiles: Path | None = None

    @property
    def ports(self) -> dict[str, int]:
        """The ports by the names of their options."""
        return {"--http-port": self.http_port, "--grpc-port": self.grpc_port, "--metrics-port": self.metrics_port}

    @property
    def local_address(self) -> str:
        """Where this machine reaches the server: one that listens everywhere is found on the loopback."""
        address = _resolved(self.host)
        return "127.0.0.1" if address == "0.0.0.0" else address

    @property
    def flags(self) -> list[str]:
        """Triton's own flags for these settings."""
        address = _resolved(self.host)
        flags: dict[str, object] = {
            "model-repository": self.repository.resolve(),
            "http-address": address,
            "http-port": self.http_port,
            "grpc-address": address,
            "grpc-port": self.grpc_port,
            "metrics-address": address,
            "metrics-port": self.metrics_port,
            "log-info": "false",  # errors and warnings remain
        }
        if self.engine != DEFAULT_ENGINE:
            flags["model-config-name"] = self.engine
        # Our config.pbtxt files are complete; to guess what they lack, Triton would start each stub once more.
        return ["--disable-auto-complete-config", *(f"--{name}={value}" for name, value in flags.items())]

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
            ConfigurationError: the file of a profile is wrong.
            PortTakenError: somebody listens on one of the ports.
            ServerStartError: the host is no address of this machine.
        """
        _check_repository(self)
        _check_profiles(self)
        _check_ports(_resolved(self.host), self.ports)


def _check_repository(settings: Settings) -> None:
    missing = [
        model.name for model in contract.MODELS if not (settings.repository / model.name / "config.pbtxt").is_file()
    ]
    if missing:
        raise RepositoryError(
            f"{settings.repository} is no model repository of endface: {', '.join(missing)} missing; "
            "name the right folder with --repository"
        )
    name = engines.named(settings.engine).name
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


def _check_ports(address: str, ports: dict[str, int]) -> None:
    for option, port in ports.items():
        if list(ports.values()).count(port) > 1:
            raise PortTakenError(f"{option} is {port}, and so is another one; each service needs a port of its own")
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Triton does: ignore closing connections
            try:
                probe.bind((address, port))
            except OSError as exc:
                if exc.errno == errno.EADDRINUSE:
                    raise PortTakenError(triton_log.port_taken(option, port)) from exc
                raise ServerStartError(f"cannot listen on {address} port {port}: {exc.strerror}") from exc
