"""The engines for a GPU, served by a real Triton; without a GPU these tests say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from endface.engines.tensorrt_library import Machine
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_build.rollout.provision import provision
from endface_client import Client
from tests.servers import free_ports, running

pytestmark = [pytest.mark.triton, pytest.mark.gpu]


@pytest.fixture
def on_gpu(repository: Path, tmp_path: Path) -> Settings:
    """A server's settings for TensorRT for RTX, on a repository with a plan for this machine's GPU."""
    machine = Machine.here("tensorrt_rtx")
    if machine.runtime_version is None:
        pytest.skip("TensorRT for RTX is not installed: pip install '.[rtx]'")
    if machine.gpu is None:
        pytest.skip("no NVIDIA GPU is visible here (nvidia-smi lists none)")
    provision(repository, tmp_path / "models", "tensorrt_rtx")
    return Settings(tmp_path / "models", engine="tensorrt_rtx", profile="mm-pc", **free_ports())


def test_gpu_judges_as_the_cpu_does(on_gpu: Settings, server: EmbeddedServer, samples: list[Path]) -> None:
    """The same verdicts, network and shapes; only the engine has another name."""
    with running(on_gpu) as other, Client(other.grpc_address) as client:
        ours = list(client.inspect_many(samples))
    with Client(server.grpc_address, profile="mm-pc") as client:
        theirs = list(client.inspect_many(samples))

    assert [report.verdict for report in ours] == [report.verdict for report in theirs]
    models = [report.model for report in ours if report.model is not None]
    assert {model.engine for model in models} == {"tensorrt_rtx"}
    assert {model.sha256 for model in models} == {report.model.sha256 for report in theirs if report.model is not None}
