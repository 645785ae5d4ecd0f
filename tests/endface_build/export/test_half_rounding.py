"""Half precision is seen on the CPU as well: rounding, and overflow above all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

from endface_build.export.half_rounding import rounded

GRAPH = """<ir_version: 10, opset_import: ["": 18]>
twice (float[1,1,2,2] x) => (float[1,1,2,2] y) <float16[1,1,1,1] up = {27648}, float16[1,1,1,1] down = {3072}>
{
    half = Cast <to = 10> (x)
    large = Conv (half, up)
    small = Conv (large, down)
    y = Cast <to = 1> (small)
}"""
"""Multiplies by 4096 and by 1/4096, both exact in half precision; ONNX's text wants their bits."""


def answer(model: onnx.ModelProto, value: float) -> float:
    """What the graph makes of a value."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return float(session.run(None, {"x": np.full((1, 1, 2, 2), value, np.float32)})[0][0, 0, 0, 0])


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (2.0, 2.0),
        (2.001, 2.001953125),  # the nearest number with ten bits behind the first
        (15.99, 15.9921875),
        (16.0, np.inf),  # times 4096 is more than the largest number, 65504
    ],
)
def test_half_precision_is_rounded_and_overflows(value: float, wanted: float) -> None:
    """Values are those of half precision, and what it cannot hold is infinite."""
    assert answer(rounded(parser.parse_model(GRAPH)), value) == wanted


def test_float_stays_as_it_is(write_steps: Callable[..., Path], tmp_path: Path) -> None:
    """A graph without half precision keeps its nodes."""
    model = onnx.load(write_steps(tmp_path / "1") / "model.onnx")
    nodes = [node.SerializeToString() for node in model.graph.node]

    assert [node.SerializeToString() for node in rounded(model).graph.node] == nodes
