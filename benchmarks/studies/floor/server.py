"""``python -m benchmarks.studies.floor.server``: Triton around the stages alone, without endface's server around it."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path
from typing import Final

from benchmarks.studies.floor.repository import one_model, three_stages
from endface.server import binary
from endface.server.settings import LIBRARIES

KINDS: Final = {"three": three_stages, "one": one_model}


def main() -> None:
    """Make the repository, and become Triton: gRPC on 127.0.0.1, no HTTP, no metrics, no log of requests."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", choices=KINDS, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--profile", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="For the repository, which is made anew.")
    args = parser.parse_args()
    shutil.rmtree(args.folder, ignore_errors=True)
    args.folder.mkdir(parents=True)
    repository = args.folder / "models"
    parameters = {"profile": args.profile, "network": str(args.network)}
    KINDS[args.models](args.network.parents[2], repository, parameters, args.workers)
    triton = binary.find(args.folder)
    flags = [
        *triton.flags,
        f"--model-repository={repository}",
        "--disable-auto-complete-config",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={args.port}",
        "--allow-http=false",
        "--allow-metrics=false",
        "--log-info=false",
        f"--backend-config=python,shm-region-prefix-name=floor-{args.port}",
        "--pinned-memory-pool-byte-size=0",
    ]
    os.execve(triton.path, [str(triton.path), *flags], {**os.environ, **triton.environment, **LIBRARIES})


if __name__ == "__main__":
    main()
