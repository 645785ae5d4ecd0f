"""TorchServe: its Java front batches requests and hands them to Python workers over Unix sockets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.studies.peers.worker import MAX_BATCH, Arguments, arguments

_WAIT_MS: Final = 10
"""Instead of its 100: its performance guide begins with tuning the batch and this delay."""

_QUEUE: Final = 1000
"""As in the configuration of its own container; with its default of 100, more waiting requests are refused."""

_LOGGING: Final = """rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
"""
"""It logs a dozen lines for each request otherwise; the other peers keep no log of requests either."""


def main() -> None:
    """Serve until SIGTERM; TorchServe's launcher would leave its Java behind, ``--stop`` ends both."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="torchserve-") as folder:
        _archive(args, Path(folder))
        _configure(args, Path(folder))
        # TMPDIR keeps the launcher's file with its process id apart from other servers', TEMP its workers' sockets
        env = os.environ | {"PYTHONPATH": str(Path.cwd()), "TMPDIR": folder, "TEMP": folder}
        launcher, options = _script("torchserve"), ["--foreground", "--disable-token-auth"]
        options += ["--ts-config", "config.properties", "--log-config", "log4j2.properties"]
        process = subprocess.Popen([launcher, *options], cwd=folder, env=env)
        try:
            process.wait()
        except KeyboardInterrupt:
            subprocess.run([launcher, "--stop"], cwd=folder, env=env, check=True)
            process.wait()


def _archive(args: Arguments, folder: Path) -> None:
    """The model archive: the handler, and how many workers and what batches it wants."""
    model = {
        "minWorkers": args.workers,
        "maxWorkers": args.workers,
        "batchSize": MAX_BATCH,
        "maxBatchDelay": _WAIT_MS,
        "handler": {"network": str(args.network.resolve()), "profile": args.profile},
    }
    (folder / "model.yaml").write_text(json.dumps(model), encoding="utf-8")  # JSON is YAML, too
    archiver = [_script("torch-model-archiver"), "--model-name", "endface", "--version", "1.0"]
    archiver += ["--handler", str(Path(__file__).with_name("handler.py")), "--config-file", "model.yaml"]
    subprocess.run(archiver, cwd=folder, check=True)


def _configure(args: Arguments, folder: Path) -> None:
    """The server's settings, https://pytorch.org/serve/configuration.html."""
    address = f"http://127.0.0.1:{args.port}"
    settings = {
        "inference_address": address,
        "management_address": address,
        "metrics_address": "http://127.0.0.1:0",  # any free port
        "grpc_inference_port": 0,
        "grpc_management_port": 0,
        "model_store": folder,
        "load_models": "endface=endface.mar",
        "job_queue_size": _QUEUE,
        "async_logging": "true",  # "for higher throughput"
    }
    lines = "".join(f"{key}={value}\n" for key, value in settings.items())
    (folder / "config.properties").write_text(lines, encoding="utf-8")
    (folder / "log4j2.properties").write_text(_LOGGING, encoding="utf-8")


def _script(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts")) / name)


if __name__ == "__main__":
    main()
