"""The servers that a client calls, and the gRPC channel to them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import grpc

from endface_client._errors import ServerUnavailable
from endface_client._transport.addresses import addresses
from endface_client._transport.tls import TLS

# gRPC's own options, see grpc_types.h.
_OPTIONS: Final = (
    ("grpc.max_send_message_length", -1),  # pictures exceed the 4 MiB that are gRPC's default
    ("grpc.max_receive_message_length", -1),
    # In turn over all addresses; gRPC's default stays with the first that answers, also where a name has many.
    ("grpc.lb_policy_name", "round_robin"),
    # A connection that ends has gRPC look its name up again: who went is left out, who came is found.  By default it
    # waits half a minute since it last asked; a pod that is replaced would be missed for as long.
    ("grpc.dns_min_time_between_resolutions_ms", 1000),
    # A connection whose other end is frozen or gone is given up after five seconds, and so leaves the round robin.
    # Only while a picture is under way, and twice at most until the next is sent: what servers take for abuse is more.
    ("grpc.keepalive_time_ms", 2000),
    ("grpc.keepalive_timeout_ms", 3000),
    ("grpc.http2.ping_timeout_ms", 3000),  # without it gRPC waits a minute, whatever keepalive_timeout says
    # Whoever comes back is found within a second; by default gRPC waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.min_reconnect_backoff_ms", 2000),  # in spite of its name: how long a connection may take
)

PROXY: Final = "grpc_proxy"
"""gRPC's own variable for a proxy: who sets it wants one.  ``http_proxy`` is about the web, yet gRPC obeys it."""

ChannelOptions: TypeAlias = tuple[tuple[str, int], ...]
"""gRPC's options of a channel, by their names in grpc_types.h."""

GetAddressInfo: TypeAlias = Callable[[str, str, socket.AddressFamily, socket.SocketKind], list[Any]]
"""As ``socket.getaddrinfo``."""


class Target:
    """Servers that a client calls: one, one name of a fleet, or several.

    gRPC looks up a single name by itself, again whenever a connection ends.  It takes several servers only as
    numbers, so their names are looked up here, see ``url``.

    Args:
        servers: "host:port", or several separated by commas.
        tls: certificates; None for a connection without encryption.
        options: more of gRPC's options.
        getaddrinfo: looks up names.

    Attributes:
        servers: as given.
        addresses: the parts of ``servers``.
        tls: as given.

    Raises:
        ConfigurationError: ``servers`` holds something else than addresses, or a TLS file is wrong.
    """

    def __init__(
        self,
        servers: str,
        tls: TLS | None,
        options: ChannelOptions = (),
        getaddrinfo: GetAddressInfo = socket.getaddrinfo,
    ) -> None:
        self.servers = servers
        self.addresses = addresses(servers)
        self.tls = tls
        self._getaddrinfo = getaddrinfo
        self._credentials = tls.credentials() if tls else None
        checked_name = tls.checked_name(several=self.is_several) if tls else ""
        self._options = [
            *_OPTIONS,
            *options,
            ("grpc.enable_http_proxy", int(bool(os.environ.get(PROXY)))),
            *([("grpc.default_authority", checked_name)] if checked_name else []),
        ]

    @property
    def is_several(self) -> bool:
        """Whether several servers are named."""
        return len(self.addresses) > 1

    def url(self) -> str:
        """The servers as gRPC takes them now; looks up the names of several servers, which may take seconds.

        Raises:
            ServerUnavailable: one of several servers has no address.
        """
        if not self.is_several:
            return self.addresses[0]
        return "ipv4:" + ",".join(number for address in self.addresses for number in self._numbers(address))

    def open(self, url: str) -> grpc.Channel:
        """A new channel to what ``url`` gave."""
        if self._credentials:
            return grpc.secure_channel(url, self._credentials, self._options)
        return grpc.insecure_channel(url, self._options)

    def _numbers(self, address: str) -> list[str]:
        """The IPv4 addresses of a server, each with its port."""
        host, _, port = address.rpartition(":")
        try:
            found = self._getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise ServerUnavailable(f"{address} has no IPv4 address: {exc}") from exc
        return sorted({f"{ip}:{number}" for *_, (ip, number) in found})
