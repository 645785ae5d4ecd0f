"""The page on observability is run: its commands as printed, its trace against a real one."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.span_collector import Collector, tree

Ports = Callable[[], dict[str, int]]


@pytest.fixture(scope="module")
def page(project: Path) -> str:
    """The page's text."""
    return (project / "docs" / "observability.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def commands(page: str) -> list[str]:
    """Its shell commands in their order, without comments."""
    blocks = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL))
    return [line.split(" #")[0].strip() for line in blocks.splitlines()]


def ours(command: str) -> tuple[list[str], dict[str, str]]:
    """A command's words, with the program of this environment, and the variables that it sets."""
    words = shlex.split(command.split(" 2>>", maxsplit=1)[0])
    variables = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    _, *rest = words[len(variables) :]
    return [str(Path(sys.executable).with_name("endface")), *rest], variables


@contextmanager
def served(command: str, ports: dict[str, int], log: Path, **changed: str) -> Iterator[None]:
    """A server started as printed, on ports of its own; it has to end in good order."""
    words, variables = ours(command)
    options = [f"--{name.replace('_', '-')}={port}" for name, port in ports.items()]
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            [*words, *options], env=os.environ | variables | changed, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("endface is ready"), log.read_text()
            yield
        finally:
            process.terminate()
        assert process.wait() == 0


def starting(commands: list[str], start: str) -> str:
    """The only command that begins so."""
    (found,) = (command for command in commands if command.startswith(start))
    return found


def test_no_command_is_left_out(commands: list[str]) -> None:
    """Whoever writes a new one writes its test."""
    assert [command.split()[0] for command in commands] == [
        "docker",
        "ENDFACE_LOG=inspections",
        "pip",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
    ]


def test_names_of_profile_and_extras_exist(commands: list[str], project: Path) -> None:
    """What needs an image registry or a package index is looked up."""
    (profile,) = re.findall(r"--profile (\S+)", starting(commands, "docker"))
    services = yaml.safe_load((project / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    (extras,) = re.findall(r"\[(.*)\]", starting(commands, "pip"))
    offered = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert any(profile in service.get("profiles", ()) for service in services.values())
    assert set(extras.split(",")) <= set(offered["optional-dependencies"])


@pytest.mark.triton
def test_log_and_trace_come_as_printed(
    page: str, commands: list[str], project: Path, tmp_path: Path, free_ports: Ports
) -> None:
    """Server and client as printed: the trace has the page's spans, and the log's line bears its number."""
    _, serve, inspect = (command for command in commands if "endface " in command)
    logging, _ = ours(starting(commands, "ENDFACE_LOG"))
    words, variables = ours(inspect)
    ports = free_ports()
    with Collector() as collector:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        with served(serve, ports, tmp_path / "log", ENDFACE_LOG="inspections", **told):
            ran = subprocess.run(
                [*words, f"--server=127.0.0.1:{ports['grpc_port']}"],
                cwd=project,
                env=os.environ | variables | told,
                check=False,
            )
    assert ran.returncode == 1  # the face is chipped
    assert logging == ours(serve)[0]

    (drawn,) = re.findall(r"```\n(span .*?)```", page, re.DOTALL)
    names = re.findall(r"^ *endface\.[a-z]+", drawn, re.MULTILINE)
    once = [name for number, name in enumerate(names) if name not in names[:number]]
    assert tree(collector.spans) == once
    (entry,) = (json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{"))
    assert {span.trace for span in collector.spans} == {entry["request_id"]}
    fields = set(entry) - {"time", "event", "timings_ms"}
    attributes = {key.removeprefix("endface.") for span in collector.spans for key in span.attributes}
    assert attributes - {"attempt", "attempts"} == fields - {"code"}  # the picture could be judged
