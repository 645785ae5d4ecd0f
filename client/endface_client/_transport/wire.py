"""Triton's request for a picture, and the report in its answer; nothing here needs a network."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

from endface import contract
from endface.errors import BadParameterError, RequestError
from endface.files import sha256
from endface.picture.decode import check_size
from endface.report import Report
from endface_client._errors import InvalidRequest, ProtocolError, UnreadablePicture

Picture: TypeAlias = str | os.PathLike[str] | bytes | NDArray[np.uint8] | NDArray[np.uint16]
"""A path, an encoded picture, or 8 or 16-bit levels: (H, W), (H, W, 3) in OpenCV's order BGR, or (H, W, 4) BGRA."""

Metadata: TypeAlias = tuple[tuple[str, str], ...]

_WORK_S: Final = 0.5
"""Time that is kept for a picture once its turn in the queue has come: a busy server takes some tenths of a second."""

_PNG_FAST: Final = [cv2.IMWRITE_PNG_COMPRESSION, 1]  # lossless at every level; the highest only takes longer


@dataclass(frozen=True)
class Job:
    """A picture and how to inspect it; where a field is None or empty, the client's setting holds, else the server's.

    Attributes:
        picture: a path, bytes or an array, see ``Picture``.
        serial: the part's serial number, echoed in the report.
        meta: anything else to echo in the report.
        profile: the limits to judge by, such as ``mm-pc``.
        cladding_um: true diameter of the cladding, from which the scale is taken.
        um_per_px: the camera's scale where it is known; overrides the cladding.
        name: what to call the picture in the report; a path's file name if None.
        zones: the zones to judge, such as ``A,B``; ``all`` for all of the profile's, whatever the server's default.
        screen: whether a picture that is too coarse to pass is searched for large defects.
        any_core: whether a core of another kind of fiber than the profile's is overlooked.
        fiber: which of several fibers in the picture, from 1 in reading order; None where there is one.
    """

    picture: Picture
    serial: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    cladding_um: float | None = None
    um_per_px: float | None = None
    name: str | None = None
    zones: str | None = None
    screen: bool | None = None
    any_core: bool | None = None
    fiber: int | None = None


@dataclass(frozen=True)
class Call:
    """One inference, ready to send.

    Attributes:
        data: the encoded picture.
        sha256: its digest, which the report must echo.
        parameters: of the request.
        headers: of the request, for traces.
        request_id: by which the server's log and traces name the request; empty where it is not traced.
        began_ns: when the client began with it, in nanoseconds of Unix time.
    """

    data: bytes
    sha256: str
    parameters: dict[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""
    began_ns: int = field(default_factory=time.time_ns, compare=False)

    def request(self, timeout_s: float) -> service_pb2.ModelInferRequest:
        """Triton's request.

        Args:
            timeout_s: how long the caller waits.  Triton's ``timeout`` says how much of it the picture may spend in the
                queue: all but half a second for the work, or half of a shorter time.  In microseconds; 0 would mean
                for ever.
        """
        request = service_pb2.ModelInferRequest(model_name=contract.ENSEMBLE.name, id=self.request_id)
        for key, value in self.parameters.items():
            request.parameters[key].string_param = value
        queue_s = max(timeout_s - _WORK_S, timeout_s / 2)
        request.parameters["timeout"].int64_param = max(1, round(queue_s * 1e6))
        request.inputs.add(name=contract.IMAGE.name, datatype=contract.IMAGE.datatype, shape=[1, 1])
        request.raw_input_contents.append(serialize_byte_tensor(np.array([[self.data]], dtype=np.object_)).item())
        request.outputs.add(name=contract.REPORT.name)
        return request

    @property
    def metadata(self) -> Metadata:
        """Headers as gRPC takes them."""
        return tuple(self.headers.items())


@dataclass(frozen=True)
class Reply:
    """A report, and how often its picture was sent.

    Attributes:
        report: what the server found.
        attempts: how often the picture was sent until its report came; 1 where nothing failed.
    """

    report: Report
    attempts: int


def encode(picture: Picture) -> bytes:
    """The bytes that are sent for a picture: a file's as they are, an array's as PNG without loss.

    Raises:
        UnreadablePicture: no readable file, or an array of another shape or dtype.
    """
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, np.ndarray):
        return _encode_array(picture)
    try:
        return Path(picture).read_bytes()
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise UnreadablePicture(f"{os.fspath(picture)} cannot be read: {reason}") from exc
    except (TypeError, ValueError) as exc:  # another type, or a path with a null character
        raise UnreadablePicture(
            f"{type(picture).__name__} {str(picture)[:80]!r} is no picture: give a path, bytes, or a numpy array"
        ) from exc


