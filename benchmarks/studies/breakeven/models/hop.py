"""A step that does nothing: what it costs is what Triton takes for a step."""

from typing import Any

import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found] # exists only inside of Triton


class TritonPythonModel:
    """Bytes in, the same bytes out."""

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request with its own input."""
        inputs = [pb_utils.get_input_tensor_by_name(each, "IN").as_numpy() for each in requests]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", values)]) for values in inputs]
