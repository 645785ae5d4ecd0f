"""A network is promoted and rolled back under a running server while clients work: no call is lost or mislabelled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
import tritonclient.grpc

from endface.files import sha256_of
from endface.report import ModelInfo, Report
from endface_build.evaluation.golden import Golden
from endface_build.manifest import MANIFEST_FILE, MODEL_FILE
from endface_build.rollout.promote import promote, rollback
from endface_build.rollout.servers import servers_of
from endface_build.rollout.versions import Versions

pytestmark = pytest.mark.triton

Ports = dict[str, int]
CLIENTS = 3


@pytest.fixture(scope="module")
def models(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository that may be changed."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(repository, tmp_path_factory.mktemp("rollout") / "models", ignore=ignored))


@pytest.fixture
def candidate(repository: Path, tmp_path: Path) -> Path:
    """The served network with a remark in it: another file with the same answers."""
    folder = tmp_path / "candidate"
    shutil.copytree(repository / "segment" / "1", folder)
    model = onnx.load(folder / MODEL_FILE)
    model.doc_string = "the same, but another file"
    onnx.save_model(model, folder / MODEL_FILE)
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest | {"sha256": sha256_of(folder / MODEL_FILE)}))
    return folder / MODEL_FILE


@pytest.fixture(scope="module")
def ports(free_ports: Callable[[], Ports]) -> Ports:
    """Three free ports."""
    return free_ports()


@pytest.fixture(scope="module")
def serving(models: Path, ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """``endface serve`` on the copy; gives the file that its log goes to."""
    log = tmp_path_factory.mktemp("log") / "serve.log"
    flags = [f"--{name.replace('_', '-')}={port}" for name, port in ports.items()]
    command = [sys.executable, "-m", "endface_client", "serve", f"--repository={models}", *flags, "--profile=mm-pc"]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=dict(os.environ)) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline().startswith("endface is ready")
        yield log
        assert process.poll() is None, "the server did not survive"
        process.terminate()


class Load:
    """Clients that inspect one picture again and again; every report and every error is kept."""

    def __init__(self, address: str, picture: bytes) -> None:
        self._address = address
        self._picture = picture
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(CLIENTS)
        self.reports: list[Report] = []

    def __enter__(self) -> Load:
        self._work = [self._pool.submit(self._inspect) for _ in range(CLIENTS)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown()

    def finish(self) -> None:
        """Stop; raise the first error that a client met."""
        self._stop.set()
        self._pool.shutdown()
        self._raise_errors()

    def _raise_errors(self) -> None:
        for work in self._work:
            if work.done():
                work.result()

    def model_after(self, count: int) -> ModelInfo:
        """The network that is named ``count`` reports from now; every client has then asked anew."""
        wanted, deadline_s = len(self.reports) + count, time.monotonic() + 60
        while len(self.reports) < wanted:
            assert time.monotonic() < deadline_s, "the clients do not get on"
            self._raise_errors()
            time.sleep(0.01)
        model = self.reports[wanted - 1].model
        assert model is not None
        return model

    def _inspect(self) -> None:
        values = np.array([[self._picture]], dtype=np.object_)
        tensor = tritonclient.grpc.InferInput("IMAGE", [1, 1], "BYTES")
        tensor.set_data_from_numpy(values)
        with tritonclient.grpc.InferenceServerClient(self._address) as client:  # ours would try again
            while not self._stop.is_set():
                result = client.infer("endface", [tensor], client_timeout=60)
                self.reports.append(Report.from_json(result.as_numpy("REPORT").item()))


@pytest.mark.usefixtures("serving")
def test_no_call_is_lost(models: Path, ports: Ports, candidate: Path, png: bytes) -> None:
    """Clients that work all the time see version 1, 2 and 1 again, each under its own sum, and never an error."""
    servers = servers_of(f"127.0.0.1:{ports['http_port']}")
    versions = Versions(models)
    first = sha256_of(versions.path(1) / MODEL_FILE)
    with Load(f"127.0.0.1:{ports['grpc_port']}", png) as load:
        before = load.model_after(2 * CLIENTS)
        promote(candidate, versions, [Golden("face.png", png, "mm-pc", "pass")], servers=servers)
        promoted = load.model_after(2 * CLIENTS)
        rollback(versions, servers=servers)
        after = load.model_after(2 * CLIENTS)
        load.finish()

    assert (before.version, before.sha256) == ("1", first)
    assert (promoted.version, promoted.sha256) == ("2", sha256_of(candidate))
    assert (after.version, after.sha256) == ("1", first)
    assert {report.verdict for report in load.reports} == {"pass"}


def test_version_that_does_not_load_changes_nothing(serving: Path, models: Path, ports: Ports, png: bytes) -> None:
    """A broken version that somebody copied in by hand is named in the log; the one before goes on serving."""
    aside = models / "segment" / "broken"
    shutil.copytree(models / "segment" / "1", aside)
    (aside / MODEL_FILE).write_bytes(b"not a network")
    with Load(f"127.0.0.1:{ports['grpc_port']}", png) as load:
        load.model_after(CLIENTS)
        aside.rename(models / "segment" / "7")
        while "version 7 of the network is not served" not in serving.read_text():
            load.model_after(1)
        model = load.model_after(2 * CLIENTS)
        load.finish()

    assert model.version == "1"
    assert "is not the file that its manifest describes" in serving.read_text()
