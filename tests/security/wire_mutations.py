"""Requests that no client of ours writes: sound ones with wrong parts, and messages whose bytes are damaged.

asked(seed, number)    # the same two numbers give the same request
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from google.protobuf.message import Message
from tritonclient.grpc import service_pb2 as wire

from endface import contract
from tests.security.mutations import choice, damaged, faces, picture

SERVICE: Final = "inference.GRPCInferenceService"

INFER: Final = "ModelInfer"
STREAM: Final = "ModelStreamInfer"

_SAMPLE: Final = Path(__file__).parents[2] / "samples" / "chipped.jpg"

_MODELS: Final = (*(model.name for model in contract.MODELS), contract.ENSEMBLE.name, "", "other", "../endface", "\0")
_VERSIONS: Final = ("", "", "", "1", "2", "0", "-1", "x", "9" * 30)
_TENSORS: Final = ("IMAGE", "SQUARE", "FRAME", "LABELS", "CONFIDENCE", "REPORT", "", "OTHER", "I" * 1000)
_TYPES: Final = ("BYTES", "UINT8", "FP32", "BOOL", "FP16", "INT64", "", "NONSENSE")
_LENGTHS: Final = (-(2**63), -1, 0, 1, 2, 7, 8, 9, 511, 512, 2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1)
_SHAPES: Final = ((1, 1), (1, 1), (2, 1), (8, 1), (9, 1), (1,), (1, 512, 512), (1, 1, 512, 512), (8, 1, 512, 512))
_PARAMETERS: Final = (
    *contract.PARAMETERS, "meta.a", "meta.", "timeout", "priority", "sequence_id", "sequence_start", "sequence_end",
    "shared_memory_region", "shared_memory_byte_size", "shared_memory_offset", "classification", "binary_data",
    "binary_data_output", "triton_enable_empty_final_response", "headers", "",
)  # fmt: skip
_TEXTS: Final = ("", "mm-pc", "sm-apc", "../mm-pc", "125", "-1", "nan", "inf", "1e999", "\0", "\u202e", "x" * 70_000)

_OTHERS: Final[tuple[tuple[str, Message], ...]] = (
    ("ServerLive", wire.ServerLiveRequest()),
    ("ServerReady", wire.ServerReadyRequest()),
    ("ServerMetadata", wire.ServerMetadataRequest()),
    ("ModelReady", wire.ModelReadyRequest(name="endface", version="1")),
    ("ModelMetadata", wire.ModelMetadataRequest(name="endface")),
    ("ModelConfig", wire.ModelConfigRequest(name="segment", version="1")),
    ("ModelStatistics", wire.ModelStatisticsRequest(name="endface")),
    ("RepositoryIndex", wire.RepositoryIndexRequest(ready=True)),
    ("RepositoryModelLoad", wire.RepositoryModelLoadRequest(model_name="segment")),
    ("RepositoryModelUnload", wire.RepositoryModelUnloadRequest(model_name="endface")),
    ("SystemSharedMemoryStatus", wire.SystemSharedMemoryStatusRequest()),
    ("SystemSharedMemoryRegister", wire.SystemSharedMemoryRegisterRequest(name="a", key="/a", byte_size=1 << 62)),
    ("SystemSharedMemoryUnregister", wire.SystemSharedMemoryUnregisterRequest(name="a")),
    ("CudaSharedMemoryStatus", wire.CudaSharedMemoryStatusRequest()),
    ("CudaSharedMemoryRegister", wire.CudaSharedMemoryRegisterRequest(name="a", raw_handle=b"a", byte_size=1 << 62)),
    ("CudaSharedMemoryUnregister", wire.CudaSharedMemoryUnregisterRequest(name="a")),
    ("TraceSetting", wire.TraceSettingRequest(model_name="endface")),
    ("LogSettings", wire.LogSettingsRequest()),
    ("NoSuchMethod", wire.ServerLiveRequest()),
)


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        method: Of Triton's gRPC service.
        data: The message's bytes.
        is_packed: Whether they travel packed by gzip.
        is_whole: Whether the bytes are a message that its writer meant.
    """

    method: str
    data: bytes
    is_packed: bool = False
    is_whole: bool = True


def asked(seed: int, number: int) -> Asked:
    """One request of a series."""
    rng = np.random.default_rng([seed, number])
    method, message = _message(rng, seed, number)
    data = message.SerializeToString(deterministic=True)  # a map has no order of its own
    is_whole = bool(rng.random() < 0.65)
    return Asked(method, data if is_whole else damaged(data, rng), bool(rng.random() < 0.1), is_whole)


def infer_request(*pictures: bytes) -> wire.ModelInferRequest:
    """A request as our client writes it."""
    content = b"".join(struct.pack("<I", len(data)) + data for data in pictures)
    request = wire.ModelInferRequest(model_name=contract.ENSEMBLE.name, raw_input_contents=[content])
    request.inputs.add(name=contract.IMAGE.name, datatype="BYTES", shape=[len(pictures), 1])
    request.parameters["profile"].string_param = "mm-pc"
    return request


