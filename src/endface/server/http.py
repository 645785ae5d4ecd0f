"""Triton's HTTP service, as one program on the same machine calls it; proxies in the environment do not matter."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

OK: Final = http.client.OK

FAILURES: Final = (OSError, http.client.HTTPException)
"""The errors of a call that gets no answer, or one that is not HTTP."""


@dataclass(frozen=True)
class TritonHttp:
    """The HTTP service of one Triton.

    Attributes:
        address: its IPv4 address.
        port: its port.
        headers: what goes with each request.
    """

    address: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict)

    def get(self, path: str, timeout_s: float) -> tuple[int, bytes]:
        """Status and body of an answer.

        Raises:
            OSError, http.client.HTTPException: there is none in time.
        """
        return self._call("GET", path, None, timeout_s)

    def post(self, path: str, content: Mapping[str, Any], timeout_s: float) -> tuple[int, bytes]:
        """As ``get``, with JSON in the request."""
        return self._call("POST", path, json.dumps(content).encode(), timeout_s)

    def connect(self, timeout_s: float) -> http.client.HTTPConnection:
        """A connection that is opened by its first request."""
        return http.client.HTTPConnection(self.address, self.port, timeout=timeout_s)

    def _call(self, method: str, path: str, body: bytes | None, timeout_s: float) -> tuple[int, bytes]:
        with contextlib.closing(self.connect(timeout_s)) as connection:
            connection.request(method, path, body=body, headers=dict(self.headers))
            response = connection.getresponse()
            return response.status, response.read()
