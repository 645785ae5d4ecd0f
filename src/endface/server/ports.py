"""TCP ports of this machine: free ones, and why another one cannot be used."""

from __future__ import annotations

import contextlib
import errno
import socket

from endface.errors import PortTakenError, ServerStartError


def free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on now."""
    with contextlib.ExitStack() as probes:
        sockets = [probes.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def check_port(option: str, port: int, address: str) -> None:
    """Check that a server can listen on a port.

    Args:
        option: the option that names it.
        port: the port.
        address: IPv4 address to listen on.

    Raises:
        PortTakenError: another process listens on it.
        ServerStartError: the address is none of this machine, or the port needs more rights.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Triton does: ignore closing connections
        try:
            probe.bind((address, port))
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                raise PortTakenError(
                    f"port {port} is taken by another process; choose another one with {option}"
                ) from exc
            raise ServerStartError(f"cannot listen on {address} port {port}: {exc.strerror}") from exc


def resolve(host: str) -> str:
    """A host's IPv4 address: Triton's HTTP and gRPC services write IPv6 in two ways, and take no names.

    Raises:
        ServerStartError: it has none.
    """
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
    except OSError as exc:
        raise ServerStartError(f"{host} has no IPv4 address; name one of this machine, or 0.0.0.0 for all") from exc


def local(address: str) -> str:
    """Where this machine finds what listens on an address: all networks include the loopback."""
    return "127.0.0.1" if address == "0.0.0.0" else address
