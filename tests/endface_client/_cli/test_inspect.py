"""``endface inspect`` on servers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest

from endface.report import Problem, Report
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
