"""The command line that all peers' servers share."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Arguments:
    """What a peer's server is told.

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


def read() -> Arguments:
    """Read this process's command line; processes that multiprocessing spawned have their parent's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--profile", required=True)
    return Arguments(**vars(parser.parse_args()))
