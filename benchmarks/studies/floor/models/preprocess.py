"""Encoded picture -> square and frame, and nothing else: no errors of a request, no metrics, no log, no marker."""

import json
import os
from typing import Any

import cv2
import numpy as np
import triton_python_backend_utils as pb_utils

from endface.options import Options
from endface.stages import preprocess


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the stage once for each instance, in the order of the served one (benchmarks/NOTES.md)."""
        cv2.setNumThreads(1)
        parameters = json.loads(args["model_config"])["parameters"]
        self._options = Options(parameters["profile"]["string_value"])
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    def execute(self, requests: list[Any]) -> list[Any]:
        """One picture a request, which can be judged."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        picture = pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy().item()
        square, frame = preprocess(picture, self._options)
        text = np.array([[frame.to_json().encode()]], dtype=np.object_)
        tensors = [pb_utils.Tensor("SQUARE", square[np.newaxis, np.newaxis]), pb_utils.Tensor("FRAME", text)]
        return pb_utils.InferenceResponse(tensors)
