"""TensorFlow Lite files, written operator by operator: what the format needs around tensors and operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

FLOAT: Final = schema.TensorType.FLOAT32
INT8: Final = schema.TensorType.INT8

_FILE_IDENTIFIER: Final = b"TFL3"
_SCHEMA_VERSION: Final = 3
_KINDS: Final = {"float32": FLOAT, "int8": INT8, "int32": schema.TensorType.INT32}

_VERSIONS: Final = {
    schema.BuiltinOperator.ADD: 2,
    schema.BuiltinOperator.CONV_2D: 3,
    schema.BuiltinOperator.DEQUANTIZE: 2,
    schema.BuiltinOperator.PAD: 2,
    schema.BuiltinOperator.QUANTIZE: 1,
    schema.BuiltinOperator.RESIZE_NEAREST_NEIGHBOR: 2,
}
"""The first version of each operator that knows signed bytes (TensorFlow's ``op_version.cc``)."""


@dataclass(frozen=True)
class Scale:
    """Scale of a tensor's integers: ``steps * (integer - zero)``: one step, or one for each channel."""

    steps: tuple[float, ...]
    zero: int = 0

    @classmethod
    def of_range(cls, low: float, high: float) -> Scale:
        """The finest scale of a byte that holds a range and has zero among its steps, so that padding is exact."""
        low, high = min(low, 0.0), max(high, 0.0)
        step = (high - low) / 255 or 1.0
        return cls((step,), round(-128 - low / step))


class File:
    """A file, built step by step: tensors are known by their numbers, and operators run in the order given."""

    def __init__(self) -> None:
        self._tensors: list[Any] = []
        self._buffers: list[Any] = [schema.BufferT()]  # tensors without content share the first, empty one
        self._operators: list[Any] = []
        self._codes: list[int] = []

    def tensor(self, name: str, shape: Sequence[int], kind: int, scale: Scale | None = None) -> int:
        """A tensor that is computed, or the file's input.

        Args:
            name: For people who look into the file.
            shape: With the batch axis; channels last.
            kind: FLOAT or INT8.
            scale: Of bytes.

        Returns:
            Its number.
        """
        return self._add(name, shape, kind, scale, buffer=0)

    def constant(self, name: str, values: NDArray[Any], scale: Scale | None = None) -> int:
        """A tensor with values, float32, int8 or int32; several steps of its scale belong to its first axis."""
        self._buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        return self._add(name, values.shape, _KINDS[values.dtype.name], scale, buffer=len(self._buffers) - 1)

    def operator(self, code: int, inputs: Sequence[int], output: int, options: Any = None) -> None:
        """An operator.

        Args:
            code: Of ``schema.BuiltinOperator``.
            inputs: Numbers of its inputs.
            output: Number of its output.
            options: Object of the schema, where the operator has some.
        """
        if code not in self._codes:
            self._codes.append(code)
        kind = type(options).__name__.removesuffix("T") if options else "NONE"
        self._operators.append(
            schema.OperatorT(
                opcodeIndex=self._codes.index(code),
                inputs=list(inputs),
                outputs=[output],
                builtinOptionsType=getattr(schema.BuiltinOptions, kind),
                builtinOptions=options,
            )
        )

    def to_bytes(self, inputs: Sequence[int], outputs: Sequence[int], description: str) -> bytes:
        """The whole file, once everything is added."""
        codes = [
            schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=_VERSIONS[code])
            for code in self._codes
        ]
        graph = schema.SubGraphT(
            tensors=self._tensors, inputs=list(inputs), outputs=list(outputs), operators=self._operators, name="main"
        )
        model = schema.ModelT(
            version=_SCHEMA_VERSION,
            operatorCodes=codes,
            subgraphs=[graph],
            description=description,
            buffers=self._buffers,
        )
        builder = flatbuffers.Builder()
        builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
        return bytes(builder.Output())

    def _add(self, name: str, shape: Sequence[int], kind: int, scale: Scale | None, *, buffer: int) -> int:
        quantization = None
        if scale is not None:
            zeros = [scale.zero] * len(scale.steps)
            quantization = schema.QuantizationParametersT(scale=list(scale.steps), zeroPoint=zeros)
        self._tensors.append(
            schema.TensorT(name=name, shape=list(shape), type=kind, buffer=buffer, quantization=quantization)
        )
        return len(self._tensors) - 1
