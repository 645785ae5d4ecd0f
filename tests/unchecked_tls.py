"""Clients that a server has to refuse because nothing on their own side keeps them from trying."""

from __future__ import annotations

import grpc

from endface_client import TLS


class Unchecked(TLS):
    """Certificates of somebody who does not care whether they are valid, or whose."""

    def credentials(self) -> grpc.ChannelCredentials:
        """The files as they are."""
        files = (self.root_certificates, self.private_key, self.certificate_chain)
        return grpc.ssl_channel_credentials(*(path.read_bytes() if path else None for path in files))
