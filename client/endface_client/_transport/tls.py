"""TLS certificates of a client: the authorities that it trusts, and its own certificate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from endface.errors import ConfigurationError
from endface.server.certificates import check_authorities, check_client

FLEET_NAME: Final = "endface"
"""The name that ``deploy/certificates/make-certificates`` writes into the certificate of every server."""


@dataclass(frozen=True)
class TLS:
    """TLS certificates of a client as PEM files.

    Attributes:
        root_certificates: authorities that sign servers; None takes gRPC's own list of public ones.
        private_key: this client's key, for servers that ask for a client certificate.
        certificate_chain: the certificate that belongs to the key.
        server_name: the name that a server's certificate must have.  Empty: the one by which the server is called; of
            several servers ``endface``, because gRPC looks for one and the same name in all their certificates.
    """

    root_certificates: Path | None = None
    private_key: Path | None = None
    certificate_chain: Path | None = None
    server_name: str = ""

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files, after a check: gRPC does not explain wrong ones, or ends the process over them.

        Raises:
            ConfigurationError: one of them cannot be read or is no PEM, key and certificate do not belong together, or
                the certificate has expired or is none of a client.
        """
        if self.root_certificates:
            check_authorities(self.root_certificates)
        if self.private_key and self.certificate_chain:
            check_client(self.certificate_chain, self.private_key)
        elif self.private_key or self.certificate_chain:
            raise ConfigurationError("a client's certificate and its key go together; name both files, or neither")
        files = (self.root_certificates, self.private_key, self.certificate_chain)
        return grpc.ssl_channel_credentials(*(path.read_bytes() if path else None for path in files))

    def checked_name(self, *, several: bool) -> str:
        """The name that gRPC looks for in certificates; empty for the one by which it calls the server.

        Args:
            several: whether the client calls more than one address.
        """
        return self.server_name or (FLEET_NAME if several else "")


def tls_of(authority: Path | None, certificate: Path | None, key: Path | None, server_name: str) -> TLS | None:
    """The certificates of these settings; None, for a connection without encryption, where all are empty."""
    if authority or certificate or key or server_name:
        return TLS(authority, private_key=key, certificate_chain=certificate, server_name=server_name)
    return None
