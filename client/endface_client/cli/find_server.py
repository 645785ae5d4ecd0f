"""Check for a server before a run begins, so that one that is down is reported once and at once."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable
from typing import Final

from endface_client._errors import ServerUnavailable
from endface_client._transport.channel import PROXY

_PAUSE_S: Final = 0.1
_CONNECTS_WITHIN_S: Final = 2.0
_ADDRESS: Final = re.compile(r"\[?(?P<host>[^\[\]/]+?)\]?:(?P<port>[0-9]{1,5})")


def find_server(servers: str, patience_s: float, say: Callable[[str], None]) -> None:
    """Wait until one of the servers takes a connection; nothing is sent.

    An address that only gRPC understands, or that is behind a proxy, is left to the client.

    Args:
        servers: "host:port", or several separated by commas.
        patience_s: how long to try; a server that is repaired is back within seconds.
        say: gets one sentence where the first look finds none.

    Raises:
        ServerUnavailable: none of them listens.
    """
    addresses = [_ADDRESS.fullmatch(address.strip()) for address in servers.split(",")]
    if not all(addresses) or os.environ.get(PROXY):
        return
    ends_s, is_first = time.monotonic() + patience_s, True
    while True:
        for address in filter(None, addresses):
            try:
                socket.create_connection((address["host"], int(address["port"])), _CONNECTS_WITHIN_S).close()
            except (OSError, OverflowError, UnicodeError) as exc:
                reason = getattr(exc, "strerror", None) or str(exc)
            else:
                return
        if time.monotonic() + _PAUSE_S > ends_s:
            raise ServerUnavailable(
                f"{servers} takes no pictures: {reason}; start a server there (endface serve), or name another one "
                "(--server)"
            )
        if is_first:
            say(f"{servers} takes no pictures: {reason}; waiting up to {patience_s:g} s for it")
        is_first = False
        time.sleep(_PAUSE_S)
