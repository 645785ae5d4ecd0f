from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from endface.errors import PortTakenError, ServerStartError
from endface.server.ports import free_ports
from endface.server.settings import Settings


def test_free_ports_are_different() -> None:
    """One can listen on all of them."""
    ports = free_ports(3)

    sockets = [socket.create_server(("127.0.0.1", port)) for port in ports]
    assert len(set(ports)) == 3
    for each in sockets:
        each.close()


def test_taken_port_names_its_option(settings: Settings) -> None:
    """Before anything is started, the port and the option that changes it are named."""
    with (
        socket.create_server(("127.0.0.1", settings.grpc_port)),
        pytest.raises(PortTakenError, match=f"port {settings.grpc_port} is taken.*--grpc-port"),
    ):
        settings.check()


@pytest.mark.parametrize(
    ("host", "sentence"), [("192.0.2.1", r"cannot listen on 192\.0\.2\.1"), ("::1", "::1 has no IPv4 address")]
)
def test_foreign_address_is_refused(settings: Settings, host: str, sentence: str) -> None:
    """One that is none of this machine, and one in IPv6, which Triton's services do not write alike."""
    with pytest.raises(ServerStartError, match=sentence):
        replace(settings, host=host).check()
