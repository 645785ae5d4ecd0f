"""Whom a client calls, as gRPC takes it: one server, one name of a fleet, or several servers."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, Final

from endface_client._errors import ServerUnavailable
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


def channel_arguments(servers: str, tls: TLS | None) -> Mapping[str, Any]:
    """Arguments of tritonclient's InferenceServerClient for one or several servers.

    Raises:
        ServerUnavailable: none is named, or one of several has no address.
        ConfigurationError: a TLS file is wrong.
    """
    named = addresses(servers)
    several = len(named) > 1
    checked = tls.checked_name(several=several) if tls else ""
    return {
        "url": "ipv4:" + ",".join(map(_resolved, named)) if several else named[0],
        "creds": tls.credentials() if tls else None,
        "channel_args": [*_OPTIONS, *([("grpc.default_authority", checked)] if checked else [])],
    }


def addresses(servers: str) -> list[str]:
    """The addresses in a list of servers.

    Raises:
        ServerUnavailable: there is none.
    """
    named = [address.strip() for address in servers.split(",") if address.strip()]
    if not named:
        raise ServerUnavailable("no server is named; give host:port, such as 127.0.0.1:8001")
    return named


def _resolved(address: str) -> str:
    """The address with its host as a number: gRPC takes no list of names."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as exc:
        raise ServerUnavailable(f"{address} has no IPv4 address: {exc}") from exc
    ip, number = found[0][4][:2]
    return f"{ip}:{number}"  # type: ignore[str-bytes-safe] # typed for all families; IPv4 gives a string
