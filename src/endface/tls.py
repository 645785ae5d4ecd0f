"""A server's certificates, tried before it starts: of a wrong one Triton says no more than that it cannot listen."""

from __future__ import annotations

import contextlib
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from endface.errors import ConfigurationError


@dataclass(frozen=True)
class Certificates:
    """PEM files of a server that encrypts.

    Attributes:
        certificate: The server's certificate, followed by those of authorities in between, if there are any.
        key: The key that belongs to it, without a password.
        clients: Authorities whose clients are served, and nobody else; None serves whoever comes.
    """

    certificate: Path
    key: Path
    clients: Path | None = None

    @property
    def flags(self) -> list[str]:
        """Triton's own flags."""
        files = {"server-cert": self.certificate, "server-key": self.key}
        if self.clients is not None:
            files["root-cert"] = self.clients
        mutual = "true" if self.clients is not None else "false"
        named = [f"--grpc-{name}={path.resolve()}" for name, path in files.items()]
        return ["--grpc-use-ssl=true", f"--grpc-use-ssl-mutual={mutual}", *named]

    def check(self) -> None:
        """Rehearse a connection in memory: the server shows its certificate to a client that trusts only that.

        Raises:
            ConfigurationError: a file cannot be read or is no PEM, the key is another one's or has a password, the
                certificate has expired or is none of a server, or no authority in ``clients`` is valid.
        """
        for path in filter(None, (self.certificate, self.key, self.clients)):
            _check_readable(path)
        server = self._server()
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False  # clients know it by names that we do not
        client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # its authority is the clients' affair
        client.load_verify_locations(self.certificate)
        try:
            _shake_hands(client, server)
        except ssl.SSLError as exc:
            reason = getattr(exc, "verify_message", None) or exc.reason
            raise ConfigurationError(f"no client would accept {self.certificate}: {reason}; have it made anew") from exc
        if self.clients is not None:
            _check_authorities(self.clients)

    def _server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key, self._no_password)
        except ssl.SSLError as exc:
            if exc.reason == "KEY_VALUES_MISMATCH":
                raise ConfigurationError(
                    f"{self.key} is not the key of {self.certificate}; name the two files that were made together"
                ) from exc
            raise ConfigurationError(
                f"{self.certificate} and {self.key} are no certificate and key in PEM ({exc.reason or exc})"
            ) from exc
        return context

    def _no_password(self) -> NoReturn:
        raise ConfigurationError(
            f"the key {self.key} has a password, which nobody can type at a start; store it without one, mode 0600"
        )


def _check_readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as exc:
        raise ConfigurationError(f"the TLS file {path} cannot be read: {exc.strerror}") from exc


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """Have both ends of a connection in memory greet each other."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking, answering = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    for end in (asking, answering, asking, answering):
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()


def _check_authorities(path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as exc:
        raise ConfigurationError(f"{path} holds no certificates in PEM ({exc.reason or exc})") from exc
    ends_s = [ssl.cert_time_to_seconds(str(found["notAfter"])) for found in context.get_ca_certs()]
    if not ends_s:
        raise ConfigurationError(f"{path} holds no authority's certificate: name the file of those that sign clients")
    if max(ends_s) < time.time():
        raise ConfigurationError(f"every authority in {path} has expired: no client could be served")
