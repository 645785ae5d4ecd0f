"""docs/scaling.md: what it shows runs as printed."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
from typer.main import get_command

from benchmarks.__main__ import app
from endface.server.process import EmbeddedServer

PAGE = "docs/scaling.md"


def test_commands_exist_as_printed(commands: list[str]) -> None:
    """Those that measure for minutes are taken with all their options; other tests run them."""
    lines = map(shlex.split, commands)
    printed = [line[3:] for line in lines if line[:3] == ["python", "-m", "benchmarks"]]
    known = get_command(app).commands  # type: ignore[attr-defined] # an app of several commands is a group

    for name, *arguments in printed:
        known[name].make_parser(known[name].make_context(name, [], resilient_parsing=True)).parse_args(arguments)
    assert {words[0] for words in printed} == {"stages", "load"}


@pytest.mark.triton
def test_metrics_are_there_as_printed(page: str, server: EmbeddedServer) -> None:
    """The command for the metrics shows queues and computing of each model."""
    (line,) = re.findall(r"^curl .*$", page, re.MULTILINE)

    ran = subprocess.run(
        ["bash", "-c", line.replace("127.0.0.1:8002", server.metrics_address)],
        capture_output=True,
        text=True,
        check=True,
    )

    for what in ("queue", "compute_infer", "request"):
        assert f'nv_inference_{what}_duration_us{{model="preprocess"' in ran.stdout
