"""The commands at work: a station with its threads, its folder and its page, until a signal ends them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import typer

from endface.environment import default_repository
from endface.errors import ConfigurationError
from endface.review.keeper import keeping
from endface.server.ports import free_ports
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client import Client, Record
from endface_client.cli.jobs import SerialOf, serial_from_name
from endface_client.cli.serve import READY_WITHIN_S
from endface_station.filing import Filed
from endface_station.intake.camera import Camera, SampleCamera
from endface_station.intake.folder import WatchedFolder
from endface_station.photos import Photos
from endface_station.picture_queue import PictureQueue
from endface_station.review.app import review_app
from endface_station.settings import LineOptions, PageOptions, SourceOptions
from endface_station.shift import Serials, Shift
from endface_station.station import Station
from endface_station.texts import Texts
from endface_station.web.app import create_app
from endface_station.web.serving import access_of, serve
from endface_station.web.view import View


def run_watch(options: LineOptions, folder: Path) -> None:
    """Watch a folder until a signal comes.

    Raises:
        EndfaceError: the folder, the record, the queue or a setting cannot be used.
    """
    with keeping(options.review_settings, options.unreported(), _say) as keeper:

        def show(filed: Filed) -> None:
            _print_filed(filed)
            if keeper:
                keeper(filed.attempt.report, filed.data)
                if keeper.problem:
                    _say(f"warning: {keeper.problem}")

        # Nobody can scan, and nobody takes a picture again: there is no page.
        with _station(options, options.server, show, steps_itself=True, serials="optional") as station:
            station.on_change = _StateLine(station)
            with _watching(folder, options, station, _warn):
                typer.echo(f"watching {folder}; Ctrl-C ends")
                threading.Event().wait()


def run_station(options: LineOptions, sources: SourceOptions, page: PageOptions) -> None:
    """Show the page until a signal comes.

    Raises:
        EndfaceError: the folder, the record, the queue, the camera or a setting cannot be used.
    """
    review = options.review_settings
    access, texts = access_of(page), Texts.of(page.texts)
    with ExitStack() as stack:
        server = stack.enter_context(_demo_server(options.profile or "")) if sources.demo else options.server
        photos = Photos(options.record_folder)
        keeper = stack.enter_context(keeping(review, options.unreported(), _say))

        def show(filed: Filed) -> None:
            photos.add(filed.attempt, filed.data)
            if keeper:
                keeper(filed.attempt.report, filed.data)

        serials: Serials = "always" if sources.scan_first else "connectors"
        station = stack.enter_context(
            _station(options, server, show, steps_itself=sources.steps_itself, serials=serials)
        )
        camera = None if sources.camera is None else Camera(sources.camera)
        shown = SampleCamera(sources.demo, station.aim) if sources.demo else camera
        station.on_change = _StateLine(station, "ready")
        view = View(station, photos, texts, keeper=keeper, name=page.name, has_camera=shown is not None)
        mounts = {"/review": review_app(keeper.cases)} if keeper else {}
        app = create_app(station, view, photos, camera=shown, access=access, mounts=mounts)
        if sources.watch:
            stack.enter_context(_watching(sources.watch, options, station, partial(_show_notice, station)))
        typer.echo(f"open {' or '.join(page.addresses)} in a browser; Ctrl-C ends the station")
        serve(app, page)


@contextmanager
def _station(
    options: LineOptions, server: str, on_filed: Callable[[Filed], None], *, steps_itself: bool, serials: Serials
) -> Iterator[Station]:
    """A station whose thread runs."""
    folder = options.record_folder
    with ExitStack() as stack:
        record = stack.enter_context(
            Record(folder, limit_bytes=options.record_limit_bytes, key_file=options.record_key)
        )
        queue = stack.enter_context(PictureQueue(options.data / "queue"))
        # One server is asked again by the station itself, which says at once that it is down; of several servers the
        # client tries another one.
        client = stack.enter_context(Client(server, repeat="," in server, **options.client_settings))
        shift = Shift.of_record(folder, fibers=options.fibers, steps_itself=steps_itself, serials=serials)
        station = Station(
            client, record, queue, shift, server=server, on_filed=on_filed, rework_after=options.rework_after
        )
        thread = threading.Thread(target=station.run, name="station", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(station.stop)
        yield station


@contextmanager
def _watching(folder: Path, options: LineOptions, station: Station, say: Callable[[str], None]) -> Iterator[None]:
    """The folder is watched meanwhile."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder; name the one that the microscope writes into")
    with WatchedFolder(
        folder,
        station.accept,
        taken="leave" if options.leave else "move",
        serial_of=_pattern("--serial-from-name", options.serial_from_name),
        fiber_of=_pattern("--fiber-from-name", options.fiber_from_name),
        ledger=options.data / "taken.txt" if options.leave else None,
        say=say,
    ):
        yield


def _pattern(option: str, pattern: str | None) -> SerialOf | None:
    try:
        return None if pattern is None else serial_from_name(pattern)
    except ValueError as exc:
        raise ConfigurationError(f"{option}: {exc}") from exc


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
