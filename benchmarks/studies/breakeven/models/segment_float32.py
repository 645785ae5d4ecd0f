"""The network behind tensors of float32: what users send who normalise in the client, or never chose a dtype."""

from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found] # exists only inside of Triton

from endface import contract
from endface.engines.manifest import newest_version
from endface.engines.onnx_network import Network


class TritonPythonModel:
    """Gray levels as float32 in, labels and confidence as float32 out."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the network of the model ``segment`` beside this one: the same file."""
        segment = Path(args["model_repository"]).parent / contract.SEGMENT.name
        self._network = Network(segment / str(newest_version(segment)) / "model.onnx", threads=1)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request with LABELS and CONFIDENCE."""
        squares = [pb_utils.get_input_tensor_by_name(each, contract.SQUARE.name).as_numpy() for each in requests]
        outputs = self._network.segment(np.concatenate(squares).astype(np.uint8))
        ends = np.cumsum([len(each) for each in squares])[:-1]
        split = [np.split(values.astype(np.float32), ends) for values in outputs]
        return [
            pb_utils.InferenceResponse(
                [
                    pb_utils.Tensor(contract.LABELS.name, labels),
                    pb_utils.Tensor(contract.CONFIDENCE.name, confidence),
                ]
            )
            for labels, confidence in zip(*split, strict=True)
        ]
