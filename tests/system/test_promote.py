"""A network is promoted and rolled back under a running server while stations work: no call is lost or mislabelled."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import pytest

from endface.files import sha256_of
from endface.report import ModelInfo
from endface_build.evaluation.golden import Golden
from endface_build.manifest import MANIFEST_FILE, MODEL_FILE
from endface_build.rollout.promote import promote, rollback
from endface_build.rollout.servers import servers_of
from endface_build.rollout.versions import Versions
from endface_client import Client
from tests.servers import Ports, Serving, free_ports, serve
from tests.system.stations import Stations
from tests.waiting import wait_until

pytestmark = pytest.mark.triton

STATIONS = 2
"""As many pictures under way as a server works on at a time."""


@pytest.fixture(scope="module")
def models(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository that may be changed."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(repository, tmp_path_factory.mktemp("rollout") / "models", ignore=ignored))


@pytest.fixture
def candidate(repository: Path, tmp_path: Path) -> Path:
    """The served network with a remark in it: another file with the same answers."""
    folder = tmp_path / "candidate"
    shutil.copytree(repository / "segment" / "2", folder)
    model = onnx.load(folder / MODEL_FILE)
    model.doc_string = "the same, but another file"
    onnx.save_model(model, folder / MODEL_FILE)
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest | {"sha256": sha256_of(folder / MODEL_FILE)}))
    return folder / MODEL_FILE


@pytest.fixture(scope="module")
def ports() -> Ports:
    """Three free ports."""
    return free_ports()


@pytest.fixture(scope="module")
def serving(models: Path, ports: Ports) -> Iterator[Serving]:
    """``endface serve`` on the copy, which has to survive."""
    with serve(ports, f"--repository={models}", "--profile=mm-pc") as running:
        yield running
        assert running.process.poll() is None, "the server did not survive"


@contextmanager
def stations(serving: Serving, picture: bytes) -> Iterator[Stations]:
    """Stations that send nothing a second time: a call that fails is an error."""
    with Client(serving.address, profile="mm-pc", repeat=False) as client:
        working = Stations(client, picture, STATIONS)
        with working.working():
            yield working
    assert {report.verdict for report in working.reports} == {"pass"}


def network(working: Stations) -> ModelInfo:
    """The network that is named once every station has asked anew."""
    model = working.wait_for(2 * STATIONS)[-1].model
    assert model is not None
    return model


def test_no_call_is_lost(serving: Serving, models: Path, ports: Ports, candidate: Path, png: bytes) -> None:
    """Stations that work all the time see version 2, 3 and 2 again, each under its own sum, and never an error."""
    servers = servers_of(f"127.0.0.1:{ports['http_port']}")
    versions = Versions(models)
    first = sha256_of(versions.path(2) / MODEL_FILE)
    with stations(serving, png) as working:
        before = network(working)
        promote(candidate, versions, [Golden("face.png", png, "mm-pc", "pass")], servers=servers)
        promoted = network(working)
        rollback(versions, servers=servers)
        after = network(working)

    assert (before.version, before.sha256) == ("2", first)
    assert (promoted.version, promoted.sha256) == ("3", sha256_of(candidate))
    assert (after.version, after.sha256) == ("2", first)


def test_version_that_does_not_load_changes_nothing(serving: Serving, models: Path, png: bytes) -> None:
    """A broken version that somebody copied in by hand is named in the log; the one before goes on serving."""
    aside = models / "segment" / "broken"
    shutil.copytree(models / "segment" / "2", aside)
    (aside / MODEL_FILE).write_bytes(b"not a network")
    with stations(serving, png) as working:
        network(working)
        aside.rename(models / "segment" / "7")
        wait_until(lambda: "version 7 of the network is not served" in serving.log, message=serving.lines)
        model = network(working)

    assert model.version == "2"
    assert "is not the file that its manifest describes" in serving.log