def _message(rng: np.random.Generator, seed: int, number: int) -> tuple[str, Message]:
    kind = rng.random()
    if kind < 0.1:
        return choice(_OTHERS, rng)
    method = STREAM if rng.random() < 0.2 else INFER
    if kind < 0.13:
        return method, infer_request(picture(seed, number))
    request = infer_request(*(choice(_pictures(), rng) for _ in range(choice((1, 1, 1, 1, 2), rng))))
    for _ in range(rng.integers(1, 3) if kind < 0.5 else rng.integers(2, 8)):
        choice((_name, _tensor, _tensor, _content, _content, _typed_content, _parameter, _parameter, _output), rng)(
            request, rng
        )
    return method, request


@lru_cache
def _pictures() -> tuple[bytes, ...]:
    """Small ones, that take little of the server, and as many that are none."""
    small = [data for data in faces() if len(data) < 10_000]
    return (*small, *(b"",) * len(small), b"x", _SAMPLE.read_bytes())


def _name(request: wire.ModelInferRequest, rng: np.random.Generator) -> None:
    request.model_name = choice(_MODELS, rng)
    request.model_version = choice(_VERSIONS, rng)
    request.id = choice(("", "a", "\n", "x" * 10_000, '"}'), rng)


def _tensor(request: wire.ModelInferRequest, rng: np.random.Generator) -> None:
    """An input is there twice, is gone, or has another name, type or shape."""
    if not request.inputs or rng.random() < 0.2:
        request.inputs.add(name=choice(_TENSORS, rng), datatype=choice(_TYPES, rng), shape=choice(_SHAPES, rng))
        return
    at = int(rng.integers(len(request.inputs)))
    tensor = request.inputs[at]
    kind = rng.integers(6)
    if kind == 0:
        del request.inputs[at]
    elif kind == 1:
        tensor.name = choice(_TENSORS, rng)
    elif kind == 2:
        tensor.datatype = choice(_TYPES, rng)
    elif kind == 3:
        tensor.shape[:] = choice(_SHAPES, rng)
    elif kind == 4:
        tensor.shape[:] = [choice(_LENGTHS, rng) for _ in range(rng.integers(0, 6))]
    else:
        _set(tensor.parameters[choice(_PARAMETERS, rng)], rng)


def _content(request: wire.ModelInferRequest, rng: np.random.Generator) -> None:
    """An input's bytes are gone, cut, too many, or lie about their length."""
    if not request.raw_input_contents or rng.random() < 0.2:
        request.raw_input_contents.append(choice((b"", b"\0", bytes(4), bytes(512 * 512), b"\xff" * 8), rng))
        return
    at = int(rng.integers(len(request.raw_input_contents)))
    content = request.raw_input_contents[at]
    kind = rng.integers(4)
    if kind == 0:
        del request.raw_input_contents[at]
    elif kind == 1:
        request.raw_input_contents[at] = content[: rng.integers(len(content) + 1)]
    elif kind == 2:
        request.raw_input_contents[at] = content + rng.bytes(int(rng.integers(1, 20)))
    else:
        length = choice((0, 1, len(content) - 5, len(content), 2**31 - 1, 2**31, 2**32 - 1), rng) & 0xFFFFFFFF
        request.raw_input_contents[at] = struct.pack("<I", length) + content[4:]


def _typed_content(request: wire.ModelInferRequest, rng: np.random.Generator) -> None:
    """The bytes travel in the field that is meant for typed values, alone or beside the raw ones."""
    for tensor in request.inputs:
        tensor.contents.bytes_contents.extend(choice(_pictures(), rng) for _ in range(rng.integers(0, 4)))
        if rng.random() < 0.3:
            tensor.contents.uint_contents.extend([1, 2**32 - 1])
    if rng.random() < 0.7:
        del request.raw_input_contents[:]


def _parameter(request: wire.ModelInferRequest, rng: np.random.Generator) -> None:
    _set(request.parameters[choice(_PARAMETERS, rng)], rng)


def _output(request: wire.ModelInferRequest, rng: np.random.Generator) -> None:
    output = request.outputs.add(name=choice(_TENSORS, rng))
    name = choice(_PARAMETERS, rng)
    if rng.random() < 0.3 and name != "classification":  # ends Triton 2.51: test_heavy_requests.py, SECURITY.md
        _set(output.parameters[name], rng)


def _set(parameter: wire.InferParameter, rng: np.random.Generator) -> None:
    kind = rng.integers(5)
    if kind == 0:
        parameter.string_param = choice(_TEXTS, rng)
    elif kind == 1:
        parameter.int64_param = choice(_LENGTHS, rng)
    elif kind == 2:
        parameter.bool_param = bool(rng.integers(2))
    elif kind == 3:
        parameter.double_param = choice((0.0, -1.0, 125.0, float("nan"), float("inf"), 5e-324), rng)
    else:
        parameter.ClearField("parameter_choice")
