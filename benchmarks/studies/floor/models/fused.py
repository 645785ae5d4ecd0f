"""Encoded picture -> report: all stages in one process, and nothing else."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import triton_python_backend_utils as pb_utils

from endface.engines.onnx_network import Network
from endface.offline import Inspector
from endface.options import Options


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the stages once for each instance."""
        cv2.setNumThreads(1)
        parameters = json.loads(args["model_config"])["parameters"]
        network = Network(Path(parameters["network"]["string_value"]), threads=1)
        self._inspector = Inspector.around(network, Options(parameters["profile"]["string_value"]))

    def execute(self, requests: list[Any]) -> list[Any]:
        """One picture a request, which can be judged."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        picture = pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy().item()
        answer = np.array([[self._inspector(picture).to_json().encode()]], dtype=np.object_)
        return pb_utils.InferenceResponse([pb_utils.Tensor("REPORT", answer)])
