"""A plan on a GPU is run as the server would run it, and one that judges otherwise there is not written."""

from __future__ import annotations

from pathlib import Path

import pytest

from endface.engines.onnx_network import open_graph
from endface.engines.plan import PLAN_FILE, PlanManifest, open_plan
from endface.engines.tensorrt_library import Machine
from endface.errors import EngineError, PlanError
from endface_build.export import verify_on_gpu
from endface_build.export.build_plan import build_plan
from endface_build.manifest import MODEL_FILE, read_manifest

CARD = ("NVIDIA Card of Tests", "8.9", "580.00")


@pytest.fixture
def folder(write_steps, tmp_path):
    """A version of a network that labels by brightness."""
    return write_steps(tmp_path / "1")


@pytest.fixture
def card(monkeypatch, folder):
    """A GPU that runs the network as ONNX Runtime does, or as ``card.segment`` says."""

    class Card:
        """Stands in for the network on a GPU: opens the plan as that does."""

        segment = open_graph(folder / MODEL_FILE)

        def __init__(self, path: Path, runtime: str):
            open_plan(path.parent, Machine.here(runtime), read_manifest(folder)["sha256"])

    monkeypatch.setattr("endface.engines.tensorrt_library._gpu", lambda: CARD)
    monkeypatch.setattr(verify_on_gpu, "GpuNetwork", Card)
    return Card


@pytest.mark.usefixtures("card")
def test_plan_that_agrees_is_verified(rtx, folder, golden):
    """The manifest says on which GPU the plan ran, and how well it agreed."""
    made = build_plan(folder, rtx, "fp16", golden=golden)

    assert (made.gpu, made.compute_capability, made.driver) == CARD
    assert made.device_parity is not None
    assert (made.device_parity.pictures, made.device_parity.labels_equal) == (1, 1.0)
    assert made.verified
    assert made.verification.startswith("verified on NVIDIA Card of Tests: 100.0000% of the labels")
    assert PlanManifest.load(folder) == made


def test_plan_that_judges_otherwise_is_not_written(rtx, folder, golden, card):
    """A verdict that changes on the GPU alone refuses the plan."""
    echo = card.segment
    card.segment = staticmethod(lambda squares: tuple(0 * values for values in echo(squares)))
    with pytest.raises(PlanError, match=r"The plan on NVIDIA Card of Tests judges .*face\.png: \w+ for fail"):
        build_plan(folder, rtx, "fp16", golden=golden)

    assert not (folder / PLAN_FILE).exists()


def test_gpu_that_does_not_take_the_plan(rtx, folder, golden, card, monkeypatch):
    """A GPU of a kind that the runtime does not support leaves no plan either."""

    def refuse(*_):
        raise EngineError("tensorrt_rtx does not take the plan on this GPU")

    monkeypatch.setattr(card, "__init__", refuse)
    with pytest.raises(EngineError, match="does not take the plan"):
        build_plan(folder, rtx, "fp16", golden=golden)

    assert not (folder / PLAN_FILE).exists()
