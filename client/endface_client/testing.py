"""``FakeServer``, for the tests of your program: it speaks Triton's gRPC and gives the answers that you set.

    with FakeServer() as server, Client(server.address, profile="mm-pc") as client:
        server.answer = Failure(grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
        with pytest.raises(Overloaded):
            client.inspect("face.png")
        assert server.requests[0].parameters["profile"] == "mm-pc"

It refuses the requests that a real server refuses, with the same codes; it looks at no picture.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, NoReturn, Self, TypeAlias

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

from endface import contract
from endface.errors import RequestError
from endface.files import sha256
from endface.options import Options
from endface.picture.decode import check_size
from endface.report import Calibration, Criteria, Ellipse, Fiber, ImageInfo, Report, Scope, ZoneResult

PASS: Final = Report(
    verdict="pass",
    image=ImageInfo("", "", 1152, 864),
    criteria=Criteria("mm-pc", "IEC 61300-3-35", "2", "public-copy", "a test"),
    software="endface, fake server",
    calibration=Calibration((0.43, 0.43), "cladding"),
    fiber=Fiber(Ellipse((575.5, 431.5), (145.3, 145.3)), Ellipse((575.5, 431.5), (58.1, 58.1))),
    zones=(
        ZoneResult("A", 0.0, 65.0, 1.0, "pass"),
        ZoneResult("B", 65.0, 115.0, 1.0, "pass"),
        ZoneResult("C", 115.0, 135.0, 1.0, "pass"),
        ZoneResult("D", 135.0, 250.0, 1.0, "pass"),
    ),
)
"""What a FakeServer answers unless told otherwise: a clean end face of 1152 x 864 pixels."""


@dataclass(frozen=True)
class Failure:
    """A call that fails: its gRPC status and message, such as INVALID_ARGUMENT, "unknown_profile: no profile 'x'"."""

    status: grpc.StatusCode
    message: str


@dataclass(frozen=True)
class Received:
    """One request as the server got it.

    Attributes:
        picture: the encoded picture.
        parameters: of the request, apart from Triton's own ``timeout``.
        headers: of the request, gRPC's own included.
        timeout_us: Triton's ``timeout``: when the picture is not worth beginning any more; 0 where none was sent.
    """

    picture: bytes
    parameters: dict[str, str]
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    timeout_us: int = 0


Answer: TypeAlias = Report | Failure | bytes
"""A report, made out for the picture that came; a failure; or bytes that stand where a report should be."""


class FakeServer:
    """Answers every picture with ``answer`` and keeps every request.

    Args:
        answer: an answer, or a function of the request that gives one; it may block to play a slow server.
        address: where to listen; a free port of this machine if not given.
        credentials: what to encrypt with; None for no encryption.

    Attributes:
        answer: as above; may be changed while the server runs.
        address: "host:port" for a Client.
        requests: what came so far, in the order of arrival.
        in_flight: how many requests are under way.
        most_in_flight: the largest number of requests that were under way at once.
        cancelled: how many requests had lost their client when the answer was there.
    """

    def __init__(
        self,
        answer: Answer | Callable[[Received], Answer] = PASS,
        *,
        address: str = "127.0.0.1:0",
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self.answer = answer
        self.requests: list[Received] = []
        self.most_in_flight = 0
        self.in_flight = 0
        self.cancelled = 0
        self._lock = threading.Lock()
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
        self._server = grpc.server(ThreadPoolExecutor(64, "fake-server"), options=unlimited)
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(_Service(self), self._server)
        if credentials:
            port = self._server.add_secure_port(address, credentials)
        else:
            port = self._server.add_insecure_port(address)
        self.address = f"{address.rpartition(':')[0]}:{port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(grace=None).wait()

    def respond(self, received: Received, is_active: Callable[[], bool] = lambda: True) -> Answer:
        """Keep a request and find its answer.

        Args:
            received: the request.
            is_active: whether its client still waits.
        """
        with self._lock:
            self.requests.append(received)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            refusal = _refusal(received)
            if refusal is not None:
                return refusal
            answer = self.answer(received) if callable(self.answer) else self.answer
            return made_out(answer, received) if isinstance(answer, Report) else answer
        finally:
            with self._lock:
                self.in_flight -= 1
                self.cancelled += not is_active()


def made_out(report: Report, received: Received) -> Report:
    """The report with the request's own picture, serial, meta, profile and zones, as a real server echoes them."""
    asked = received.parameters
    options = Options.from_parameters(asked)
    return dataclasses.replace(
        _confined(report, options.zones),
        image=dataclasses.replace(report.image, name=asked.get("name", ""), sha256=sha256(received.picture)),
        serial=asked.get("serial", ""),
        fiber_number=int(asked["fiber"]) if "fiber" in asked else None,
        meta={
            key.removeprefix(contract.META_PREFIX): value
            for key, value in asked.items()
            if key.startswith(contract.META_PREFIX)
        },
        criteria=dataclasses.replace(report.criteria, profile=asked["profile"]),
    )


def _confined(report: Report, zones: tuple[str, ...]) -> Report:
    """The report on those zones only; as it is where none is named."""
    if not zones:
        return report
    scope = Scope(zones, tuple(zone.name for zone in report.zones if zone.name not in zones))
    return dataclasses.replace(report, zones=tuple(zone for zone in report.zones if zone.name in zones), scope=scope)


def _refusal(received: Received) -> Failure | None:
    """What a real server without a default profile refuses before it looks at a picture."""
    try:
        check_size(received.picture)
        Options.from_parameters(received.parameters)
    except RequestError as exc:
        return Failure(grpc.StatusCode.INVALID_ARGUMENT, f"{exc.code}: {exc}")
    return None


class _Service(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc] # generated without types
    """The calls of Triton's service that a client makes."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def ModelInfer(  # noqa: N802 - the protocol's name
        self, request: service_pb2.ModelInferRequest, context: grpc.ServicerContext
    ) -> service_pb2.ModelInferResponse:
        if request.model_name != contract.ENSEMBLE.name:
            _abort(context, Failure(grpc.StatusCode.NOT_FOUND, f"Request for unknown model: '{request.model_name}'"))
        picture = deserialize_bytes_tensor(request.raw_input_contents[0])[0]
        texts = {key: value for key, value in request.parameters.items() if value.HasField("string_param")}
        parameters = {key: value.string_param for key, value in texts.items()}
        timeout_us = request.parameters["timeout"].int64_param
        headers = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        answer = self._server.respond(Received(picture, parameters, headers, timeout_us), context.is_active)
        if isinstance(answer, Failure):
            _abort(context, answer)
        return _response(answer.to_json().encode() if isinstance(answer, Report) else answer)


def _abort(context: grpc.ServicerContext, failure: Failure) -> NoReturn:
    context.abort(failure.status, failure.message)
    raise AssertionError("abort raises")


def _response(report: bytes) -> service_pb2.ModelInferResponse:
    response = service_pb2.ModelInferResponse(model_name=contract.ENSEMBLE.name, model_version="1")
    response.outputs.add(name=contract.REPORT.name, datatype=contract.REPORT.datatype, shape=[1, 1])
    response.raw_output_contents.append(serialize_byte_tensor(np.array([[report]], dtype=np.object_)).item())
    return response
