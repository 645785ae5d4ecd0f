"""The command ``endface``."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest
from typer.testing import CliRunner

from endface.report import Problem, Report
from endface_client.__main__ import app
from endface_client.testing import PASS, Answer, Failure, Received

FAIL = dataclasses.replace(
    PASS,
    verdict="fail",
    borderline=True,
    reasons=("zone B: scratch 7 is 4.1 um wide, limit 3 um (mm-pc)", "zone A: pit 2", "zone A: pit 3"),
)
INVALID = dataclasses.replace(
    PASS, verdict="invalid", error=Problem("no_fiber", "no cladding"), reasons=("no cladding",), fiber=None, zones=()
)


def by_name(**answers: Answer) -> Callable[[Received], Answer]:
    """A server that answers each picture by its stem, and passes the others."""
    return lambda received: answers.get(Path(received.parameters["name"]).stem, PASS)


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({}, 0),
        ({"b": FAIL}, 1),
        ({"b": INVALID}, 1),
        ({"b": Failure(grpc.StatusCode.INTERNAL, "internal: stumbled")}, 2),
        ({"a": FAIL, "b": Failure(grpc.StatusCode.INTERNAL, "internal: stumbled")}, 2),
    ],
    ids=["all pass", "a fail", "an invalid", "an error", "an error beside a fail"],
)
def test_the_exit_code_is_that_of_the_worst_picture(run, fake_server, pictures, answers, code):
    """0 all pass, 1 any fail or invalid, 2 any that could not be inspected."""
    fake_server.answer = by_name(**answers)

    assert run("inspect", pictures, "--profile", "mm-pc").exit_code == code


def test_the_table_shows_verdict_reason_and_sum(run, fake_server, pictures):
    """A row a picture: what it is, how near it was, the first reason and how many more."""
    fake_server.answer = by_name(b=FAIL, c=INVALID)
    lines = run("inspect", pictures, "--profile", "mm-pc").stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line.strip()}

    assert "pass" in rows["a.png"]
    assert "fail borderline" in rows["b.png"]
    assert "scratch 7 is 4.1 um wide, limit 3 um (mm-pc) (+2 more)" in rows["b.png"]
    assert "no cladding" in rows["c.png"]
    assert lines[-1].strip() == "3 pictures: 1 pass, 1 fail, 1 invalid; 1 borderline"


def test_one_failed_picture_costs_no_other(run, fake_server, pictures):
    """The rest of the run is inspected and shown."""
    fake_server.answer = by_name(b=Failure(grpc.StatusCode.INTERNAL, "internal: stumbled"))
    output = run("inspect", pictures, "--profile", "mm-pc").stdout

    assert output.count("pass") == 3  # two rows and the sum
    assert "stumbled" in output


def test_json_is_a_report_a_line_and_nothing_else(run, fake_server, pictures):
    """Stdout holds the reports in order; what went wrong stands on stderr."""
    fake_server.answer = by_name(b=FAIL)
    result = run("inspect", pictures, pictures / "gone.png", "--profile", "mm-pc", "--json")
    reports = [Report.from_json(line) for line in result.stdout.splitlines()]

    assert [report.image.name for report in reports] == ["a.png", "b.png", "c.png"]
    assert "gone.png cannot be read: No such file or directory" in result.stderr
    assert result.exit_code == 2


def test_options_reach_the_server(run, fake_server, pictures):
    """Profile and scale travel as parameters."""
    run("inspect", pictures / "a.png", "--profile", "sm-apc", "--cladding-um", "140", "--um-per-px", "0.43")

    assert fake_server.requests[0].parameters == {
        "name": "a.png",
        "profile": "sm-apc",
        "cladding_um": "140.0",
        "um_per_px": "0.43",
    }


def test_without_a_profile_the_servers_answer_is_shown(run, pictures):
    """A server without a default refuses, and its sentence is what the user reads."""
    result = run("inspect", pictures / "a.png")

    assert result.exit_code == 2
    assert "names no profile" in result.stdout


def test_out_holds_report_overlay_and_page(run, pictures, tmp_path):
    """Per picture its report and overlay, and one page for the run; no temporary file stays."""
    out = tmp_path / "new" / "reports"
    result = run("inspect", pictures, "--profile", "mm-pc", "--out", out)
    names = sorted(path.name for path in out.iterdir())

    assert names == sorted([f"{name}.{kind}" for name in "abc" for kind in ("json", "overlay.png")] + ["index.html"])
    assert Report.from_json((out / "a.json").read_text()).image.name == "a.png"
    assert cv2.imread(str(out / "a.overlay.png")) is not None
    assert (out / "index.html").read_text().count("<article") == 3
    assert f"wrote {out / 'index.html'}" in result.stderr


def test_pictures_of_one_name_do_not_overwrite_each_other(run, pictures, tmp_path):
    """Equal stems in two folders, or with two suffixes, get numbers."""
    other = tmp_path / "other"
    other.mkdir()
    cv2.imwrite(str(other / "a.png"), np.full((48, 64), 90, np.uint8))
    cv2.imwrite(str(other / "A.bmp"), np.full((48, 64), 91, np.uint8))
    run("inspect", pictures / "a.png", other, "--profile", "mm-pc", "--out", tmp_path / "out")
    reports = [path.stem for path in (tmp_path / "out").glob("*.json")]

    assert len({stem.casefold() for stem in reports}) == 3


def test_a_picture_that_changes_meanwhile_is_not_passed_off(run, fake_server, pictures, tmp_path):
    """An overlay on another picture than the inspected one would lie."""

    def answer(_: Received) -> Report:
        cv2.imwrite(str(pictures / "a.png"), np.full((48, 64), 200, np.uint8))
        return PASS

    fake_server.answer = answer
    result = run("inspect", pictures / "a.png", "--profile", "mm-pc", "--out", tmp_path / "out")

    assert result.exit_code == 2
    assert "changed while it was inspected" in result.stdout
    assert not list((tmp_path / "out").glob("a.*"))


def test_a_failed_picture_has_its_card(run, fake_server, pictures, tmp_path):
    """The page shows what was not inspected as well."""
    fake_server.answer = by_name(b=Failure(grpc.StatusCode.INTERNAL, "internal: stumbled"))
    run("inspect", pictures, "--profile", "mm-pc", "--out", tmp_path)
    text = (tmp_path / "index.html").read_text()

    assert text.count("<article") == 3
    assert "stumbled" in text


def test_a_folder_that_cannot_be_written_is_told(run, pictures):
    """The run stops before it inspects anything."""
    result = run("inspect", pictures, "--profile", "mm-pc", "--out", pictures / "a.png")

    assert result.exit_code == 2
    assert "a.png" in result.stderr


def test_a_path_without_pictures_is_not_a_pass(run, tmp_path):
    """Exit 2 and a sentence: nothing was inspected."""
    result = run("inspect", tmp_path, "--profile", "mm-pc")

    assert result.exit_code == 2
    assert "holds no picture" in result.stdout


def test_markup_in_a_name_is_shown_as_it_is(run, pictures):
    """Square brackets in a file's name are no colors."""
    (pictures / "a.png").rename(pictures / "[red]a.png")

    assert "[red]a.png" in run("inspect", pictures / "[red]a.png", "--profile", "mm-pc").stdout


