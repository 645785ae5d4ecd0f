"""What convolutions compute in is read from the engine, and another precision than was asked for is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from endface.errors import PlanError
from endface_build.export import layer_precision
from endface_build.export.typed_graph import typed
from endface_build.manifest import MODEL_FILE

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


def test_inspector_names_convolutions():
    """The type is that of the weights, or else of the input; layers that do not convolve do not count."""
    assert layer_precision.of_inspector(json.dumps(INSPECTED)) == {"first + relu": "fp16", "second": "fp32"}


def test_fused_engine_says_nothing():
    """Where the engine shows no convolution as a layer of its own, the inspector is no witness."""
    assert layer_precision.of_inspector(json.dumps({"Layers": ["{ForeignNode[first...last]}"]})) == {}


@pytest.mark.parametrize("layout", [(0, 1, 2, 3), (0, 2, 3, 1)], ids=["KCRS", "KRSC"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_weights_in_the_plan(write_steps, tmp_path, precision, layout):
    """Weights are found in either layout in their own type; those that are not there as they should are unknown.

    The last convolution's in less than 64 bytes tell nothing.
    """
    model = typed(write_steps(tmp_path / "1") / MODEL_FILE, precision, [np.zeros((512, 512), np.uint8)])
    through = np.zeros((8, 8, 3, 3), {"fp32": np.float32, "fp16": np.float16, "int8": np.int8}[precision])
    plan = b"head" + through.transpose(layout).tobytes() + b"tail"
    found = layer_precision.of_plan(plan, model)

    assert list(found.values())[:2] == ["unknown", precision]
    assert len(found) == (3 if precision == "fp32" else 2)


def test_weights_are_filled_up_to_words(write_steps, tmp_path):
    """One channel of half precision takes a word of four bytes, the second half of which is empty."""
    model = typed(write_steps(tmp_path / "1") / MODEL_FILE, "fp16")
    spread = np.zeros((8, 3, 3, 2), np.float16)
    spread[:, 1, 1, 0] = 1

    assert layer_precision.of_plan(spread.tobytes(), model)["Conv of first"] == "fp16"


def test_other_precisions_are_refused():
    """The message counts the convolutions, names some of them with what they compute in, and says who told."""
    found = {f"conv {number}": "fp32" for number in range(5)} | {"conv 5": "fp16"}
    with pytest.raises(PlanError, match=r"By the witness, 5 of 6 .* in fp16 \(conv 0: fp32, .*conv 2: fp32\)\."):
        layer_precision.require("fp16", found, "the witness")


def test_asked_precision_passes():
    """Nothing is said where all are as they should be."""
    layer_precision.require("int8", {"first": "int8", "second": "int8"}, "the witness")
