"""One small network for all tests of exports: made once, only read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from endface.engines.onnx_network import open_graph
from endface.engines.tensorrt_library import Machine, Runtime
from endface_build.drawing.squares import Square, draw_square
from endface_build.evaluation.square_metrics import within_outlines
from endface_build.export.quantize import quantize, source_of
from endface_build.export.to_onnx import export
from endface_build.manifest import MODEL_FILE, read_manifest
from endface_build.training.network import SegmentationNetwork
from endface_build.training.recipe import Recipe
from endface_build.training.train import Trained

Bytes = NDArray[np.uint8]


@pytest.fixture(scope="session")
def squares() -> list[Bytes]:
    """Three drawn faces."""
    return [draw_square(1, index)[0] for index in range(3)]


@pytest.fixture(scope="session")
def trained() -> Trained:
    """An untrained narrow network whose head sees something everywhere."""
    torch.manual_seed(0)
    recipe = Recipe(widths=(4, 8, 8))
    network = SegmentationNetwork(recipe.widths)
    torch.nn.init.normal_(network.head.weight, std=20)
    return Trained(network.eval(), recipe, steps=0, seconds=0.0)


@pytest.fixture(scope="session")
def exported(trained: Trained, squares: list[Bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of its export."""
    folder = tmp_path_factory.mktemp("export")
    export(trained, folder, squares=squares[:2])
    return folder


@pytest.fixture(scope="session")
def judged(exported: Path, squares: list[Bytes]) -> list[Square]:
    """Three squares, with what the network in float draws as their truth."""
    segment = open_graph(exported / MODEL_FILE)
    answers = [segment(square[None, None]) for square in squares]
    truths = [within_outlines(labels[0], confidence[0]) for labels, confidence in answers]
    return list(zip(squares, truths, strict=True))


@pytest.fixture(scope="session")
def quantized(exported: Path, judged: list[Square], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of its eight-bit form; an untrained network may lose what it likes."""
    folder = tmp_path_factory.mktemp("quantized")
    quantize(exported, folder, judged=judged, calibration=[judged[0][0]], max_loss=1.0)
    return folder


@pytest.fixture
def no_gpu(rtx: Runtime) -> Machine:
    """A machine that compiles for TensorRT for RTX and has no GPU."""
    return Machine(rtx, Machine.here(rtx).runtime_version)


@pytest.fixture
def with_gpu(no_gpu: Machine) -> Machine:
    """A machine that compiles for TensorRT for RTX and has a GPU."""
    return Machine(no_gpu.runtime, no_gpu.runtime_version, "NVIDIA Card of Tests", "8.9", "580.00")


@pytest.fixture
def folder(write_steps: Callable[..., Path], tmp_path: Path) -> Path:
    """A version of a network of three convolutions that labels by brightness."""
    return write_steps(tmp_path / "1")


@pytest.fixture(scope="session")
def served(repository: Path) -> Path:
    """The file of the project's network in float."""
    version = repository / "segment" / "1"
    return source_of(version, read_manifest(version))
