"""All stages of an inspection in one Python model: what users write instead of an ensemble."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found] # exists only inside of Triton

from endface import contract
from endface.engines.manifest import newest_version
from endface.engines.onnx_network import Network
from endface.options import Options
from endface.stages import postprocess, preprocess


class TritonPythonModel:
    """Encoded pictures in, reports out; the network runs once over all pictures of a batch."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the network of the model ``segment`` beside this one: the same file."""
        cv2.setNumThreads(1)
        segment = Path(args["model_repository"]).parent / contract.SEGMENT.name
        self._network = Network(segment / str(newest_version(segment)) / "model.onnx", threads=1)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request with its REPORT."""
        framed, counts = [], []
        for request in requests:
            options = Options.from_parameters(json.loads(request.parameters() or "{}"))
            pictures = pb_utils.get_input_tensor_by_name(request, contract.IMAGE.name).as_numpy().ravel()
            framed += [preprocess(picture, options) for picture in pictures]
            counts.append(len(pictures))
        labels, confidence = self._network.segment(np.stack([square[np.newaxis] for square, _ in framed]))
        reports = [
            postprocess(*answer, frame, self._network.info).to_json().encode()
            for answer, (_, frame) in zip(zip(labels, confidence, strict=True), framed, strict=True)
        ]
        ends = np.cumsum(counts)[:-1]
        answers = np.split(np.array(reports, np.object_)[:, np.newaxis], ends)
        return [pb_utils.InferenceResponse([pb_utils.Tensor(contract.REPORT.name, answer)]) for answer in answers]
