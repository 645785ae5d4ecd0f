"""Tensors to Triton and back: through gRPC, or through system shared memory where their size is known."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tritonclient import grpc as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype, serialize_byte_tensor
from tritonclient.utils import shared_memory as memory

from benchmarks.common.errors import BenchmarkError
from endface import contract

Tensors = Mapping[str, NDArray[Any]]
"""By name, each with the batch axis."""

_DEADLINE_S: Final = 20
_WITHOUT_LIMIT: Final = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]

_OUT_BYTES: Final = {spec.name: int(np.prod(spec.dims)) for spec in contract.SEGMENT.outputs}
"""Outputs that fit into a region made beforehand; a report's length is not known, so it comes through gRPC."""


class Wire:
    """A connection to Triton that counts the bytes of its tensors.

    Attributes:
        sent: Bytes of tensors sent through gRPC so far.
        received: Bytes of tensors that came through gRPC.
        shared: Bytes of tensors that went through shared memory, in either direction.

    Args:
        server: ``host:port`` of gRPC.
    """

    def __init__(self, server: str) -> None:
        self.sent = self.received = self.shared = 0
        self._triton = triton.InferenceServerClient(server, channel_args=_WITHOUT_LIMIT)

    def close(self) -> None:
        """Close the connection."""
        self._triton.close()

    def ask(self, model: str, given: Tensors, wanted: Sequence[str], **parameters: str) -> dict[str, NDArray[Any]]:
        """One inference.

        Args:
            model: its name.
            given: its inputs.
            wanted: names of its outputs.
            parameters: of the request.

        Raises:
            BenchmarkError: the server did not answer.
        """
        inputs = [self._input(name, values) for name, values in given.items()]
        outputs = [self._output(name) for name in wanted]
        try:
            result = self._triton.infer(
                model, inputs, outputs=outputs, parameters=parameters, client_timeout=_DEADLINE_S
            )
        except InferenceServerException as exc:
            raise BenchmarkError(f"{model} did not answer: {exc}; see what the server says of it") from exc
        self.received += sum(map(len, result.get_response().raw_output_contents))
        return {name: self._values(result, name) for name in wanted}

    def _input(self, name: str, values: NDArray[Any]) -> Any:
        tensor = triton.InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
        tensor.set_data_from_numpy(values)
        self.sent += _size(values)
        return tensor

    def _output(self, name: str) -> Any:
        return triton.InferRequestedOutput(name)

    def _values(self, result: Any, name: str) -> NDArray[Any]:
        values: NDArray[Any] = result.as_numpy(name)
        return values


class SharedWire(Wire):
    """As ``Wire``, but the input and outputs of known size lie in regions that are registered once.

    Args:
        server: ``host:port`` of gRPC of a server on this machine.
        largest: bytes of the largest input.
    """

    def __init__(self, server: str, largest: int) -> None:
        super().__init__(server)
        self._regions: dict[str, Any] = {}
        self._register("in", largest)
        for name, size in _OUT_BYTES.items():
            self._register(name, size)

    def close(self) -> None:
        """Take the regions back and close the connection."""
        for name, region in self._regions.items():
            self._triton.unregister_system_shared_memory(_key(name))
            memory.destroy_shared_memory_region(region)
        super().close()

    def _register(self, name: str, size: int) -> None:
        self._regions[name] = memory.create_shared_memory_region(_key(name), _key(name), size, create_only=True)
        self._triton.register_system_shared_memory(_key(name), _key(name), size)

    def _input(self, name: str, values: NDArray[Any]) -> Any:
        tensor = triton.InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
        memory.set_shared_memory_region(
            self._regions["in"], [serialize_byte_tensor(values) if values.dtype == np.object_ else values]
        )
        tensor.set_shared_memory(_key("in"), _size(values))
        self.shared += _size(values)
        return tensor

    def _output(self, name: str) -> Any:
        output = triton.InferRequestedOutput(name)
        if name in _OUT_BYTES:
            output.set_shared_memory(_key(name), _OUT_BYTES[name])
        return output

    def _values(self, result: Any, name: str) -> NDArray[Any]:
        if name not in _OUT_BYTES:
            return super()._values(result, name)
        self.shared += _OUT_BYTES[name]
        shape = list(result.get_output(name).shape)
        values: NDArray[Any] = memory.get_contents_as_numpy(self._regions[name], np.uint8, shape)
        return values


def _key(name: str) -> str:
    """Region of this process; Triton's name for it and the kernel's are the same."""
    return f"endface-breakeven-{os.getpid()}-{name}"


def _size(values: NDArray[Any]) -> int:
    """Bytes on the wire; a byte string is preceded by four bytes of its length."""
    return sum(len(each) + 4 for each in values.ravel()) if values.dtype == np.object_ else values.nbytes
