"""TLS certificates, checked before they are used: Triton's and gRPC's errors about wrong ones do not help."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from endface.errors import ConfigurationError


@dataclass(frozen=True)
class Certificates:
    """PEM files of a server that encrypts.

    Attributes:
        certificate: the server's certificate, followed by those of authorities in between, if there are any.
        key: the key that belongs to it, without a password.
        clients: authorities whose clients are served, and nobody else; None serves whoever comes.
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
        """Try a connection in memory: the server shows its certificate to a client that trusts only that.

        Raises:
            ConfigurationError: a file cannot be read or is no PEM, the key is another one's or has a password, the
                certificate has expired or is none of a server, or no authority in ``clients`` is valid.
        """
        server = _showing_context(ssl.PROTOCOL_TLS_SERVER, self.certificate, self.key)
        client = _trusting_context(ssl.PROTOCOL_TLS_CLIENT, self.certificate)
        with _refusals("no client would accept", self.certificate):
            _shake_hands(client, server)
        if self.clients is not None:
            _check_clients(self.clients)


def check_client(certificate: Path, key: Path) -> None:
    """Check a client's files in memory: the client shows its certificate to a server that trusts only that.

    Args:
        certificate: the client's certificate, followed by those of authorities in between, if there are any.
        key: the key that belongs to it, without a password.

    Raises:
        ConfigurationError: a file cannot be read or is no PEM, the key is another one's or has a password, or the
            certificate has expired or is none of a client.
    """
    client = _showing_context(ssl.PROTOCOL_TLS_CLIENT, certificate, key)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE  # the other end is ours, and shows the same certificate
    server = _trusting_context(ssl.PROTOCOL_TLS_SERVER, certificate)
    server.load_cert_chain(certificate, key)
    with _refusals("no server would accept", certificate):
        _shake_hands(client, server)


def check_authorities(path: Path) -> ssl.SSLContext:
    """Check that a file holds certificates that can be trusted.

    Returns:
        What trusts them, and nothing else.

    Raises:
        ConfigurationError: the file cannot be read or is no PEM.
    """
    _check_readable(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as exc:
        raise ConfigurationError(f"{path} holds no certificates in PEM ({exc.reason or exc})") from exc
    return context


def _check_clients(path: Path) -> None:
    """Check that the file holds authorities, and that one of them is valid."""
    ends_s = [ssl.cert_time_to_seconds(str(found["notAfter"])) for found in check_authorities(path).get_ca_certs()]
    if not ends_s:
        raise ConfigurationError(f"{path} holds no authority's certificate: name the file of those that sign clients")
    if max(ends_s) < time.time():
        raise ConfigurationError(f"every authority in {path} has expired: no client could be served")


def _check_readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as exc:
        raise ConfigurationError(f"the TLS file {path} cannot be read: {exc.strerror}") from exc


def _showing_context(protocol: int, certificate: Path, key: Path) -> ssl.SSLContext:
    """Context of an end that shows this certificate."""

    def no_password() -> NoReturn:
        raise ConfigurationError(
            f"the key {key} has a password, which nobody can type at a start; store it without one, mode 0600"
        )

    for path in (certificate, key):
        _check_readable(path)
    context = ssl.SSLContext(protocol)
    try:
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as exc:
        if exc.reason == "KEY_VALUES_MISMATCH":
            raise ConfigurationError(
                f"{key} is not the key of {certificate}; name the two files that were made together"
            ) from exc
        raise ConfigurationError(
            f"{certificate} and {key} are no certificate and key in PEM ({exc.reason or exc})"
        ) from exc
    return context


def _trusting_context(protocol: int, certificate: Path) -> ssl.SSLContext:
    """Context of an end that accepts this certificate from the other end, and no other."""
    context = ssl.SSLContext(protocol)
    context.check_hostname = False  # we do not know by which names others call a server
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the other end knows its authority
    context.load_verify_locations(certificate)
    return context


@contextlib.contextmanager
def _refusals(sentence: str, certificate: Path) -> Iterator[None]:
    """Translate the refusal of a certificate by the other end."""
    try:
        yield
    except ssl.SSLError as exc:
        reason = getattr(exc, "verify_message", None) or exc.reason
        raise ConfigurationError(f"{sentence} {certificate}: {reason}; have it made anew") from exc


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """Have both ends of a connection in memory shake hands."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking, answering = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    for end in (asking, answering, asking, answering):
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
