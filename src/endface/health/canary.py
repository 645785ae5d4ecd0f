"""Canary: a picture that goes through the whole ensemble to see whether it inspects, over HTTP and without waiting."""

from __future__ import annotations

import contextlib
import http.client
import json
import select
import struct
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from endface import contract
from endface.server.http import FAILURES, OK, TritonHttp

_PROFILE: Final = "mm-pc"  # every server has it, and the verdict does not matter
_CALL_S: Final = 1.0


class CanaryOutcome(Enum):
    """Kinds of answers to a canary."""

    REPORT = auto()
    """The server inspected it."""

    BUSY = auto()
    """The server has too much to do, which says nothing about its health."""

    LOST = auto()
    """The server did not take it, or the connection broke."""

    ERROR = auto()
    """The server failed."""


@dataclass(frozen=True)
class CanaryAnswer:
    """Answer to a canary.

    Attributes:
        outcome: which kind it is.
        text: the server's own words where it failed.
    """

    outcome: CanaryOutcome
    text: str = ""


class Canary:
    """Canary requests to one server, at most one of them under way.

    Args:
        address: IPv4 address of the server.
        port: its HTTP port.
        picture: an encoded picture that can be judged.
    """

    def __init__(self, address: str, port: int, picture: bytes) -> None:
        self._http = TritonHttp(address, port)
        self._header, self._content = _request(picture)
        self._connection: http.client.HTTPConnection | None = None
        self._unsent = False

    def ask(self) -> None:
        """Send the picture, unless one is under way."""
        if self._connection is not None:
            return
        self._connection = self._http.connect(_CALL_S)
        headers = {"Inference-Header-Content-Length": str(self._header)}
        try:
            self._connection.request(
                "POST", f"/v2/models/{contract.ENSEMBLE.name}/infer", body=self._content, headers=headers
            )
        except OSError:
            self._unsent = True

    def answer(self, wait_s: float = 0) -> CanaryAnswer | None:
        """The answer to the picture that was sent last, given once; None while there is none.

        Args:
            wait_s: how long to wait for it.
        """
        connection = self._connection
        if connection is None or not (self._unsent or _readable(connection, wait_s)):
            return None
        self._connection, unsent, self._unsent = None, self._unsent, False
        with contextlib.closing(connection):
            return CanaryAnswer(CanaryOutcome.LOST) if unsent else _answer(connection)

    def close(self) -> None:
        """Drop the picture that is under way, and its answer."""
        if self._connection is not None:
            self._connection.close()
            self._connection, self._unsent = None, False


def _request(picture: bytes) -> tuple[int, bytes]:
    """Length of the JSON in front, and the whole body (Triton's binary tensor data extension)."""
    value = struct.pack("<I", len(picture)) + picture
    image, report = contract.IMAGE, contract.REPORT
    tensor = {"name": image.name, "datatype": image.datatype, "shape": [1, 1]}
    head = {
        "parameters": {"profile": _PROFILE, "name": "canary"},
        "inputs": [tensor | {"parameters": {"binary_data_size": len(value)}}],
        "outputs": [{"name": report.name, "parameters": {"binary_data": False}}],
    }
    header = json.dumps(head).encode()
    return len(header), header + value


def _readable(connection: http.client.HTTPConnection, wait_s: float) -> bool:
    return bool(select.select([connection.sock], [], [], wait_s)[0])


def _answer(connection: http.client.HTTPConnection) -> CanaryAnswer:
    try:
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    except FAILURES:
        return CanaryAnswer(CanaryOutcome.LOST)
    if response.status == OK:
        return CanaryAnswer(CanaryOutcome.REPORT)
    busy = response.status == http.client.SERVICE_UNAVAILABLE
    return CanaryAnswer(CanaryOutcome.BUSY if busy else CanaryOutcome.ERROR, text)
