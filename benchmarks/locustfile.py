"""Locust's entry point: ``python -m locust -f benchmarks/locustfile.py --host HOST:8001 --shape ramp``.

``python -m benchmarks load`` does that for every shape, with a server of its own, and judges what came out.
"""

# ruff: noqa: I001 - the station comes first: it tells gRPC of gevent before anything opens a channel
from benchmarks.load.station import IDLE, Station

import time
from argparse import Namespace
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import psutil
from locust import LoadTestShape, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from benchmarks.common.triton_counters import Counters, scrape, since, split
from benchmarks.load.shapes import LOCUST, ProductionLine, Phase, phases
from endface_build.provenance import write_json
from benchmarks.common.usage import Usage, family, memory_mib, server_processes, usage

_EARLY_S = 0.5
"""Locust ticks once a second: a phase ends with the tick that is nearest to its end."""

PHASE = "phase"
"""The message that tells all processes of the generator which phase begins."""


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator] # Locust types it only in part
def add_options(parser: LocustArgumentParser) -> None:
    """Options of ours beside Locust's own."""
    ours = parser.add_argument_group("endface")
    ours.add_argument("--shape", choices=LOCUST, default="ramp", help="What the line does.")
    ours.add_argument("--endface-profile", default="mm-pc", help="The limits to judge by.")
    ours.add_argument("--pictures", default="out/bench/pictures", help="Folder that `benchmarks load` prepared.")
    ours.add_argument("--metrics", default="", help="host:port of the server's metrics, for its own account of time.")
    ours.add_argument("--phases", default="out/bench/phases.json", help="File for what each phase cost.")
    for each in fields(ProductionLine):
        kind = type(each.default)
        ours.add_argument(
            f"--{each.name.replace('_', '-')}", type=kind, default=each.default, help="See shapes.ProductionLine."
        )


@events.init.add_listener  # type: ignore[untyped-decorator] # as above
def listen(environment: Environment, **_: object) -> None:
    """Have this process follow the phases."""
    row = [*_phases(environment), IDLE]

    def begin(msg: Any, **_: object) -> None:
        Station.phase = row[msg.data]

    assert environment.runner is not None
    environment.runner.register_message(PHASE, begin)


class Production(LoadTestShape):
    """Load shape of Locust: the phases one after the other, and what each of them cost."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Locust types it only in part
        self.reset_time()

    def reset_time(self) -> None:
        """Begin at the first phase: Locust calls this at each start, also from its web page."""
        self._place = -1
        self._begun: _Look | None = None
        self._record: list[dict[str, Any]] = []

    def tick(self) -> tuple[int, float] | None:
        """How many stations, and how many are started in a second; None at the end.

        Each phase gets its time from its own beginning, so that a late tick makes one longer and skips none.
        """
        assert self.runner is not None
        row = _phases(self.runner.environment)
        if self._begun is None or self._begun.age_s >= row[self._place].seconds - _EARLY_S:
            self._change(row, self._begun)
        rate = max(phase.users for phase in row)  # also on the way down, where a phase's own rate would take seconds
        return None if self._place == len(row) else (row[self._place].users, rate)

    def _change(self, row: list[Phase], begun: "_Look | None") -> None:
        """Close the phase that ends, and tell everybody which one begins."""
        assert self.runner is not None
        environment = self.runner.environment
        look = _Look(environment)
        if begun is not None and row[self._place].counted:
            self._record.append(asdict(row[self._place]) | look.since(begun))
        self._place, self._begun = self._place + 1, look
        self.runner.send_message(PHASE, self._place)
        if self._place == len(row):
            write_json(Path(_options(environment).phases), self._record)


class _Look:
    """Clock, processor time and the server's counters at one moment."""

    def __init__(self, environment: Environment) -> None:
        options = _options(environment)
        self.time_s = time.perf_counter()
        server = server_processes(int(str(environment.host).rpartition(":")[2]))
        self.usage: Usage = usage(family(psutil.Process()), server)
        self.memory_mib = memory_mib(server)
        self.counters: dict[str, Counters] = scrape(options.metrics) if options.metrics else {}

    @property
    def age_s(self) -> float:
        """Seconds since."""
        return time.perf_counter() - self.time_s

    def since(self, earlier: "_Look") -> dict[str, Any]:
        """What happened between two looks."""
        seconds = self.time_s - earlier.time_s
        models = since(earlier.counters, self.counters)
        return {
            "measured_s": round(seconds, 3),
            "cores": (self.usage - earlier.usage).cores(seconds),
            "server_mib": self.memory_mib,
            "server": {model: split(counters) for model, counters in models.items()},
        }


def _phases(environment: Environment) -> list[Phase]:
    options = _options(environment)
    line = ProductionLine(**{each.name: getattr(options, each.name) for each in fields(ProductionLine)})
    return phases(options.shape, line)


def _options(environment: Environment) -> Namespace:
    assert isinstance(environment.parsed_options, Namespace)  # Locust sets it before anything of ours runs
    return environment.parsed_options
