"""The page's answers: the page itself, its events, and what an operator or a program does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, Protocol

from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from endface.contract import MAX_IMAGE_BYTES
from endface_station.arrival import MOST_FIBERS, Arrival, RefusedInput, ScanFirst, clean_fiber
from endface_station.photos import Photos
from endface_station.station import Station
from endface_station.web.changes import Changes
from endface_station.web.guard import COOKIE, LOGIN, SHIFT_S, Login
from endface_station.web.view import View

_WRONG_SECRET_S: Final = 1.0
"""How long a wrong secret takes, one after another: nobody tries a million of them."""

_VERDICT_WITHIN_S: Final = 5.0
"""How long a camera's picture is waited for; a server that is busy for longer does not hold up the operator."""

_UPLOADS_AT_ONCE: Final = 4

_LONGEST_FORM_BYTES: Final = 10_000


class Camera(Protocol):
    """A camera that the page can release."""

    def take(self) -> tuple[bytes, str]:
        """A picture, encoded, and its name.

        Raises:
            RefusedInput: the camera gives none.
        """

    def look(self) -> bytes:
        """What it sees now, as a small JPEG.

        Raises:
            RefusedInput: the camera gives no picture.
        """


class Page:
    """The page's answers.

    Args:
        station: what it shows and steers.
        view: how.
        photos: the pictures that it shows.
        changes: tells when there is something new.
        camera: what ``Take picture`` releases; None for no such button.
        login: the login; None for none.
    """

    def __init__(  # noqa: PLR0913 - its parts, each made elsewhere
        self,
        station: Station,
        view: View,
        photos: Photos,
        changes: Changes,
        *,
        camera: Camera | None,
        login: Login | None,
    ) -> None:
        self._station = station
        self._view = view
        self._photos = photos
        self._changes = changes
        self._camera = camera
        self._login = login
        self._one_login = asyncio.Lock()
        self._uploads = asyncio.Semaphore(_UPLOADS_AT_ONCE)

    def routes(self) -> list[Route]:
        """Its routes."""
        return [
            Route("/", self.index),
            Route("/events", self.events),
            Route("/state", self.state),
            Route("/pictures", self.upload, methods=["POST"]),
            Route("/pictures/{sha256}.jpg", self.picture),
            Route("/begin", self.begin, methods=["POST"]),
            Route("/count", self.count, methods=["POST"]),
            Route("/select", self.select, methods=["POST"]),
            Route("/finish", self.finish, methods=["POST"]),
            Route("/capture", self.capture, methods=["POST"]),
            Route("/live.jpg", self.live),
            Route(LOGIN, self.login_page),
            Route(LOGIN, self.log_in, methods=["POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
        ]

    async def index(self, _: Request) -> Response:
        """The whole page."""
        page = await run_in_threadpool(self._view.page, logged_in=self._login is not None)
        return HTMLResponse(page)

    async def events(self, _: Request) -> Response:
        """What has changed, as server-sent events; all of it at first."""
        return EventSourceResponse(self._changes.events(), ping=3600, send_timeout=30)

    async def state(self, _: Request) -> Response:
        """The state for programs."""
        return JSONResponse(await run_in_threadpool(self._view.state))

    async def picture(self, request: Request) -> Response:
        """A picture that the page shows."""
        sha256, _, kind = request.path_params["sha256"].partition(".")
        photo = self._photos.shown(sha256)
        if photo is None:
            return PlainTextResponse("this picture is not kept\n", 404)
        jpeg = photo.thumb if kind else photo.jpeg
        return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    async def upload(self, request: Request) -> Response:
        """Take the picture in the request's body; 202 once it is in the queue."""
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > MAX_IMAGE_BYTES:
            raise _too_large()
        query = request.query_params
        async with self._uploads:  # a few at a time: each holds a picture in memory
            data = bytearray()
            async for chunk in request.stream():
                data += chunk
                if len(data) > MAX_IMAGE_BYTES:
                    raise _too_large()
            name = Path(query.get("name", "") or "upload").name[:255]
            goes_on = query.get("goes_on") == "true"
            try:
                arrival = await run_in_threadpool(
                    self._station.accept,
                    bytes(data),
                    name,
                    serial=query.get("serial"),
                    fiber=query.get("fiber"),
                    goes_on=goes_on,
                )
            except RefusedInput as exc:
                if not goes_on or isinstance(exc, ScanFirst):
                    raise
                raise RefusedInput(
                    f"{name} was not taken, nor were the files after it: {exc}; give this one and those again"
                ) from exc
        return _accepted(arrival)

    async def capture(self, _: Request) -> Response:
        """Take a picture with the camera; the answer comes with the verdict: an impatient key takes no second one."""
        if self._camera is None:
            raise RefusedInput("this station has no camera; start it with --camera")
        await run_in_threadpool(self._station.check_scanned)
        data, name = await run_in_threadpool(self._camera.take)
        arrival = await run_in_threadpool(self._station.accept, data, name)
        await run_in_threadpool(self._station.wait_for, arrival, _VERDICT_WITHIN_S)
        return _accepted(arrival)

    async def live(self, _: Request) -> Response:
        """What the camera sees now."""
        if self._camera is None:
            return PlainTextResponse("this station has no camera\n", 404)
        return Response(await run_in_threadpool(self._camera.look), media_type="image/jpeg")

    async def begin(self, request: Request) -> Response:
        """Begin with a part, or go on with it."""
        form = await _form(request)
        await run_in_threadpool(self._station.begin, form.get("serial", ""))
        return Response(status_code=204)

    async def count(self, request: Request) -> Response:
        """Say how many fibers connectors have."""
        form = await _form(request)
        await run_in_threadpool(self._station.count, clean_fiber(form.get("fibers", ""), MOST_FIBERS))
        return Response(status_code=204)

    async def select(self, request: Request) -> Response:
        """Choose a fiber."""
        form = await _form(request)
        await run_in_threadpool(self._station.select, clean_fiber(form.get("fiber", ""), MOST_FIBERS))
        return Response(status_code=204)

    async def finish(self, _: Request) -> Response:
        """Leave the part in progress."""
        await run_in_threadpool(self._station.finish)
        return Response(status_code=204)

    async def login_page(self, _: Request) -> Response:
        """Ask for the secret."""
        return HTMLResponse(self._view.login(wrong=False))

    async def log_in(self, request: Request) -> Response:
        """Give a cookie for the secret."""
        if self._login is None:
            return RedirectResponse("/", 303)
        form = await _form(request)
        async with self._one_login:
            if not self._login.opens(form.get("secret", "")):
                await asyncio.sleep(_WRONG_SECRET_S)
                return HTMLResponse(self._view.login(wrong=True), 403)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            COOKIE, self._login.cookie(), max_age=SHIFT_S, path="/", secure=True, httponly=True, samesite="strict"
        )
        return answer

    async def log_out(self, _: Request) -> Response:
        """Take the cookie back."""
        answer = RedirectResponse(LOGIN, 303)
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return answer


def _accepted(arrival: Arrival) -> Response:
    """A picture that is in the queue."""
    return JSONResponse({"id": arrival.id, "serial": arrival.serial, "fiber": arrival.fiber}, 202)


def _too_large() -> RefusedInput:
    return RefusedInput(f"the picture is too large, at most {MAX_IMAGE_BYTES:,} bytes are taken")


async def _form(request: Request) -> dict[str, str]:
    """The texts of a small form."""
    if int(request.headers.get("content-length") or _LONGEST_FORM_BYTES + 1) > _LONGEST_FORM_BYTES:
        raise RefusedInput("this form is too long")
    async with request.form(max_files=0, max_fields=10) as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}
