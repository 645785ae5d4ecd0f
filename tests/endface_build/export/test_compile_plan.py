"""An engine is built and inspected here, without a GPU; one in another precision than was asked for is refused."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from endface.engines import tensorrt_library
from endface.engines.plan import OptimizationProfile, Precision
from endface.engines.tensorrt_library import Runtime
from endface.errors import PlanError
from endface_build.export import compile_plan
from endface_build.export.compile_plan import compile_graph
from endface_build.export.typed_graph import typed
from endface_build.manifest import MODEL_FILE

RTX: Runtime = "tensorrt_rtx"
BATCHES = [OptimizationProfile(1, 8, 32)]


pytestmark = pytest.mark.usefixtures("rtx")


@pytest.fixture
def steps(folder: Path) -> Path:
    """The file of a network of three convolutions."""
    return folder / MODEL_FILE


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_committed_network_compiles(served: Path, squares: list[NDArray[np.uint8]], precision: Precision) -> None:
    """The network that is served compiles, and each of its convolutions computes in the precision asked for."""
    assert compile_graph(RTX, typed(served, precision, squares[:2]), precision, BATCHES)


@pytest.mark.parametrize("asked", ["fp16", "int8"])
def test_graph_that_would_stay_in_float(served: Path, asked: Precision) -> None:
    """A graph that nobody typed would silently become an engine in FP32: it is refused before it is built."""
    model = typed(served, "fp32")
    with pytest.raises(
        PlanError, match=rf"typed network, 21 of 21 convolutions would not compute in {asked} \(.*: fp32"
    ):
        compile_graph(RTX, model, asked, BATCHES)


def test_one_convolution_in_float(steps: Path) -> None:
    """One convolution that was left out is enough to be refused, and it is named."""
    model = typed(steps, "fp16")
    convolution = next(node for node in model.graph.node if "second" in node.output)
    convolution.output[0] = "second.float"
    casts = [("positive", "positive.float", 1), ("through.half", "through.float", 1), ("second.float", "second", 10)]
    convolution.input[:] = ["positive.float", "through.float"]
    nodes = [onnx.helper.make_node("Cast", [old], [new], f"to {new}", to=kind) for old, new, kind in casts]
    place = list(model.graph.node).index(convolution)
    model.graph.node.insert(place + 1, nodes[2])
    for node in nodes[:2]:
        model.graph.node.insert(place, node)
    with pytest.raises(PlanError, match=r"1 of 3 convolutions would not compute in fp16 \(Conv of second: fp32\)"):
        compile_graph(RTX, model, "fp16", BATCHES)


def test_quantized_weights_alone(steps: Path, squares: list[NDArray[np.uint8]]) -> None:
    """Weights in eight bits with data in float are no INT8 convolution."""
    model = typed(steps, "int8", squares)
    makers = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.op_type == "Conv":  # past the activation's quantization and dequantization
            node.input[0] = makers[makers[node.input[0]].input[0]].input[0]
    with pytest.raises(PlanError, match=r"3 of 3 convolutions would not compute in int8 \(.*: fp32"):
        compile_graph(RTX, model, "int8", BATCHES)


def test_unsupported_operator(steps: Path) -> None:
    """The parser's own error is passed on with operator and node."""
    model = typed(steps, "fp32")
    relu = next(node for node in model.graph.node if node.op_type == "Relu")
    relu.op_type, relu.name = "Det", "my determinant"
    with pytest.raises(PlanError, match=r"parser does not take the network: operator Det in node 'my determinant'"):
        compile_graph(RTX, model, "fp32", BATCHES)


def test_batches_that_cannot_be(steps: Path) -> None:
    """A profile that makes no sense comes back with the builder's own error."""
    with pytest.raises(PlanError, match=r"tensorrt_rtx could not build the plan: \S+"):
        compile_graph(RTX, typed(steps, "fp32"), "fp32", [OptimizationProfile(8, 4, 2)])


class Builder:
    """Stands in for a builder: keeps how the network was made."""

    def __init__(self, log: Any) -> None:
        self.log = log

    def create_network(self, flags: int) -> int:
        """The flags instead of a network."""
        return flags


@pytest.mark.parametrize(
    ("name", "version", "flags"), [("tensorrt", "10.13.2.6", 2), ("tensorrt", "11.0.0.1", 0), (RTX, "1.7.1.116", 0)]
)
def test_network_is_strongly_typed_in_every_version(name: Runtime, version: str, flags: int) -> None:
    """TensorRT 10 must be told to type strongly; 11 and TensorRT for RTX know nothing else."""
    module = ModuleType(name)
    module.__version__ = version
    module.Builder = Builder
    module.NetworkDefinitionCreationFlag = type("Flag", (), {"STRONGLY_TYPED": 1})

    assert compile_plan._network(module, name, None)[1] == flags


def test_old_tensorrt() -> None:
    """A version from before strong typing is refused with what to take instead."""
    module = ModuleType("tensorrt")
    module.__version__ = "8.6.1"
    with pytest.raises(PlanError, match=r"TensorRT 8\.6\.1 is too old: use a Triton container with TensorRT 10"):
        compile_plan._network(module, "tensorrt", None)


def test_builder_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A builder that is null, as without a working driver, ends in a sentence of ours."""
    module = tensorrt_library.load(RTX)

    def null(_: Any) -> None:
        raise TypeError("pybind11::init(): factory function returned nullptr")

    monkeypatch.setattr(module, "Builder", null)
    with pytest.raises(PlanError, match="cannot build on this machine: it gives no reason"):
        compile_plan._network(module, RTX, compile_plan._log(module))
