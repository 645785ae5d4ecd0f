"""What guards the page: the names that it answers to, the origin of what changes anything, the login, the headers.

A page in the same browser is a stranger: it can send requests to this machine (CSRF), and its name can be made to
point here (DNS rebinding).  So every request must call the station by a name of its own, and one that changes
anything must come from the station's own page, or from a program, which names no origin.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE: Final = "endface_station"

LOGIN: Final = "/login"

SHIFT_S: Final = 12 * 3600
"""How long a login lasts."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all, a form of our own would come from the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}

_READS: Final = ("GET", "HEAD")
_OPEN: Final = (LOGIN, "/static/")


class Login:
    """The secret of a station, and the cookies of those who know it.

    Args:
        secret: what opens the page.
        clock: seconds since 1970.
    """

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock

    def opens(self, secret: str) -> bool:
        """Whether that is the secret; how long this takes does not depend on how much of it is right."""
        digests = (hashlib.sha256(each).digest() for each in (secret.strip().encode(), self._secret))
        return hmac.compare_digest(*digests)

    def cookie(self) -> str:
        """The value of a new cookie: until when it holds, and a seal that only the secret gives."""
        until = str(int(self._clock()) + SHIFT_S)
        return f"{until}.{self._seal(until)}"

    def knows(self, connection: HTTPConnection) -> bool:
        """Whether a request shows a cookie that holds, or the secret itself as a bearer token."""
        kind, _, token = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self.opens(token)
        until, _, seal = connection.cookies.get(COOKIE, "").partition(".")
        is_sealed = hmac.compare_digest(seal.encode(), self._seal(until).encode())
        return is_sealed and self._clock() < int(until)

    def _seal(self, until: str) -> str:
        return hmac.new(self._secret, f"{COOKIE} {until}".encode(), hashlib.sha256).hexdigest()


class Guard:
    """ASGI middleware that lets through what may come through, and puts the headers on every answer.

    Args:
        app: what it guards.
        names: the host names and addresses that the station is called by, without a port.
        login: the login; None where only this machine can call.
    """

    def __init__(self, app: ASGIApp, *, names: Iterable[str], login: Login | None = None) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._login = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope) or self._app
        await answer(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        connection = HTTPConnection(scope)
        host = connection.headers.get("host", "")
        if _host_name(host) not in self._names:
            return PlainTextResponse("this station is not called by that name\n", 421)
        if scope["method"] not in _READS and not _is_own(connection.headers, scope["scheme"], host):
            return PlainTextResponse("this came from another page\n", 403)
        if self._login and not scope["path"].startswith(_OPEN) and not self._login.knows(connection):
            is_page = scope["path"] == "/" or "text/html" in connection.headers.get("accept", "")
            wants_page = is_page and scope["method"] in _READS
            return RedirectResponse(LOGIN, 303) if wants_page else PlainTextResponse("log in first\n", 401)
        return None


def _host_name(host: str) -> str:
    """The name in a Host header; empty where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if "@" not in host else ""
    except ValueError:
        return ""


def _is_own(headers: Headers, scheme: str, host: str) -> bool:
    """Whether a request comes from the station's own page, or from no page at all."""
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    return site in (None, "same-origin", "none") and origin in (None, f"{scheme}://{host}")
