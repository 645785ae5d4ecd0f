"""Loops without a server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import Work
from benchmarks.common.pictures import Picture
from benchmarks.studies.peers import in_process
from benchmarks.studies.peers.compiled import rebuilt
from endface.engines.onnx_network import ONNXRUNTIME
from endface.options import Options
from endface.stages import preprocess
from endface_build.engine import Engine
from endface_build.training.network import SegmentGraph


@pytest.fixture
def work(pictures: list[Picture], repository: Path) -> Work:
    """Two pictures and the network that is served."""
    return Work(pictures[:2], repository / "segment" / "1" / "model.onnx", "mm-pc")


def test_exported_network_is_rebuilt(work: Work) -> None:
    """The network in PyTorch, with weights out of its exported file, gives that file's labels on drawn faces."""
    path = in_process.RUNTIMES[in_process.TORCH_COMPILE].file(work.network.parent)
    squares = np.stack([preprocess(picture.data, Options("mm-pc"))[0][np.newaxis] for picture in work.pictures])

    with torch.inference_mode():
        labels, _ = SegmentGraph(rebuilt(path)).eval()(torch.from_numpy(squares))

    assert np.mean(labels.numpy() == Engine(path)(squares)[0]) > 0.9995


def test_file_of_another_network_is_refused(work: Work, tmp_path: Path) -> None:
    """A weight that is missing is said, and not made up."""
    model = onnx.load(in_process.RUNTIMES[in_process.TORCH_COMPILE].file(work.network.parent))
    missing = next(tensor for tensor in model.graph.initializer if tensor.name == "network.head.bias")
    model.graph.initializer.remove(missing)
    onnx.save(model, tmp_path / "model.onnx")

    with pytest.raises(BenchmarkError, match="another network"):
        rebuilt(tmp_path / "model.onnx")


def test_what_stops_a_loop_is_in_its_row(work: Work, tmp_path: Path) -> None:
    """An engine whose file is missing has no figures, but a sentence."""
    row = in_process.measure("opencv", Work(work.pictures, tmp_path / "1" / "model.onnx", "mm-pc"), 0.01)

    assert row["title"] == "OpenCV DNN, float"
    assert "which the engine opencv runs" in row["error"]
    assert "images_per_s" not in row


@pytest.mark.slow
def test_loop_is_measured(work: Work) -> None:
    """A row has the throughput of all cores, and times of one."""
    row = in_process.measure(ONNXRUNTIME, work, 0.01)

    assert row["images_per_s"] > 0
    assert min(row["network_ms"], row["chain_ms"]) > 0
    assert row["load_s"] > 0
