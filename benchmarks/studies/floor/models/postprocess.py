"""Labels, confidence and frame -> report, and nothing else."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import triton_python_backend_utils as pb_utils

from endface.engines.catalog import ONNXRUNTIME
from endface.engines.manifest import identify
from endface.frame import Frame
from endface.stages import postprocess


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the stage once for each instance."""
        cv2.setNumThreads(1)
        parameters = json.loads(args["model_config"])["parameters"]
        self._info = identify(Path(parameters["network"]["string_value"]).parent, ONNXRUNTIME)

    def execute(self, requests: list[Any]) -> list[Any]:
        """One picture a request."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        labels, confidence, text = (
            pb_utils.get_input_tensor_by_name(request, name).as_numpy()[0] for name in ("LABELS", "CONFIDENCE", "FRAME")
        )
        report = postprocess(labels, confidence, Frame.from_json(text.item().decode()), self._info)
        answer = np.array([[report.to_json().encode()]], dtype=np.object_)
        return pb_utils.InferenceResponse([pb_utils.Tensor("REPORT", answer)])
