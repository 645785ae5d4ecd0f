"""What traces cost: the same pictures in turns through a traced server and station and through a pair that is not.

Both pairs run all the time, so a machine whose speed drifts, or that others use as well, drifts for both.  Processor
time counts from a turn to the next one: spans are sent in batches, after the pictures.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Annotated, Final

import psutil
import typer

from benchmarks.common.limit import Work
from benchmarks.common.options import Faces, Folder, Profile, Results, console, keep, network_file, pictures_of
from benchmarks.common.origin import RESULTS, Json, origin, origin_text
from benchmarks.common.pictures import Picture
from benchmarks.common.target import serving
from benchmarks.common.usage import server_processes, usage
from endface.engines.onnx_network import Network
from endface.server.settings import DEFAULT_ENGINE
from endface_client import Client

_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SETTLING: Final = 2
"""Turns before those that count."""


class Pair:
    """A server and a station, each in processes of its own.

    Args:
        server: ``host:port`` of gRPC.
        station: the process that asks.
        pipe: tells it to begin a turn, and gives the times.
    """

    def __init__(self, server: str, station: int, pipe: Connection) -> None:
        self._server = server_processes(int(server.rpartition(":")[2]))
        self._station = [psutil.Process(station)]
        self._pipe = pipe
        self.used_s: list[float] = []
        self.times_ms: list[float] = []

    def turn(self) -> None:
        """Inspect all pictures once."""
        used = usage(self._station, self._server)
        self.used_s.append(used.generator + used.server)
        self._pipe.send(True)
        self.times_ms += self._pipe.recv()

    def costs_ms(self, pictures: int) -> list[float]:
        """Processor time a picture, of each turn that counts."""
        turns = zip(self.used_s[_SETTLING:], self.used_s[_SETTLING + 1 :], strict=False)
        return [(after - before) / pictures * 1000 for before, after in turns]


def measure(work: Work, turns: int) -> Json:
    """Take turns.

    Args:
        work: the pictures, and the profile.
        turns: how many count, of each pair.

    Returns:
        Processor time a picture of both pairs and their ratio, all medians over the turns, with the ratio's extremes;
        and the median time from call to report, one picture after the other.
    """
    with contextlib.ExitStack() as stack:
        endpoint = stack.enter_context(_collector())
        plain = stack.enter_context(_pair(work, ""))
        traced = stack.enter_context(_pair(work, endpoint))
        for number in range(_SETTLING + turns + 1):
            for pair in (plain, traced) if number % 2 else (traced, plain):
                pair.turn()
        return figures(plain, traced, len(work.pictures))


def figures(plain: Pair, traced: Pair, pictures: int) -> Json:
    """What both pairs used."""
    costs = plain.costs_ms(pictures), traced.costs_ms(pictures)
    ratios = [after / before for before, after in zip(*costs, strict=True)]
    counted = _SETTLING * pictures
    return {
        "turns": len(ratios),
        "pictures": pictures,
        "plain_cpu_ms": round(statistics.median(costs[0]), 2),
        "traced_cpu_ms": round(statistics.median(costs[1]), 2),
        "ratio": round(statistics.median(ratios), 4),
        "ratio_extremes": [round(min(ratios), 4), round(max(ratios), 4)],
        "plain_p50_ms": round(statistics.median(plain.times_ms[counted:]), 2),
        "traced_p50_ms": round(statistics.median(traced.times_ms[counted:]), 2),
    }


def run(
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    turns: Annotated[int, typer.Option(min=1, help="How often each pair inspects all pictures.")] = 40,
    results: Results = RESULTS,
) -> None:
    """Processor time that traces cost, as the ratio of two servers that take turns (two minutes)."""
    work = Work(pictures_of(faces, folder, profile), network_file(), profile)
    record = origin(Network(work.network).info) | measure(work, turns)
    low, high = record["ratio_extremes"]
    console.print(
        f"{record['plain_cpu_ms']:g} ms of processor time a picture, traced {record['traced_cpu_ms']:g} ms; "
        f"ratio {record['ratio']:g} ({low:g} to {high:g}); {keep(record, results, 'traces')}"
    )


def text(record: Json) -> str:
    """The page's section in Markdown."""
    low, high = record["ratio_extremes"]
    cpu, p50 = (f"{record[f'traced_{what}_ms']:.1f} ms for {record[f'plain_{what}_ms']:.1f}" for what in ("cpu", "p50"))
    return f"""\
## Traces

{origin_text(record)}
With traces a picture takes **{record["ratio"]:.3f}** times the processor time, client and server together (median of
{record["turns"]} turns of {record["pictures"]} pictures, {low:.2f} to {high:.2f}): {cpu}.
The median time from call to report is {p50}.
"""


@contextlib.contextmanager
def _pair(work: Work, endpoint: str) -> Iterator[Pair]:
    ours, theirs = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    with _environment(endpoint), serving("", "", DEFAULT_ENGINE) as (server, _):
        station = spawn.Process(target=_work, args=(theirs, server, work.pictures, work.profile))
        station.start()
        theirs.close()
        try:
            assert station.pid is not None  # it was started
            yield Pair(server, station.pid, ours)
        finally:
            ours.close()  # which ends it
            station.join()


def _work(pipe: Connection, server: str, pictures: Sequence[Picture], profile: str) -> None:
    with Client(server, profile=profile) as client, contextlib.suppress(EOFError):
        while pipe.recv():
            times_ms = []
            for picture in pictures:
                started_s = time.perf_counter()
                client.inspect(picture.data, name=picture.name)
                times_ms.append((time.perf_counter() - started_s) * 1000)
            pipe.send(times_ms)


@contextlib.contextmanager
def _environment(endpoint: str) -> Iterator[None]:
    before = os.environ.get(_ENDPOINT, "")
    os.environ[_ENDPOINT] = endpoint
    try:
        yield
    finally:
        os.environ[_ENDPOINT] = before


@contextlib.contextmanager
def _collector() -> Iterator[str]:
    """Takes all spans and keeps none; its own time counts for nobody."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Taker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""
