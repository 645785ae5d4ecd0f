"""The station's page as an ASGI application: its routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

import endface_client.output
from endface.errors import EndfaceError
from endface_client.output.page import css
from endface_client.output.palette import DEFECT_COLORS
from endface_station.arrival import RefusedInput, ScanFirst
from endface_station.photos import Photos
from endface_station.station import Station
from endface_station.texts import Texts
from endface_station.web.changes import Changes
from endface_station.web.guard import Guard, Login
from endface_station.web.page import Camera, Page
from endface_station.web.view import View

_STATIC: Final = Path(__file__).parents[1] / "static"
_FACE_CSS: Final = Path(endface_client.output.__file__).parent / "templates" / "face.css"


@dataclass(frozen=True)
class Access:
    """Who may call the station.

    Attributes:
        names: the host names and addresses that it is called by.
        secret: what opens the page; empty where only this machine can call it.
    """

    names: tuple[str, ...] = ("127.0.0.1", "localhost", "::1")
    secret: bytes = b""


def create_app(  # noqa: PLR0913 - its parts, each made elsewhere
    station: Station,
    view: View,
    photos: Photos,
    *,
    camera: Camera | None = None,
    access: Access | None = None,
    mounts: Mapping[str, ASGIApp] | None = None,
) -> Starlette:
    """The station's page.

    Args:
        station: what it shows; its thread is not started here.
        view: how it is shown.
        photos: the pictures that it shows.
        camera: what ``Take picture`` releases.
        access: who may call it.
        mounts: further applications by their path, behind the same guard: ``/review``.
    """
    access = access or Access()
    login = Login(access.secret) if access.secret else None
    changes = Changes(view.regions)
    page = Page(station, view, photos, changes, camera=camera, login=login)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        changes.open()
        others_told = station.on_change

        def tell() -> None:
            others_told()
            changes.tell()

        station.on_change = tell
        yield
        changes.close()

    others = [Mount(path, each) for path, each in (mounts or {}).items()]
    app = Starlette(
        routes=[
            *page.routes(),
            *others,
            Route("/static/face.css", _face_css),
            Route("/static/colors.css", _colors_css),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(Guard, names=access.names, login=login)],
        exception_handlers={EndfaceError: partial(_refused, view.texts)},
        lifespan=lifespan,
    )
    app.state.changes = changes
    return app


def _refused(texts: Texts, _: Request, exc: Exception) -> Response:
    """An error as a sentence: 422 where the input is wrong, 503 where this machine cannot take it."""
    sentence = texts(f"refused.{exc.code}") if isinstance(exc, ScanFirst) else str(exc)
    return PlainTextResponse(f"{sentence}\n", 422 if isinstance(exc, RefusedInput) else 503)


async def _face_css(_: Request) -> Response:
    """How faces are drawn, the same as in the pages of ``endface inspect``."""
    return Response(_FACE_CSS.read_text(encoding="utf-8"), media_type="text/css")


async def _colors_css(_: Request) -> Response:
    """The colors of defects."""
    rules = (f".{name} {{ --color: {css(color)}; }}" for name, color in DEFECT_COLORS.items())
    return Response("\n".join(rules), media_type="text/css")
