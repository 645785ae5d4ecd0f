"""Command line of the peers' servers, and the inspection in their workers.

It is imported in a peer's environment, which holds endface and the peer alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2

from endface.engines.onnx_network import Network
from endface.offline import Inspector
from endface.options import Options

MAX_BATCH: Final = 8
"""Pictures that go through the network together at most: as in ``model_repository/segment/config.pbtxt``."""


@dataclass(frozen=True)
class Arguments:
    """Command line of a peer's server.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        workers: Processes that inspect.
        network: The ONNX file.
        profile: The limits to judge by.
    """

    port: int
    workers: int
    network: Path
    profile: str


def arguments() -> Arguments:
    """This process's command line; processes that multiprocessing spawned have their parent's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--profile", required=True)
    return Arguments(**vars(parser.parse_args()))


class Inspection:
    """The inspection in one worker, one thread: workers are as many as cores."""

    def __init__(self, network: Path, profile: str) -> None:
        cv2.setNumThreads(1)
        self._inspector = Inspector.around(Network(network, threads=1), Options(profile))

    def inspect(self, pictures: Sequence[bytes]) -> list[str]:
        """Judge encoded pictures, at least one, in one run of the network; gives their reports as JSON."""
        return [report.to_json() for report in self._inspector.batch(pictures)]
