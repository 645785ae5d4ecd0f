"""Running servers of a rollout: whether they are ready, and which version they serve."""

from __future__ import annotations

import http.client
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from endface import contract
from endface.errors import RolloutError

_CALL_S: Final = 5
_POLL_S: Final = 0.1


@dataclass(frozen=True)
class Servers:
    """Servers that run on one model repository.

    Attributes:
        addresses: ``host:port`` of each one's HTTP service.
        loaded_within_s: How long they may take to load a version; a few seconds is usual.
    """

    addresses: tuple[str, ...]
    loaded_within_s: float = 60.0

    def check_ready(self) -> None:
        """Refuse servers that take no requests.

        Raises:
            RolloutError: One does not, or its address cannot be read.
        """
        for address in self.addresses:
            if not _answers(address, f"/v2/models/{contract.ENSEMBLE.name}/ready"):
                raise RolloutError(
                    f"No server is ready at {address} (its HTTP port is wanted): nothing was changed. "
                    "Without --server the repository changes alone, and a server that runs on it follows by itself."
                )

    def await_version(self, number: int) -> None:
        """Return when each of them serves a version of the network.

        Args:
            number: The version.

        Raises:
            RolloutError: One did not load it in time.
        """
        deadline_s = time.monotonic() + self.loaded_within_s
        for address in self.addresses:
            while not _answers(address, f"/v2/models/{contract.SEGMENT.name}/versions/{number}/ready"):
                if time.monotonic() > deadline_s:
                    raise RolloutError(
                        f"The server at {address} did not load version {number} within {self.loaded_within_s:g} s: "
                        "its log says why, or it serves another repository."
                    )
                time.sleep(_POLL_S)


NO_SERVERS: Final = Servers(())


def servers_of(text: str) -> Servers:
    """Servers from a list with commas, ``host:port,host:port``; none from an empty one."""
    return Servers(tuple(address.strip() for address in text.split(",") if address.strip()))


def _answers(address: str, path: str) -> bool:
    """Whether a server answers a request with OK."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise RolloutError(f"{address!r} is no server's address: write host:port, with its HTTP port.")
    with closing(http.client.HTTPConnection(host, int(port), timeout=_CALL_S)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