def test_health_is_an_inspection(run, fake_server):
    """Exit 0 says that a picture went through."""
    result = run("health")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"healthy: {fake_server.address}")
    assert len(fake_server.requests) == 1


def test_a_server_that_cannot_inspect_is_not_healthy(run, fake_server):
    """A living server whose models fail exits with 2 and its sentence."""
    fake_server.answer = Failure(grpc.StatusCode.INTERNAL, "Stub process is not healthy")
    result = run("health")

    assert result.exit_code == 2
    assert "Stub process is not healthy" in result.stderr


def test_a_server_that_hangs_is_not_healthy(run):
    """It takes connections and never answers; that is known after the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        result = run("health", "--server", f"127.0.0.1:{listener.getsockname()[1]}", "--deadline-s", "0.2")

    assert result.exit_code == 2
    assert result.stderr.startswith("not healthy: ")


def test_an_overloaded_server_is_not_called_sick(run, fake_server):
    """It is there and works, and who restarts it makes matters worse: an exit code of its own."""
    fake_server.answer = Failure(grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
    result = run("health", "--deadline-s", "0.5")

    assert result.exit_code == 3
    assert result.stderr.startswith(f"overloaded: {fake_server.address} has a full queue")


@pytest.mark.parametrize("command", [["health"], ["inspect", "{pictures}"], ["inspect", "{pictures}", "--json"]])
def test_a_server_that_is_down_is_named(run, pictures, command):
    """The address stands in the message, and the exit code is 2."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*listener.getsockname())
    words = [word.format(pictures=pictures) for word in command]
    result = run(*words, "--server", address, "--deadline-s", "0.5")

    assert result.exit_code == 2
    assert address in result.stdout + result.stderr


