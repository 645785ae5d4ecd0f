"""The translation of the convolutions for LiteRT, against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import numpy_helper

from endface.errors import ConfigurationError
from endface_build.export.cut_convolutions import LOGITS, PLANES, ranges_of

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed; it comes with the extra litert")

from ai_edge_litert.interpreter import Interpreter

from endface_build.export.tflite_file import Scale
from endface_build.export.to_litert import to_tflite

NODES = """network (float[N,3,8,8] PLANES) => (float[N,5,8,8] LOGITS) <float[4] factors = {1, 1, 2, 2}>
{
    a = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (PLANES, down, down_bias)
    b = Relu (a)
    c = Conv <strides = [1, 1], dilations = [2, 2], pads = [2, 2, 2, 2]> (b, same, same_bias)
    d = Add (b, c)
    e = Relu (d)
    f = Conv <strides = [1, 1], pads = [0, 0, 0, 0]> (e, narrow, narrow_bias)
    g = Resize <mode = "nearest", nearest_mode = "floor", coordinate_transformation_mode = "asymmetric"> (f, , factors)
    h = Conv <strides = [1, 1], pads = [1, 1, 1, 1]> (PLANES, skip, skip_bias)
    i = Add (g, h)
    j = Relu (i)
    LOGITS = Conv <strides = [1, 1], pads = [0, 0, 0, 0]> (j, head, head_bias)
}"""
"""Every kind of node once on 8 x 8 planes: stride, dilation, sum, doubling, a Relu that two nodes read, the head."""

SHAPES = {
    "down": (6, 3, 3, 3),
    "same": (6, 6, 3, 3),
    "narrow": (4, 6, 1, 1),
    "skip": (4, 3, 3, 3),
    "head": (5, 4, 1, 1),
}


def network() -> onnx.ModelProto:
    """The network of ``NODES`` with random weights."""
    rng = np.random.default_rng(5)
    graph = onnx.parser.parse_graph(NODES)
    del graph.value_info[:]
    for name, shape in (SHAPES | {f"{name}_bias": shape[:1] for name, shape in SHAPES.items()}).items():
        graph.initializer.append(numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name))
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)


def run(file: bytes, planes: NDArray[np.float32]) -> NDArray[Any]:
    """What LiteRT gives for planes (1, C, H, W)."""
    interpreter = Interpreter(model_content=file)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], planes.transpose(0, 2, 3, 1).copy())
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).transpose(0, 3, 1, 2)


def test_every_node_means_the_same() -> None:
    """Within what eight bits can hold, LiteRT gives what ONNX Runtime gives, borders, strides and dilation included."""
    model = network()
    onnx.checker.check_model(model, full_check=True)
    planes = [np.random.default_rng(seed).normal(size=(1, 3, 8, 8)).astype(np.float32) for seed in range(20)]
    session = onnxruntime.InferenceSession(model.SerializeToString())

    file = to_tflite(model, ranges_of(model, planes))

    for each in planes:
        wanted = session.run(None, {PLANES: each})[0]
        assert np.abs(run(file, each) - wanted).max() < 0.05 * np.abs(wanted).max()


def test_ranges_hold_what_was_seen() -> None:
    """Every tensor's range holds its extremes over all inputs, and zero."""
    model = network()
    planes = [np.full((1, 3, 8, 8), level, np.float32) for level in (2.0, 5.0)]

    ranges = ranges_of(model, planes)

    assert ranges[PLANES] == (0.0, 5.0)
    assert set(ranges) == {PLANES, LOGITS, *"abcdefghij"}
    assert ranges["b"][0] == 0.0


def test_refuses_a_node_without_translation() -> None:
    """A network of another kind is refused by the name of its node."""
    model = network()
    odd = next(node for node in model.graph.node if node.output[0] == "j")
    odd.op_type, odd.name = "Tanh", "last"

    with pytest.raises(ConfigurationError, match=r"node last \(Tanh\)"):
        to_tflite(model, ranges_of(model, [np.zeros((1, 3, 8, 8), np.float32)]))


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_a_scale_holds_its_range_and_zero(first: float, second: float) -> None:
    """The ends of a range are off by half a step at most, and zero by nothing."""
    low, high = sorted((first, second))
    scale = Scale.of_range(low, high)
    step = scale.steps[0]

    assert -128 <= scale.zero <= 127
    for value in (low, high):
        integer = np.clip(np.rint(value / step) + scale.zero, -128, 127)
        assert abs(step * (integer - scale.zero) - value) <= 0.5001 * step
