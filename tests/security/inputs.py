"""One input of the guided campaign: a picture, or a request's message; its first byte says which.

python -m tests.security.inputs    # writes the corpus that the campaign begins with
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import DecodeError
from PIL import Image
from tritonclient.grpc import service_pb2 as wire

from endface import stages
from endface.errors import RequestError
from tests.security import fuzz, mutations
from tests.security.wire_mutations import infer_request

CORPUS: Final = Path(__file__).parent / "corpus"
"""Inputs to begin with, which ``write_corpus`` drew, and those that were findings once."""

PICTURE: Final = b"p"
REQUEST: Final = b"r"


def try_input(data: bytes) -> None:
    """One input; whatever it raises is a finding."""
    began_s = time.process_time()
    if data[:1] == REQUEST:
        read_request(data[1:])
    else:
        fuzz.inspect(data[1:])
    took_s = time.process_time() - began_s
    if took_s > fuzz.LIMIT_S:
        raise TimeoutError(f"it took {took_s:.1f} s")


def read_request(data: bytes) -> None:
    """A message as Triton's gRPC reads it, then its parameters as the first stage does, then its pictures."""
    try:
        request = wire.ModelInferRequest.FromString(data)
        options = stages.Options.from_parameters(_parameters(request), "mm-pc")
    except (DecodeError, RequestError):
        return
    for content in request.raw_input_contents:
        try:
            _, frame = stages.preprocess(content[4:], options)
        except RequestError:
            continue
        stages.Frame.from_json(frame.to_json())


def _parameters(request: wire.ModelInferRequest) -> dict[str, Any]:
    kinds = ((name, value, value.WhichOneof("parameter_choice")) for name, value in request.parameters.items())
    return {name: getattr(value, kind) for name, value, kind in kinds if kind}


def write_corpus() -> None:
    """A small drawn face in every way that is read and some that are not, and two requests."""
    ways = mutations.ways(Image.fromarray(mutations.face(96, 80)))
    plain, rich = infer_request(min(ways, key=len)), infer_request(min(ways, key=len), b"")
    rich.id = "7"
    rich.parameters["cladding_um"].double_param = 125
    rich.parameters["um_per_px"].string_param = "0.5"
    rich.parameters["serial"].string_param = "A1"
    rich.parameters["meta.line"].int64_param = 3
    CORPUS.mkdir(exist_ok=True)
    for number, data in enumerate(ways):
        (CORPUS / f"picture-{number:02}").write_bytes(PICTURE + data)
    for name, request in (("plain", plain), ("rich", rich)):
        (CORPUS / f"request-{name}").write_bytes(REQUEST + request.SerializeToString(deterministic=True))


if __name__ == "__main__":
    write_corpus()
