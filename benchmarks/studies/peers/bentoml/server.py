"""BentoML: workers of uvicorn, each batching its own requests by what it has learnt of their times."""

from __future__ import annotations

import os
import sys

from benchmarks.studies.peers.worker import arguments


def main() -> None:
    """Become ``bentoml serve``, which stops its workers at SIGTERM."""
    args = arguments()
    passed = {"workers": args.workers, "network": args.network.resolve(), "profile": args.profile}
    command = [sys.executable, "-m", "bentoml", "serve", "benchmarks.studies.peers.bentoml.service:Endface"]
    command += ["--host", "127.0.0.1", "--port", str(args.port)]
    command += [word for key, value in passed.items() for word in ("--arg", f"{key}={value}")]
    os.execv(sys.executable, command)


if __name__ == "__main__":
    main()
