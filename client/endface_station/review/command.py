"""``endface review``: the review pages alone, for a folder of cases that was brought to a desk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from endface.errors import EndfaceError, ReviewError

_HERE: Final = "127.0.0.1"
_NAMES: Final = (_HERE, "localhost")


def review(
    cases: Annotated[Path, typer.Argument(metavar="CASES", help="Folder of kept pictures.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the pages, on this machine only.")] = 8081,
) -> None:
    """Look at kept pictures in a browser, say what is right and correct marks, until Ctrl-C."""
    try:
        _serve(cases, port)
    except EndfaceError as exc:
        typer.echo(f"endface review: {exc}", err=True)
        raise typer.Exit(2) from exc


def _serve(folder: Path, port: int) -> None:
    """Serve the pages to this machine.

    Raises:
        ReviewError: the folder is not there, the port is taken, or a package is missing.
    """
    import socket

    try:
        import uvicorn
        from starlette.applications import Starlette
        from starlette.middleware import Middleware
        from starlette.middleware.trustedhost import TrustedHostMiddleware
        from starlette.routing import Mount
    except ModuleNotFoundError as exc:
        raise ReviewError(f"the pages need the package {exc.name}: install the extra `station`") from exc
    from endface.review.cases import Cases
    from endface_station.review.app import review_app

    if not folder.is_dir():
        raise ReviewError(f"{folder} is no folder; keep pictures with `endface inspect PATH --review {folder}`")
    app = Starlette(
        routes=[Mount("/review", review_app(Cases(folder)))],
        # A page of another site, whose name was made to point here, calls this machine by that name.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(_NAMES), www_redirect=False)],
    )
    try:
        listener = socket.create_server((_HERE, port))
    except OSError as exc:
        raise ReviewError(f"the pages cannot be shown on port {port}: {exc.strerror}; name another --port") from exc
    with listener:
        typer.echo(f"open http://{_HERE}:{port}/review/ in a browser; Ctrl-C ends")
        config = uvicorn.Config(
            app, log_level="warning", server_header=False, proxy_headers=False, timeout_graceful_shutdown=2
        )
        uvicorn.Server(config).run(sockets=[listener])
