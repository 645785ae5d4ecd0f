"""A gRPC call that failed, made by hand."""

from __future__ import annotations

import grpc


class FailedCall(grpc.RpcError):  # type: ignore[misc] # grpc ships no types
    """What gRPC raises, as far as the client looks at it."""

    def __init__(self, status: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self._status = status
        self._message = message

    def code(self) -> grpc.StatusCode:
        """The status."""
        return self._status

    def details(self) -> str:
        """The server's or gRPC's message."""
        return self._message