def _encode_array(levels: NDArray[Any]) -> bytes:
    picture_like = levels.ndim == 2 or (levels.ndim == 3 and levels.shape[2] in (1, 3, 4))
    if levels.dtype not in (np.uint8, np.uint16) or not picture_like or levels.size == 0:
        raise UnreadablePicture(
            f"an array of shape {levels.shape} and dtype {levels.dtype} is no picture: "
            "give uint8 or uint16 of shape (H, W), (H, W, 3) as BGR or (H, W, 4) as BGRA"
        )
    try:
        _, png = cv2.imencode(".png", np.ascontiguousarray(levels), _PNG_FAST)
    except cv2.error as exc:
        raise UnreadablePicture(f"an array of shape {levels.shape} does not fit into a PNG") from exc
    return png.tobytes()


def picture_name(job: Job) -> str | None:
    """What the report calls a job's picture; None for one without a name."""
    if job.name is not None or isinstance(job.picture, bytes | np.ndarray):
        return job.name
    # Linux takes any bytes for a file name; those that are no text are spelled out.
    return Path(job.picture).name.encode(errors="backslashreplace").decode()


def encoded(job: Job) -> Job:
    """The job with its picture's bytes, so that several requests are about the same picture.

    Raises:
        UnreadablePicture: see ``encode``.
    """
    return replace(job, picture=encode(job.picture), name=picture_name(job))


def pack(job: Job) -> Call:
    """Read and encode a job's picture.

    Raises:
        UnreadablePicture: see ``encode``.
        InvalidRequest: no bytes, or more than any server takes; they are not worth sending.
    """
    began_ns = time.time_ns()
    data = encode(job.picture)
    try:
        check_size(data)
    except RequestError as exc:
        raise InvalidRequest(str(exc), exc.code) from exc
    return Call(data, sha256(data), parameters(job), began_ns=began_ns)


def parameters(job: Job) -> dict[str, str]:
    """The request parameters of a job; what it does not say is not sent, so that the server's default holds.

    Raises:
        InvalidRequest: a text holds what is no Unicode and cannot travel.
    """
    values = {
        "profile": job.profile,
        "cladding_um": job.cladding_um,
        "um_per_px": job.um_per_px,
        "zones": job.zones,
        "screen": None if job.screen is None else str(job.screen).lower(),
        "any_core": None if job.any_core is None else str(job.any_core).lower(),
        "fiber": job.fiber,
        "serial": job.serial,
        "name": picture_name(job),
    }
    sent = {key: str(value) for key, value in values.items() if value not in (None, "")}
    sent |= {f"{contract.META_PREFIX}{key}": value for key, value in job.meta.items()}
    for key, value in sent.items():
        if not isinstance(value, str):
            raise InvalidRequest(f"{key} is {value!r}; give a text", BadParameterError.code)
        try:
            (key + value).encode()
        except UnicodeEncodeError as exc:
            raise InvalidRequest(
                f"{key!a} holds characters that are no Unicode: {exc}", BadParameterError.code
            ) from exc
    return sent


def unpack(call: Call, response: service_pb2.ModelInferResponse) -> Report:
    """Read the report out of an answer; it must be that of the picture that was sent.

    Raises:
        ProtocolError: there is none, it cannot be read, or it is that of another picture.
    """
    names = [output.name for output in response.outputs]
    if names != [contract.REPORT.name] or len(response.raw_output_contents) != 1:
        raise ProtocolError("the server's answer holds no report: does this address belong to an endface server?")
    try:
        (text,) = deserialize_bytes_tensor(response.raw_output_contents[0])
        report = Report.from_json(text)
    except (ValueError, struct.error) as exc:
        raise ProtocolError(f"the server's report cannot be read; update client or server: {exc}") from exc
    if report.image.sha256 != call.sha256:
        raise ProtocolError(
            f"the server answered with the report of another picture: sent {call.sha256}, got {report.image.sha256}"
        )
    return report
