"""Pictures as tritonclient takes them."""

from __future__ import annotations

import numpy as np
import tritonclient.grpc


def image_tensor(*pictures: bytes) -> tritonclient.grpc.InferInput:
    """The ensemble's input IMAGE with a batch of pictures."""
    values = np.array([[picture] for picture in pictures], dtype=np.object_)
    tensor = tritonclient.grpc.InferInput("IMAGE", list(values.shape), "BYTES")
    tensor.set_data_from_numpy(values)
    return tensor
