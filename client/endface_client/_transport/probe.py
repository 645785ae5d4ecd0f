"""The look at an address that ended a connection at once, which gRPC does not explain."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from typing import Final

from endface_client._errors import Cause
from endface_client._transport.channel import PROXY
from endface_client._transport.tls import TLS

_TIMEOUT_S: Final = 1.0

_METRICS: Final = b"# HELP "
"""First bytes of metrics for Prometheus."""


def cause_of_refusal(address: str, tls: TLS | None) -> Cause | None:
    """Why gRPC cannot talk to what listens there; None where nothing can be said, as of a server that is starting.

    Args:
        address: an IP address and a port.
        tls: what the client shows; None if it does not encrypt.
    """
    host, _, port = address.rpartition(":")
    place = host.strip("[]"), int(port)
    page = None if os.environ.get(PROXY) else _page(place)  # a proxy speaks HTTP itself
    if page is not None:
        return "metrics" if page.startswith(_METRICS) else "http"
    return "certificates" if _wants_certificates(place, tls) else None


def _page(place: tuple[str, int]) -> bytes | None:
    """The beginning of the metrics that are given there, or of any other page; None if nobody speaks HTTP."""
    connection = http.client.HTTPConnection(*place, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read(len(_METRICS))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _wants_certificates(place: tuple[str, int], tls: TLS | None) -> bool:
    """Whether a server of gRPC refuses a client over its certificates, or because it has none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent to it, nothing is believed
    context.set_alpn_protocols(["h2"])
    try:
        if tls and tls.certificate_chain:
            context.load_cert_chain(tls.certificate_chain, tls.private_key)
        with socket.create_connection(place, _TIMEOUT_S) as plain, context.wrap_socket(plain) as encrypted:
            if tls is None:
                return encrypted.selected_alpn_protocol() == "h2"
            return not encrypted.recv(1)  # TLS 1.3 refuses a certificate only after the handshake
    except ssl.SSLError as exc:
        return tls is not None and "ALERT" in (exc.reason or "")
    except OSError:
        return False
