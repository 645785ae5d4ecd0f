"""The commands at work: a station with its threads, its folder and its page, until a signal ends them."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import typer
import uvicorn

from endface.environment import default_repository, profiles_folder
from endface.errors import ConfigurationError
from endface.options import Options
from endface.review.keeper import ReviewSettings, keeping
from endface.server.certificates import Certificates
from endface.server.ports import free_ports
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client import Client, Record
from endface_client.cli.jobs import SerialOf, serial_from_name
from endface_client.cli.serve import READY_WITHIN_S
from endface_client.record.entry import read_key
from endface_station.filing import Filed
from endface_station.intake.camera import Camera, SampleCamera
from endface_station.intake.folder import WatchedFolder
from endface_station.photos import Photos
from endface_station.picture_queue import PictureQueue
from endface_station.review.app import review_app
from endface_station.shift import Serials, Shift
from endface_station.station import Station
from endface_station.texts import Texts
from endface_station.web.app import Access, PageServer, create_app
from endface_station.web.view import View

_HERE: Final = ("127.0.0.1", "localhost", "::1")
_EVERYWHERE: Final = ("0.0.0.0", "::")


@dataclass(frozen=True)
class StationSettings:
    """A station: its servers, the settings of its client, and its folder.

    ``record`` is None for the folder ``record`` in ``data``, ``review`` where nothing is kept for review.
    """

    server: str
    client: Mapping[str, Any]
    data: Path
    record: Path | None
    record_limit_bytes: int
    record_key: Path | None
    rework_after: int
    review: ReviewSettings | None
    fibers: int
    steps_itself: bool
    serials: Serials

    @property
    def record_folder(self) -> Path:
        """Where the record is."""
        return self.record or self.data / "record"

    @property
    def wishes(self) -> Options:
        """What reports do not say of how they were judged, for a candidate that judges as well."""
        screen, any_core = (bool(self.client.get(name)) for name in ("screen", "any_core"))
        return Options("", profiles=profiles_folder(), screen=screen, any_core=any_core)


@dataclass(frozen=True)
class WatchSettings:
    """A folder to watch, whether its files are left there, and patterns for what their names say."""

    folder: Path
    leave: bool
    serial: str | None
    fiber: str | None


@dataclass(frozen=True)
class PageSettings:
    """A page: where it is, who may call it, and what it shows."""

    host: str
    port: int
    names: tuple[str, ...]
    secret_file: Path | None
    certificate: Path | None
    key: Path | None
    texts: Path | None
    name: str
    camera: int | None
    demo: Path | None

    @property
    def addresses(self) -> tuple[str, ...]:
        """What a browser opens: the host names where the page listens on every address of this machine."""
        scheme = "https" if self.certificate else "http"
        hosts = (self.names or ("localhost",)) if self.host in _EVERYWHERE else (self.host,)
        return tuple(f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}/" for host in hosts)


def run_watch(settings: StationSettings, watched: WatchSettings) -> None:
    """Watch a folder until a signal comes.

    Raises:
        EndfaceError: the folder, the record, the queue or a setting cannot be used.
    """
    with keeping(settings.review, settings.wishes, _say) as keeper:

        def show(filed: Filed) -> None:
            _print_filed(filed)
            if keeper:
                keeper(filed.attempt.report, filed.data)
                if keeper.problem:
                    _say(f"warning: {keeper.problem}")

        with _station(settings, settings.server, show) as station:
            station.on_change = _StateLine(station)
            with _watching(watched, station, settings.data, _warn):
                typer.echo(f"watching {watched.folder}; Ctrl-C ends")
                threading.Event().wait()


def run_station(settings: StationSettings, page: PageSettings, watched: WatchSettings | None) -> None:
    """Show the page until a signal comes.

    Raises:
        EndfaceError: the folder, the record, the queue, the camera or a setting cannot be used.
    """
    access, texts = _access(page), Texts.of(page.texts)
    with ExitStack() as stack:
        profile = str(settings.client.get("profile") or "")
        server = stack.enter_context(_demo_server(profile)) if page.demo else settings.server
        photos = Photos(settings.record_folder)
        keeper = stack.enter_context(keeping(settings.review, settings.wishes, _say))

        def show(filed: Filed) -> None:
            photos.add(filed.attempt, filed.data)
            if keeper:
                keeper(filed.attempt.report, filed.data)

        station = stack.enter_context(_station(settings, server, show))
        camera = None if page.camera is None else Camera(page.camera)
        shown = SampleCamera(page.demo, station.aim) if page.demo else camera
        station.on_change = _StateLine(station, "ready")
        view = View(station, photos, texts, keeper=keeper, name=page.name, has_camera=shown is not None)
        mounts = {"/review": review_app(keeper.cases)} if keeper else {}
        app = create_app(station, view, photos, camera=shown, access=access, mounts=mounts)
        if watched:
            stack.enter_context(_watching(watched, station, settings.data, partial(_show_notice, station)))
        typer.echo(f"open {' or '.join(page.addresses)} in a browser; Ctrl-C ends the station")
        listener = stack.enter_context(_listening(page.host, page.port))
        config = uvicorn.Config(
            app,
            ssl_certfile=page.certificate,
            ssl_keyfile=page.key,
            log_level="warning",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
        PageServer(config).run(sockets=[listener])


@contextmanager
def _station(settings: StationSettings, server: str, on_filed: Callable[[Filed], None]) -> Iterator[Station]:
    """A station whose thread runs."""
    folder = settings.record_folder
    with ExitStack() as stack:
        record = stack.enter_context(
            Record(folder, limit_bytes=settings.record_limit_bytes, key_file=settings.record_key)
        )
        queue = stack.enter_context(PictureQueue(settings.data / "queue"))
        # One server is asked again by the station itself, which says at once that it is down; of several servers the
        # client tries another one.
        client = stack.enter_context(Client(server, repeat="," in server, **settings.client))
        shift = Shift.of_record(
            folder, fibers=settings.fibers, steps_itself=settings.steps_itself, serials=settings.serials
        )
        station = Station(
            client, record, queue, shift, server=server, on_filed=on_filed, rework_after=settings.rework_after
        )
        thread = threading.Thread(target=station.run, name="station", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(station.stop)
        yield station


@contextmanager
def _watching(watched: WatchSettings, station: Station, data: Path, say: Callable[[str], None]) -> Iterator[None]:
    """The folder is watched meanwhile."""
    if not watched.folder.is_dir():
        raise ConfigurationError(f"{watched.folder} is no folder; name the one that the microscope writes into")
    with WatchedFolder(
        watched.folder,
        station.accept,
        taken="leave" if watched.leave else "move",
        serial_of=_pattern("--serial-from-name", watched.serial),
        fiber_of=_pattern("--fiber-from-name", watched.fiber),
        ledger=data / "taken.txt" if watched.leave else None,
        say=say,
    ):
        yield


def _pattern(option: str, pattern: str | None) -> SerialOf | None:
    try:
        return None if pattern is None else serial_from_name(pattern)
    except ValueError as exc:
        raise ConfigurationError(f"{option}: {exc}") from exc


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        ConfigurationError: the address is none of this machine, or is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as exc:
        raise ConfigurationError(
            f"the page cannot be shown at {host}:{port}: {exc.strerror}; name another --port"
        ) from exc


def _access(page: PageSettings) -> Access:
    """Who may call the page.

    Raises:
        ConfigurationError: other machines may, and there is no certificate, or it is wrong.
        RecordError: the secret's file cannot be read, or it is too short.
    """
    if (page.certificate is None) != (page.key is None):
        raise ConfigurationError("--page-certificate and --page-key go together; name both files")
    if page.certificate and page.key:
        Certificates(page.certificate, page.key).check()
    elif page.host not in _HERE:
        raise ConfigurationError(
            f"--host {page.host} shows the page to other machines; give --page-certificate and --page-key"
        )
    elif page.secret_file:
        raise ConfigurationError("a secret travels encrypted only; give --page-certificate and --page-key with it")
    if page.host in _HERE and not page.secret_file:
        return Access((*_HERE, *page.names))
    secret = read_key(page.secret_file) or secrets.token_urlsafe(18).encode()
    if page.secret_file is None:
        typer.echo(f"the secret that opens the page until the station ends: {secret.decode()}")
    return Access((*_HERE, page.host, *page.names), secret)


@contextmanager
def _demo_server(profile: str) -> Iterator[str]:
    """A server on this machine; its address."""
    http_port, grpc_port, metrics_port = free_ports(3)
    settings = Settings(
        repository=default_repository(),
        http_port=http_port,
        grpc_port=grpc_port,
        metrics_port=metrics_port,
        profile=profile,
    )
    typer.echo("starting a server on this machine")
    with EmbeddedServer(settings) as server:
        server.wait_ready(READY_WITHIN_S)
        yield server.grpc_address


class _StateLine:
    """Prints the server's condition whenever it is another one than the last."""

    def __init__(self, station: Station, last: str = "") -> None:
        self._station = station
        self._last = last

    def __call__(self) -> None:
        state = self._station.state
        if state.condition not in ("unknown", self._last):
            self._last = state.condition
            waiting = f", {self._station.waiting} waiting" if self._station.waiting else ""
            reason = f": {state.reason}" if state.reason else ""
            typer.echo(f"server {state.condition}{waiting}{reason}", err=True)


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _warn(sentence: str) -> None:
    if sentence:
        _say(f"warning: {sentence}")


def _show_notice(station: Station, sentence: str) -> None:
    _warn(sentence)
    station.show_notice(sentence)


def _print_filed(filed: Filed) -> None:
    """One line for each picture."""
    reason = f": {filed.attempt.reason}" if filed.attempt.reason else ""
    serial = f"{filed.arrival.serial} " if filed.arrival.serial else ""
    typer.echo(f"{filed.attempt.word} {serial}{filed.arrival.name}{reason}")
    if filed.warning:
        typer.echo(f"warning: {filed.warning}", err=True)
