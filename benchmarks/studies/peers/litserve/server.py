"""LitServe with batching, a worker for each core: https://lightning.ai/docs/litserve/features/batching."""
# No `from __future__ import annotations`: LitServe reads the annotations of decode_request as types.

from collections.abc import Sequence
from typing import Annotated

import litserve
from fastapi import Body, Response

from benchmarks.studies.peers.worker import MAX_BATCH, Arguments, Inspection, arguments

BATCH_TIMEOUT_S = 0.01
"""As in LitServe's own example of batching."""


class Inspector(litserve.LitAPI):  # type: ignore[misc]  # LitServe is not installed where mypy runs
    """The inspection in LitServe's verbs: decode, batch, predict, unbatch, encode."""

    def __init__(self, args: Arguments) -> None:
        super().__init__(max_batch_size=MAX_BATCH, batch_timeout=BATCH_TIMEOUT_S, api_path="/inspect")
        self._args = args

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """Load the network in each worker."""
        self._inspection = Inspection(self._args.network, self._args.profile)

    def decode_request(self, request: Annotated[bytes, Body(media_type="application/octet-stream")]) -> bytes:
        """The picture as it came."""
        return request

    def batch(self, inputs: Sequence[bytes]) -> Sequence[bytes]:
        """Pictures of different sizes stay a list."""
        return inputs

    def predict(self, x: Sequence[bytes]) -> list[str]:
        """Pictures to reports."""
        return self._inspection.inspect(x)

    def unbatch(self, output: list[str]) -> list[str]:
        """Reports one by one."""
        return output

    def encode_response(self, output: str) -> Response:
        """A report as the body."""
        return Response(output, media_type="application/json")


if __name__ == "__main__":
    args = arguments()
    server = litserve.LitServer(Inspector(args), accelerator="cpu", workers_per_device=args.workers)
    server.run(host="127.0.0.1", port=args.port, log_level="warning", generate_client_file=False)
