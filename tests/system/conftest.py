"""How the system tests ask a real server: plain tritonclient, so that nothing of ours hides an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
from numpy.typing import NDArray

from endface.report import Report
from endface.server.process import EmbeddedServer
from tests.system.tensors import image_tensor

Ask = Callable[..., list[Report]]


@pytest.fixture(scope="session")
def triton(server: EmbeddedServer) -> Iterator[Any]:
    """tritonclient, connected to the shared server."""
    with tritonclient.grpc.InferenceServerClient(server.grpc_address) as client:
        yield client


@pytest.fixture(scope="session")
def infer(triton: Any) -> Callable[..., Any]:
    """Send pictures as one request; give tritonclient's own result."""

    def send(*pictures: bytes, outputs: tuple[str, ...] = ("REPORT",), **parameters: object) -> Any:
        asked = [tritonclient.grpc.InferRequestedOutput(name) for name in outputs]
        tensors = [image_tensor(*pictures)]
        return triton.infer("endface", tensors, outputs=asked, parameters=parameters, client_timeout=60)

    return send


@pytest.fixture(scope="session")
def ask(infer: Callable[..., Any]) -> Ask:
    """Send pictures as one request, judged by mm-pc unless told otherwise; give the reports."""

    def reports(*pictures: bytes, **parameters: object) -> list[Report]:
        result = infer(*pictures, **{"profile": "mm-pc"} | parameters)
        return [Report.from_json(text) for text in result.as_numpy("REPORT").ravel()]

    return reports


@pytest.fixture(scope="session")
def png(face: NDArray[np.uint8], encode: Callable[..., bytes]) -> bytes:
    """A clean face, encoded."""
    return encode(face)
