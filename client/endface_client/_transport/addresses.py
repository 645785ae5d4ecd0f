"""Addresses of servers as a user writes them: "host:port", several separated by commas, or gRPC's own schemes."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from endface.errors import ConfigurationError

_GRPC_SCHEMES: Final = ("unix:", "unix-abstract:", "vsock:", "ipv4:", "ipv6:")
_FOREIGN: Final = re.compile(r"[^\w.:-]")
_NUMBERS: Final = re.compile(r"[0-9.]+")


def addresses(servers: str) -> tuple[str, ...]:
    """The addresses in what names one or several servers.

    Raises:
        ConfigurationError: it names none, or something else; the message says what is wrong.
    """
    named = tuple(address.strip() for address in servers.split(",") if address.strip())
    if not named:
        raise ConfigurationError("no server is named; give host:port, such as 127.0.0.1:8001")
    for address in named:
        if not address.startswith(_GRPC_SCHEMES) and (fault := _fault(address)):
            raise ConfigurationError(
                f"{address!r} is no address of a server: {fault}; give host:port, such as 127.0.0.1:8001, "
                "and several separated by commas"
            )
    return named


def _fault(address: str) -> str:
    """What is wrong with an address; empty if nothing is."""
    if address.startswith("dns:"):  # dns:host:port or dns://resolver/host:port
        address = address.removeprefix("dns:").rpartition("/")[2]
    if "://" in address:
        return f"gRPC has no {address.partition('://')[0]}://"
    if address.startswith("["):
        host, bracket, port = address[1:].partition("]")
        return _fault_of_ip(IPv6Address, host) or (_fault_of_port(port) if bracket else "a bracket is missing")
    if foreign := _FOREIGN.search(address):
        return f"it holds {foreign[0]!r}"
    host, colon, port = address.partition(":")
    if ":" in port:
        is_ip = not _fault_of_ip(IPv6Address, address)
        return "an IPv6 address stands in brackets, as in [::1]:8001" if is_ip else "it holds several colons"
    return _fault_of_host(host) or _fault_of_port(colon + port)


def _fault_of_host(host: str) -> str:
    if not host:
        return "it has no host"
    if _NUMBERS.fullmatch(host):
        return _fault_of_ip(IPv4Address, host)
    return "" if all(host.removesuffix(".").split(".")) else f"{host!r} is no name"


def _fault_of_ip(kind: type[IPv4Address] | type[IPv6Address], host: str) -> str:
    try:
        kind(host)
    except ValueError:
        return f"{host!r} is no {kind.__name__.removesuffix('Address')} address"
    return ""


def _fault_of_port(text: str) -> str:
    """What is wrong with a port and the colon before it."""
    colon, port = text[:1], text[1:]
    if not port:
        return "it has no port"
    if colon != ":":
        return "a colon is missing before the port"
    if not (port.isascii() and port.isdigit()):
        return f"{port!r} is no port"
    return "" if 0 < int(port) < 65536 else "ports go from 1 to 65535"
