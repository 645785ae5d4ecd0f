"""The review pages as an application that the station mounts at ``/review``."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from endface.errors import ReviewError
from endface.review.case import Case
from endface.review.cases import Cases, now
from endface.review.opinions import LONGEST_NAME, Review
from endface_station.review import pages, pictures
from endface_station.review.overview import Filter, Overview

REVIEWER: Final = "endface_reviewer"
"""Cookie with the reviewer's name."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
"""Nothing from elsewhere, and no script or style inside a page."""

_MOST_BYTES: Final = 8_000_000
"""Of a review that is sent; 200,000 corners take less."""

_THUMBNAILS: Final = 512
"""Thumbnails that are held: some six megabytes."""

_CACHED: Final = {"Cache-Control": "private, max-age=3600"}
_YEAR_S: Final = 365 * 24 * 3600


def review_app(cases: Cases) -> Starlette:
    """The pages of a folder of cases: their list, each of them, and what is said of it.

    Who may open them is the business of the application that mounts this one.
    """
    views = _Views(cases)
    routes = [
        Route("/", views.overview),
        Route("/reviewer", views.name_reviewer, methods=["POST"]),
        Route("/cases/{name}", views.case),
        Route("/cases/{name}/picture", views.picture),
        Route("/cases/{name}/thumbnail", views.thumbnail),
        Route("/cases/{name}/reviews", views.add_review, methods=["POST"]),
        Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_guarded)],
        exception_handlers={ReviewError: _sorry},
    )


class _Views:
    """What the routes answer; those that only read run in Starlette's threads."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._overview = Overview(cases)
        self._thumbnail = lru_cache(_THUMBNAILS)(lambda name: pictures.thumbnail(cases.read(name)))  # none ever changes

    def overview(self, request: Request) -> Response:
        """The list of cases."""
        chosen = Filter.of(request.query_params)
        return HTMLResponse(pages.overview(_base(request), _reviewer(request), chosen, self._overview.rows()))

    def case(self, request: Request) -> Response:
        """One case."""
        chosen, case = Filter.of(request.query_params), self._case(request)
        around = self._overview.neighbors(case.name, chosen)
        return HTMLResponse(pages.case(_base(request), _reviewer(request), chosen, case, around))

    def picture(self, request: Request) -> Response:
        """The picture as it was judged, as PNG."""
        return Response(pictures.as_png(self._case(request)), media_type="image/png", headers=_CACHED)

    def thumbnail(self, request: Request) -> Response:
        """The face in small, with the outlines of its marks."""
        jpeg = self._thumbnail(str(request.path_params["name"]))
        return Response(jpeg, media_type="image/jpeg", headers=_CACHED)

    async def name_reviewer(self, request: Request) -> Response:
        """Remember who sits there."""
        async with request.form(max_fields=4, max_part_size=4096) as form:
            name, back = str(form.get("reviewer", "")).strip(), str(form.get("back", ""))
        if not name.isprintable() or len(name) > LONGEST_NAME:
            raise HTTPException(400, f"A name has at most {LONGEST_NAME} letters.")
        base = _base(request)
        inside = back if back.startswith(f"{base}/") and not back.startswith("//") and "\\" not in back else f"{base}/"
        response = RedirectResponse(inside, 303)
        response.set_cookie(
            REVIEWER, urllib.parse.quote(name), max_age=_YEAR_S, path=f"{base}/", httponly=True, samesite="strict"
        )
        return response

    async def add_review(self, request: Request) -> Response:
        """Add the reviewer's opinion; the answer says how the opinions stand, and which case comes next."""
        name, reviewer = str(request.path_params["name"]), _reviewer(request)
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise HTTPException(415, "A review is sent as JSON.")
        values = await _json(request)
        try:
            standing, following = await run_in_threadpool(self._add, name, reviewer, values, request)
        except ReviewError as exc:
            return JSONResponse({"error": str(exc)}, 400)
        return JSONResponse({"standing": standing, "next": following})

    def _add(self, name: str, reviewer: str, values: Any, request: Request) -> tuple[str, str]:
        chosen, case = Filter.of(request.query_params), self._cases.read(name)
        _, following = self._overview.neighbors(name, chosen)  # asked before this one leaves the list
        given = values if isinstance(values, dict) else {}
        review = Review.from_json(given | {"reviewer": reviewer, "at": now()}, case.size)
        self._cases.add_review(name, review)
        base = _base(request)
        target = pages.case_link(base, following, chosen) if following else pages.list_link(base, chosen)
        return self._cases.read(name).standing, target

    def _case(self, request: Request) -> Case:
        return self._cases.read(str(request.path_params["name"]))


async def _json(request: Request) -> Any:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise HTTPException(413, "The review is too large.")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise HTTPException(400, "The review is no JSON.") from exc


async def _guarded(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse what another site's page sends, and keep what this site's pages may load to this site."""
    origin = request.headers.get("origin")
    foreign = origin is not None and urllib.parse.urlsplit(origin).netloc != request.headers.get("host")
    if foreign and request.method not in ("GET", "HEAD"):
        return Response("This was sent from another site's page.", 403, headers=HEADERS)
    response = await answer(request)
    response.headers.update(HEADERS)
    return response


def _sorry(request: Request, exc: Exception) -> Response:
    return HTMLResponse(pages.sorry(_base(request), str(exc)), 404)


def _base(request: Request) -> str:
    """Where the pages are mounted."""
    return str(request.scope.get("root_path", "")).rstrip("/")


def _reviewer(request: Request) -> str:
    """The reviewer's name, or an empty text."""
    return urllib.parse.unquote(request.cookies.get(REVIEWER, "")).strip()[:LONGEST_NAME]
