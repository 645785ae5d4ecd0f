"""The page on observability is run: its commands as printed, its trace against a real one."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.servers import free_ports, serve
from tests.span_collector import Collector, tree

PAGE = "docs/observability.md"


def ours(command: str) -> tuple[list[str], dict[str, str]]:
    """A command's words, with the program of this environment, and the variables that it sets."""
    words = shlex.split(command.split(" 2>>", maxsplit=1)[0])
    variables = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    _, *rest = words[len(variables) :]
    return [str(Path(sys.executable).with_name("endface")), *rest], variables


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
def test_log_and_trace_come_as_printed(page: str, commands: list[str], project: Path) -> None:
    """Server and client as printed: the trace has the page's spans, and the log's line bears its number."""
    _, start, inspect = (command for command in commands if "endface " in command)
    logging, _ = ours(starting(commands, "ENDFACE_LOG"))
    words, variables = ours(inspect)
    command, changed = ours(start)
    with Collector() as collector:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        changed |= {"ENDFACE_LOG": "inspections"} | told
        with serve(free_ports(), command=tuple(command), **changed) as serving:
            ran = subprocess.run(
                [*words, f"--server={serving.address}"], cwd=project, env=os.environ | variables | told, check=False
            )
            assert serving.stop() == 0  # what is on its way to the collector arrives
    assert ran.returncode == 1  # the face is chipped
    assert logging == command

    (drawn,) = re.findall(r"```\n(span .*?)```", page, re.DOTALL)
    names = re.findall(r"^ *endface\.[a-z]+", drawn, re.MULTILINE)
    once = [name for number, name in enumerate(names) if name not in names[:number]]
    assert tree(collector.spans) == once
    (entry,) = (json.loads(line) for line in serving.log.splitlines() if line.startswith("{"))
    assert {span.trace for span in collector.spans} == {entry["request_id"]}
    fields = set(entry) - {"time", "event", "timings_ms"}
    attributes = {key.removeprefix("endface.") for span in collector.spans for key in span.attributes}
    assert attributes - {"attempt", "attempts"} == fields - {"code", "fiber"}  # one fiber, and it could be judged
