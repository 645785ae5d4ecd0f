"""Square -> labels and confidence in ONNX Runtime, and nothing else."""

import json
import os
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from endface.engines.onnx_network import Network


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the network once for each instance, in the order of the served one."""
        os.nice(5)
        parameters = json.loads(args["model_config"])["parameters"]
        self._network = Network(Path(parameters["network"]["string_value"]), threads=1)

    def execute(self, requests: list[Any]) -> list[Any]:
        """One square a request."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        square = pb_utils.get_input_tensor_by_name(request, "SQUARE").as_numpy()
        labels, confidence = self._network.segment(square)
        return pb_utils.InferenceResponse(
            [pb_utils.Tensor("LABELS", labels), pb_utils.Tensor("CONFIDENCE", confidence)]
        )
