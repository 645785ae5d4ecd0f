"""Stations of the peers' servers: HTTP, and Triton's gRPC with a bare picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

import aiohttp
import numpy as np
from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.grpc import aio as triton
from tritonclient.utils import InferenceServerException

from benchmarks.common.pictures import Picture
from benchmarks.common.stations import OWN, CallFailedError
from endface.report import Report

DEADLINE_S: Final = 10.0
"""How long a picture may take: as long as endface's own client waits."""

_OPTIONS: Final = (OWN, ("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))


class HttpStation:
    """Posts the picture as the body, and reads the report from the body that comes back.

    Args:
        address: ``host:port``.
        path: where it takes pictures.
    """

    def __init__(self, address: str, path: str = "/inspect") -> None:
        self._url = f"http://{address}{path}"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1),
            timeout=aiohttp.ClientTimeout(DEADLINE_S),
            headers={"Content-Type": "application/octet-stream"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def inspect(self, picture: Picture) -> Report:
        """As ``common.stations.Station.inspect``."""
        try:
            async with self._session.post(self._url, data=picture.data) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise CallFailedError(f"{self._url} gave no answer: {exc}") from exc
        if answer.status != 200:
            raise CallFailedError(f"{self._url} answered {answer.status}: {body[:200]!r}")
        return _report(body, self._url)


class TritonStation:
    """Asks the model ``endface`` of a server by tritonclient alone.

    Args:
        address: ``host:port``.
        parameters: of each request.
    """

    def __init__(self, address: str, parameters: Mapping[str, str] | None = None) -> None:
        self._address = address
        self._parameters = parameters or {}

    async def __aenter__(self) -> Self:
        self._client = triton.InferenceServerClient(self._address, channel_args=_OPTIONS)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def inspect(self, picture: Picture) -> Report:
        """As ``common.stations.Station.inspect``."""
        tensor = InferInput("IMAGE", [1, 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[picture.data]], np.object_))
        outputs = [InferRequestedOutput("REPORT")]
        try:
            result = await self._client.infer(
                "endface", [tensor], outputs=outputs, client_timeout=DEADLINE_S, parameters=self._parameters
            )
        except InferenceServerException as exc:
            raise CallFailedError(f"{self._address} gave no answer: {exc}") from exc
        return _report(result.as_numpy("REPORT").item(), self._address)


def _report(body: bytes, where: str) -> Report:
    try:
        return Report.from_json(body)
    except ValueError as exc:
        raise CallFailedError(f"{where} answered something else than a report: {body[:200]!r}") from exc
