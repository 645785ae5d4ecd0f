"""What convolutions compute in is read from the engine, and another precision than was asked for is refused."""

from __future__ import annotations

import json

import pytest

from endface.errors import PlanError
from endface_build.export import layer_precision

INSPECTED = {
    "Layers": [
        {
            "Name": "first + relu",
            "LayerType": "CaskConvolution",
            "Inputs": [{"Name": "a", "Format/Datatype": "Half"}],
            "ParameterType": "Convolution",
            "Weights": {"Type": "Half", "Count": 864},
        },
        {
            "Name": "second",
            "LayerType": "CaskConvolution",
            "Inputs": [{"Name": "b", "Format/Datatype": "Row major linear FP32 format"}],
            "ParameterType": "Convolution",
        },
        {"Name": "pool", "LayerType": "CaskPooling", "ParameterType": "Pooling", "Inputs": [{"Name": "c"}]},
        "a name without details",
    ],
    "Bindings": ["SQUARE", "LABELS"],
}
"""An excerpt in the form that TensorRT's documentation shows."""


def test_inspector_names_convolutions() -> None:
    """The type is that of the weights, or else of the input; layers that do not convolve do not count."""
    assert layer_precision.of_inspector(json.dumps(INSPECTED)) == {"first + relu": "fp16", "second": "fp32"}


def test_fused_engine_says_nothing() -> None:
    """Where the engine shows no convolution as a layer of its own, the inspector is no witness."""
    assert layer_precision.of_inspector(json.dumps({"Layers": ["{ForeignNode[first...last]}"]})) == {}


def test_only_other_precisions_are_refused() -> None:
    """The message counts the convolutions, names some with what they compute in, and says who told."""
    found = {f"conv {number}": "fp32" for number in range(5)} | {"conv 5": "fp16"}
    with pytest.raises(PlanError, match=r"By the witness, 5 of 6 .* in fp16 \(conv 0: fp32, .*conv 2: fp32\)\."):
        layer_precision.require("fp16", found, "the witness")
    layer_precision.require("fp32", {"conv 0": "fp32"}, "the witness")
