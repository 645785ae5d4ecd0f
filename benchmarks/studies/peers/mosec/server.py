"""mosec: its Rust front batches requests and hands them to Python workers over Unix sockets."""

from __future__ import annotations

import os
from typing import Final

from mosec import Server, Worker

from benchmarks.studies.peers.worker import MAX_BATCH, Inspection, arguments

_WAIT_MS: Final = 10
"""mosec's own default; its README wants it below the time of a batch, which is hundreds of milliseconds here."""

_TIMEOUT_MS: Final = 60_000
"""For a request under full load: after the default of 3 s mosec gives up requests that still wait for a worker."""


class Inspector(Worker):  # type: ignore[misc]  # mosec is not installed where mypy runs
    """The whole inspection as one stage.

    mosec's README advises stages of their own to keep a GPU busy.  Without one they are no faster: the workers share
    the same cores, and each square crosses the front once more.
    """

    def __init__(self) -> None:
        super().__init__()
        args = arguments()
        self._inspection = Inspection(args.network, args.profile)

    def deserialize(self, data: memoryview) -> bytes:
        """The request's body is the picture."""
        return bytes(data)

    def forward(self, data: list[bytes]) -> list[str]:
        """Inspect what mosec has batched."""
        return self._inspection.inspect(data)

    def serialize(self, data: str) -> bytes:
        """The report is JSON already."""
        return data.encode()


def main() -> None:
    """Serve until SIGTERM; mosec reads ``--port`` itself."""
    os.environ |= {"MOSEC_ADDRESS": "127.0.0.1", "MOSEC_TIMEOUT": str(_TIMEOUT_MS), "MOSEC_LOG_LEVEL": "warning"}
    server = Server()
    workers = arguments().workers
    server.append_worker(Inspector, num=workers, max_batch_size=MAX_BATCH, max_wait_time=_WAIT_MS, route="/inspect")
    server.run()


if __name__ == "__main__":
    main()