@pytest.mark.parametrize("command", [["health"], ["inspect", "{pictures}", "--profile", "mm-pc"]])
def test_certificates_are_options(run, encrypted, pictures, shown, command):
    """Whom to trust, who we are, and the name that a server's certificate must have."""
    words = [word.format(pictures=pictures) for word in command]
    options = [word for name, value in shown.items() for word in (f"--tls-{name}", value)]

    assert run(*words, "--server", encrypted.address, *options).exit_code == 0
    assert encrypted.requests


@pytest.mark.parametrize("command", [["health"], ["inspect", "{pictures}", "--profile", "mm-pc"]])
def test_certificates_may_stand_in_the_environment(encrypted, pictures, shown, command):
    """So a container's health check needs no options."""
    variables = {f"ENDFACE_TLS_{name.replace('-', '_').upper()}": value for name, value in shown.items()}
    words = [word.format(pictures=pictures) for word in command]

    assert CliRunner().invoke(app, words, env=variables | {"ENDFACE_SERVER": encrypted.address}).exit_code == 0


@pytest.mark.parametrize("command", [["health"], ["inspect", "{pictures}"]])
def test_wrong_certificates_are_told(run, pictures, certificates, command):
    """Before anybody is called."""
    words = [word.format(pictures=pictures) for word in command]
    result = run(*words, "--tls-key", certificates / "station.key")

    assert result.exit_code == 2
    assert "go together; name both files" in result.stderr


def test_health_says_that_certificates_are_wanted(run, encrypted):
    """And how to name them."""
    result = run("health", "--server", encrypted.address, "--deadline-s", "0.5")

    assert result.exit_code == 2
    assert "(--tls-authority, --tls-certificate, --tls-key)" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["inspect"], ["inspect", "x.png", "--concurrency", "0"], ["inspect", "x", "--y"]]
)
def test_a_wrong_command_line_is_exit_2(run, arguments):
    """Mistakes in the command are not verdicts."""
    assert run(*arguments).exit_code == 2


def test_the_commands_are_the_documented_ones(run):
    """inspect, health and serve."""
    text = run("--help").stdout

    assert all(command in text for command in ("inspect", "health", "serve"))


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "endface_client", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def test_the_command_runs_as_a_process(fake_server, pictures):
    """Lines of JSON come through a pipe, and nothing else does."""
    process = start("inspect", pictures, "--server", fake_server.address, "--profile", "mm-pc", "--json")
    stdout, stderr = process.communicate(timeout=60)

    assert process.returncode == 0
    assert [json.loads(line)["verdict"] for line in stdout.splitlines()] == ["pass"] * 3
    assert stderr == ""


def test_an_interrupt_leaves_nothing_half_written(fake_server, pictures, tmp_path):
    """Ctrl-C in the middle: whole files of the finished pictures, none of the others, exit 130."""
    gate = threading.Event()
    reached = threading.Event()

    def answer(received: Received) -> Report:
        if received.parameters["name"] == "c.png":
            reached.set()
            gate.wait(60)
        return PASS

    fake_server.answer = answer
    out = tmp_path / "out"
    process = start("inspect", pictures, "--server", fake_server.address, "--profile", "mm-pc", "--out", out)
    try:
        assert reached.wait(60)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    finally:
        gate.set()
        process.kill()

    assert process.returncode == 130
    assert "interrupted" in stderr
    assert {path.name for path in out.glob("*")} <= {f"{n}.{kind}" for n in "ab" for kind in ("json", "overlay.png")}
