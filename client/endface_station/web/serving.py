"""The page's server: where it listens, and who may call it."""

from __future__ import annotations

import secrets
import socket
from typing import Final

import typer
import uvicorn
from starlette.applications import Starlette

from endface.errors import ConfigurationError
from endface.server.certificates import Certificates
from endface_client.record.entry import read_key
from endface_station.settings import PageOptions
from endface_station.web.app import Access

_HERE: Final = ("127.0.0.1", "localhost", "::1")


class PageServer(uvicorn.Server):
    """A server of the page that lets open pages go before it waits for their connections to end."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down."""
        app = self.config.app
        if isinstance(app, Starlette):
            app.state.changes.close()
        await super().shutdown(sockets)


def access_of(page: PageOptions) -> Access:
    """Who may call the page.

    Raises:
        ConfigurationError: other machines may, and there is no certificate, or it is wrong.
        RecordError: the secret's file cannot be read, or it is too short.
    """
    if (page.page_certificate is None) != (page.page_key is None):
        raise ConfigurationError("--page-certificate and --page-key go together; name both files")
    if page.page_certificate and page.page_key:
        Certificates(page.page_certificate, page.page_key).check()
    elif page.host not in _HERE:
        raise ConfigurationError(
            f"--host {page.host} shows the page to other machines; give --page-certificate and --page-key"
        )
    elif page.secret_file:
        raise ConfigurationError("a secret travels encrypted only; give --page-certificate and --page-key with it")
    names = (*_HERE, *(page.host_name or ()))
    if page.host in _HERE and not page.secret_file:
        return Access(names)
    secret = read_key(page.secret_file) or secrets.token_urlsafe(18).encode()
    if page.secret_file is None:
        typer.echo(f"the secret that opens the page until the station ends: {secret.decode()}")
    return Access((page.host, *names), secret)


def serve(app: Starlette, page: PageOptions) -> None:
    """Serve the page until a signal comes.

    Raises:
        ConfigurationError: the address is none of this machine, or is taken.
    """
    config = uvicorn.Config(
        app,
        ssl_certfile=page.page_certificate,
        ssl_keyfile=page.page_key,
        log_level="warning",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    with _listener(page.host, page.port) as listener:
        PageServer(config).run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as exc:
        raise ConfigurationError(
            f"the page cannot be shown at {host}:{port}: {exc.strerror}; name another --port"
        ) from exc
