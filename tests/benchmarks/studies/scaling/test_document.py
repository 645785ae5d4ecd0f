"""docs/scaling.md: its figures come from the records, and what it shows runs as printed."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import RESULTS, Json
from benchmarks.page import newest
from benchmarks.studies.scaling.document import BEGIN, DOCUMENT, END, figures, write_document
from endface.server.process import EmbeddedServer


@pytest.fixture(scope="module")
def page() -> str:
    """The page's text."""
    return DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture
def results(records: dict[str, Json], tmp_path: Path) -> Path:
    """A folder with the records."""
    for kind, record in records.items():
        (tmp_path / f"2026-11-22-{kind}.json").write_text(json.dumps(record), encoding="utf-8")
    return tmp_path


def shell(page: str) -> list[list[str]]:
    """The words of every line in the page's programs for a shell."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line.strip()]


def benchmarks_of(page: str) -> list[list[str]]:
    """What stands behind ``python -m benchmarks`` in the page's programs."""
    return [line[3:] for line in shell(page) if line[:3] == ["python", "-m", "benchmarks"]]


def test_figures_come_from_the_records(records: dict[str, Json]) -> None:
    """Costs, the model beside the measurement, nodes and fleets; lines are broken anywhere."""
    text = " ".join(figures(records).split())

    assert "| network, on a core | 200.0 |" in text
    assert "they then serve 1.6 times the pictures" in text  # 560 over 360
    assert "| cores: 2, client on the same cores | 3.2 | 3.2 |" in text
    assert "| box, 2 cores, client on it | 3 | cores | 3 | cores |" in text
    assert "| node, 64 cores and a GPU |" in text
    assert "| 10, one of them lost |" in text
    assert "different commits" not in text


def test_records_of_different_states_are_told(records: dict[str, Json]) -> None:
    """Stages of one commit and a server of another do not belong together."""
    records["stages"] = records["stages"] | {"commit": "another"}

    assert "**The two records are of different commits or networks.**" in figures(records)


def test_words_around_the_figures_stay(results: Path, tmp_path: Path) -> None:
    """The command rewrites what stands between the marks, again and again the same."""
    document = tmp_path / "scaling.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    command = ["scaling-page", f"--results={results}", f"--document={document}"]

    assert CliRunner().invoke(app, command).exit_code == 0
    first = document.read_text(encoding="utf-8")
    assert CliRunner().invoke(app, command).exit_code == 0

    assert first.startswith(f"before\n{BEGIN}\n\n### What")
    assert first.endswith(f"|\n\n{END}\nafter\n")
    assert document.read_text(encoding="utf-8") == first


def test_page_without_marks_is_left_alone(records: dict[str, Json], tmp_path: Path) -> None:
    """The sentence says which lines are missing."""
    document = tmp_path / "scaling.md"
    document.write_text("no marks\n", encoding="utf-8")

    with pytest.raises(BenchmarkError, match="put the lines <!-- scaling: begin"):
        write_document(records, document)
    assert document.read_text(encoding="utf-8") == "no marks\n"


def test_committed_figures_are_those_of_the_committed_records(page: str) -> None:
    """The page says what the records say, or that there is none yet."""
    _, _, rest = page.partition(BEGIN)
    between, end, _ = rest.partition(END)
    records = newest(RESULTS)

    assert end
    if "scaling" in records:
        assert between == f"\n\n{figures(records)}\n"
    else:
        assert "Not measured yet" in between


def test_sizes_are_told_as_printed(page: str, results: Path) -> None:
    """Both examples of the page give a number of nodes."""
    lines = [words for words in benchmarks_of(page) if words[0] == "size"]
    said = [CliRunner().invoke(app, [*words, f"--results={results}"]) for words in lines]

    assert [each.exit_code for each in said] == [0, 0]
    assert "The line asks for 40.0 pictures/s." in said[0].output
    assert "The line asks for 16.0 pictures/s." in said[1].output
    assert all("with one that may be lost: " in each.output for each in said)


def test_commands_exist_as_printed(page: str) -> None:
    """Those that measure for minutes are taken with all their options; other tests run them."""
    commands = get_command(app).commands  # type: ignore[attr-defined] # an app of several commands is a group
    printed = benchmarks_of(page)

    for name, *arguments in printed:
        commands[name].make_parser(commands[name].make_context(name, [], resilient_parsing=True)).parse_args(arguments)
    assert {words[0] for words in printed} == {"size", "stages", "scaling", "load"}


def test_links_lead_somewhere(page: str) -> None:
    """Every file that the page names is there."""
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page)

    assert [link for link in links if not (DOCUMENT.parent / link).exists()] == []
    assert links


@pytest.mark.triton
def test_metrics_are_there_as_printed(page: str, server: EmbeddedServer) -> None:
    """The command for the metrics shows queues and computing of each model."""
    (line,) = re.findall(r"^curl .*$", page, re.MULTILINE)
    address = server.metrics_address

    ran = subprocess.run(
        ["bash", "-c", line.replace("127.0.0.1:8002", address)], capture_output=True, text=True, check=True
    )

    for what in ("queue", "compute_infer", "request"):
        assert f'nv_inference_{what}_duration_us{{model="preprocess"' in ran.stdout


@pytest.mark.triton
def test_program_runs_as_printed(page: str, server: EmbeddedServer, run_program: Callable[..., str]) -> None:
    """The client of two servers, one of which is not there, gets every report from the other one."""
    printed = run_program(page, {"127.0.0.1:8001": server.grpc_address})

    assert printed.splitlines() == ["multimode-clean.jpg pass", "chipped.jpg fail"] * 4
