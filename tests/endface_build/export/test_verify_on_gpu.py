"""A plan on a GPU is run as the server would run it, and one that judges otherwise there is not written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from endface.engines.onnx_network import open_graph
from endface.engines.plan import PLAN_FILE, PlanManifest, open_plan
from endface.engines.tensorrt_library import Machine
from endface.errors import EngineError, PlanError
from endface_build.evaluation.golden import Golden
from endface_build.export import verify_on_gpu
from endface_build.export.build_plan import build_plan
from endface_build.manifest import MODEL_FILE, read_manifest

Segment = Callable[[NDArray[np.uint8]], tuple[Any, ...]]
Be = Callable[[Segment], Callable[[], PlanManifest]]


@pytest.fixture
def build_on(folder: Path, with_gpu: Machine, golden: list[Golden], monkeypatch: pytest.MonkeyPatch) -> Be:
    """Builds a plan on a machine whose GPU answers as it is told."""

    def on(segment: Segment) -> Callable[[], PlanManifest]:
        class Card:
            """Stands in for the network on a GPU: opens the plan as that does."""

            def __init__(self, path: Path, _: str) -> None:
                open_plan(path.parent, with_gpu, read_manifest(folder)["sha256"])
                self.segment = segment

        monkeypatch.setattr(verify_on_gpu, "GpuNetwork", Card)
        return partial(build_plan, folder, with_gpu.runtime, "fp16", golden=golden, machine=with_gpu)

    return on


def test_plan_that_agrees_is_verified(build_on: Be, folder: Path, with_gpu: Machine) -> None:
    """The manifest says on which GPU the plan ran, and how well it agreed."""
    made = build_on(open_graph(folder / MODEL_FILE))()

    assert (made.gpu, made.compute_capability, made.driver) == (with_gpu.gpu, "8.9", "580.00")
    assert made.device_parity is not None
    assert (made.device_parity.pictures, made.device_parity.labels_equal) == (1, 1.0)
    assert made.verified
    assert made.verification.startswith("verified on NVIDIA Card of Tests: 100.0000% of the labels")
    assert PlanManifest.load(folder) == made


def test_plan_that_judges_otherwise_is_not_written(build_on: Be, folder: Path) -> None:
    """A verdict that changes on the GPU alone refuses the plan."""
    echo = open_graph(folder / MODEL_FILE)
    build = build_on(lambda squares: tuple(0 * values for values in echo(squares)))
    with pytest.raises(PlanError, match=r"The plan on NVIDIA Card of Tests judges .*face\.png: \w+ for fail"):
        build()

    assert not (folder / PLAN_FILE).exists()


def test_gpu_that_does_not_take_the_plan(build_on: Be, folder: Path) -> None:
    """A GPU of a kind that the runtime does not support leaves no plan either."""

    def refuse(_: NDArray[np.uint8]) -> tuple[Any, ...]:
        raise EngineError("tensorrt_rtx does not take the plan on this GPU")

    with pytest.raises(EngineError, match="does not take the plan"):
        build_on(refuse)()

    assert not (folder / PLAN_FILE).exists()
