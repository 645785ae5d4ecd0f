"""The project's Compose file on a real engine: built, started, asked and removed again.

COMPOSE_FILE, DOCKER_HOST, DOCKER_BUILDKIT and their like are the engine's own, and are passed on.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from tests.waiting import wait_until

PROJECT: Final = Path(__file__).parents[2]
PROFILES: Final = ("fleet", "observability", "bench")
PORTS: Final = {
    "endface": "ENDFACE_PORT",
    "endface-2": "ENDFACE_PORT_2",
    "endface-3": "ENDFACE_PORT_3",
    "prometheus": "ENDFACE_PROMETHEUS_PORT",
}

_LIMIT_S: Final = 1200
"""How long a command may take: a first build fetches base images and packages."""

_WITHIN_S: Final = 180
_METRICS: Final = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8002/metrics').read().decode())"


class Stack:
    """The Compose file as a project of its own, with ports of its own.

    Args:
        command: how Compose is called here.
    """

    def __init__(self, command: list[str]) -> None:
        self._command = command
        with contextlib.ExitStack() as held:
            probes = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
            self._ports = dict(zip(PORTS, (probe.getsockname()[1] for probe in probes), strict=True))
        self._environment = (
            os.environ
            | {
                "COMPOSE_PROJECT_NAME": f"endface-test-{os.getpid()}",
                "ENDFACE_PROFILE": "mm-pc",
                "ENDFACE_BENCH_WORKERS": "2",
                "ENDFACE_BENCH_OPTIONS": "--most 2 --seconds 2 --settle-s 1",
            }
            | {variable: str(self._ports[service]) for service, variable in PORTS.items()}
        )

    def compose(self, *arguments: str) -> str:
        """Call Compose, with all profiles that can run here."""
        profiles = [f"--profile={name}" for name in PROFILES]
        return self.execute(*self._command, *profiles, *arguments)

    @contextlib.contextmanager
    def beside(self, file: Path, **settings: str) -> Iterator[None]:
        """While this lasts Compose reads a file beside the project's own, and has more settings."""
        before = self._environment
        files = before.get("COMPOSE_FILE", "docker-compose.yml")
        self._environment = before | settings | {"COMPOSE_FILE": f"{files}:{file}"}
        try:
            yield
        finally:
            self._environment = before

    def execute(self, *command: str) -> str:
        """Run a command in the checkout; give what it wrote, or fail with it."""
        done = subprocess.run(
            command, cwd=PROJECT, env=self._environment, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {done.stderr or done.stdout}"
        return done.stdout

    @staticmethod
    def wait_until(condition: Callable[[], bool]) -> None:
        """Await a condition."""
        wait_until(condition, _WITHIN_S)

    def up(self, *services: str) -> None:
        """Start services, and wait until those that have a health check are healthy."""
        self.compose("up", "--detach", *services)
        for service in services:
            self.wait_until(partial(self.is_healthy, service))

    def is_healthy(self, service: str) -> bool:
        """Whether a service runs, and its health check says that it does so well."""
        state = self.inspected(service)["State"]
        return bool(state["Running"]) and state.get("Health", {"Status": "healthy"})["Status"] == "healthy"

    def container(self, service: str) -> str:
        """The id of a service's container."""
        return self.compose("ps", "--all", "--quiet", service).split()[0]

    def inspected(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's container."""
        found: dict[str, Any] = json.loads(self.execute("docker", "inspect", self.container(service)))[0]
        return found

    def inside(self, service: str, code: str) -> str:
        """Run Python code in a service's container."""
        return self.execute("docker", "exec", self.container(service), "python3", "-c", code)

    def answered(self, service: str) -> int:
        """How many requests a server's ensemble has answered by its own account, health checks included."""
        head = 'nv_inference_request_success{model="endface"'
        lines = (line for line in self.inside(service, _METRICS).splitlines() if line.startswith(head))
        return sum(int(float(line.rpartition(" ")[2])) for line in lines)

    def kill_container(self, service: str) -> None:
        """SIGKILL to the first process, as the machine's kernel sends it; `docker kill` would be an order to stay down.

        Nobody inside can do that, and the engine's machine may not be this one: a container on that machine does it.
        """
        process = self.inspected(service)["State"]["Pid"]
        killer = ("docker", "run", "--rm", "--pid=host", "--user=0:0", "--no-healthcheck", "endface:local")
        self.execute(*killer, "python3", "-c", f"import os; os.kill({process}, 9)")

    def address(self, service: str) -> str:
        """Where a service is published on this machine."""
        return f"127.0.0.1:{self._ports[service]}"


def _compose() -> list[str]:
    """How Compose is called here; skips where there is none, or no engine."""
    if not shutil.which("docker"):
        pytest.skip("no container engine: there is no `docker` on PATH")
    engine = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    if engine.returncode:
        pytest.skip(f"no container engine answers: {engine.stderr.strip()}")
    for command in (["docker", "compose"], ["docker-compose"]):
        asked = [*command, "version"]
        if shutil.which(command[0]) and not subprocess.run(asked, capture_output=True, check=False).returncode:
            return command
    pytest.skip("there is neither `docker compose` nor `docker-compose`")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The Compose file with its first server built, running and healthy; everything is removed in the end."""
    made = Stack(_compose())
    made.compose("build", "endface")
    try:
        made.up("endface")
        yield made
    finally:
        made.compose("down", "--volumes", "--remove-orphans", "--timeout=35")


@pytest.fixture
def server(stack: Stack) -> Stack:
    """The stack, its first server healthy whatever the test before did to it."""
    stack.up("endface")
    return stack


@pytest.fixture(scope="module")
def _more_servers(stack: Stack) -> Iterator[None]:
    """Room for the fleet's other servers while a module's tests run."""
    yield
    stack.compose("rm", "--stop", "--force", "endface-2", "endface-3")


@pytest.fixture
def fleet(stack: Stack, _more_servers: None) -> Stack:
    """The stack with three healthy servers, whatever the test before did to them."""
    stack.up("endface", "endface-2", "endface-3")
    return stack


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a measured number, whether the test passes or not."""

    def told(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {line}")  # noqa: T201 - for whoever runs the tests

    return told
