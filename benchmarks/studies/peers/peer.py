"""Peers: how each is started, and the station that asks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.common.stations import EndfaceStation, Station
from benchmarks.studies.peers.stations import HttpStation, TritonStation

FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True)
class Serving:
    """What a server is to serve, and where.

    Attributes:
        ports: Free ports of this machine, the one that stations ask first.
        workers: Processes that inspect, where the server is told their number.
        network: The ONNX file.
        profile: The limits to judge by.
    """

    ports: tuple[int, int, int]
    workers: int
    network: Path
    profile: str

    @property
    def address(self) -> str:
        """Where stations find it: ``host:port``."""
        return f"127.0.0.1:{self.ports[0]}"


@dataclass(frozen=True)
class Peer:
    """A way to serve the inspection.

    Attributes:
        name: Its folder here.
        title: Its name in tables.
        command: What follows ``python``, given what is served.
        station: A station of its server, given the same.
        variables: Of its processes' environment.
        requirements: What is installed for it beside endface; None where it runs in this process's environment.
    """

    name: str
    title: str
    command: Callable[[Serving], list[str]]
    station: Callable[[Serving], Station]
    variables: Mapping[str, str] = field(default_factory=dict)
    requirements: Path | None = None


def server_command(module: str, serving: Serving) -> list[str]:
    """What follows ``python`` to start a module that takes the options of ``worker.arguments``."""
    return [
        *("-m", module),
        *("--port", str(serving.ports[0])),
        *("--workers", str(serving.workers)),
        *("--network", str(serving.network)),
        *("--profile", serving.profile),
    ]


def _own(name: str, title: str, station: Callable[[str], Station]) -> Peer:
    """A peer with a server in its folder."""
    return Peer(
        name,
        title,
        partial(server_command, f"benchmarks.studies.peers.{name}.server"),
        lambda serving: station(serving.address),
        {"OMP_NUM_THREADS": "1"},
        FOLDER / name / "requirements.txt",
    )


def _serve(serving: Serving) -> list[str]:
    grpc, http, metrics = map(str, serving.ports)
    ports = ("--grpc-port", grpc, "--http-port", http, "--metrics-port", metrics)
    return ["-m", "endface_client", "serve", "--repository", str(serving.network.parents[2]), *ports]


ENDFACE: Final = Peer("endface", "endface", _serve, lambda serving: EndfaceStation(serving.address, serving.profile))

PEERS: Final = (
    _own("fastapi", "FastAPI + uvicorn", HttpStation),
    _own("litserve", "LitServe", HttpStation),
    _own("mosec", "mosec", HttpStation),
    _own("bentoml", "BentoML", HttpStation),
    _own("pytriton", "PyTriton", TritonStation),
    _own("torchserve", "TorchServe", partial(HttpStation, path="/predictions/endface")),
)
