"""Check for a server before a run begins, so that one that is down is reported once and at once."""

from __future__ import annotations

import os
import re
import socket
import time
from typing import Final

from endface_client._errors import ServerUnavailable

PATIENCE_S: Final = 2.0
"""How long a server may be away before a run, such as for a restart."""

_PAUSE_S: Final = 0.1
_ADDRESS: Final = re.compile(r"\[?(?P<host>[^\[\]/]+?)\]?:(?P<port>\d{1,5})")
_PROXIES: Final = ("grpc_proxy", "http_proxy", "https_proxy")


def find_server(servers: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until one of the servers takes a connection; nothing is sent.

    An address that only gRPC understands, or that is behind a proxy, is left to the client.

    Args:
        servers: "host:port", or several separated by commas.
        patience_s: how long to try.

    Raises:
        ServerUnavailable: none of them listens.
    """
    addresses = [_ADDRESS.fullmatch(address.strip()) for address in servers.split(",")]
    if not all(addresses) or any(os.environ.get(proxy) for proxy in _PROXIES):
        return
    ends_s = time.monotonic() + patience_s
    while True:
        for address in filter(None, addresses):
            try:
                socket.create_connection((address["host"], int(address["port"])), PATIENCE_S).close()
            except (OSError, OverflowError, UnicodeError) as exc:
                reason = getattr(exc, "strerror", None) or str(exc)
            else:
                return
        if time.monotonic() + _PAUSE_S > ends_s:
            raise ServerUnavailable(
                f"{servers} takes no pictures: {reason}; start a server there (endface serve), or name another one "
                "(--server)"
            )
        time.sleep(_PAUSE_S)
