"""The commands that judge: what they print, what they write, and how they refuse."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from endface.errors import ConfigurationError
from endface.options import Options
from endface_build.__main__ import app
from endface_build.data.drawn_pictures import DrawnFaces
from endface_build.evaluation.inspector import with_network


@pytest.fixture(scope="module")
def model(repository):
    """The folder of the network under test."""
    return repository / "segment" / "1"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A folder of two drawn pictures with class maps in codes of its own."""
    folder = tmp_path_factory.mktemp("labelled")
    for place in ("images", "masks"):
        (folder / place).mkdir()
    for face in DrawnFaces("multimode", 2):
        (folder / "images" / face.name).write_bytes(face.data)
        cv2.imwrite(str(folder / "masks" / face.name), np.where(face.labels == 255, 9, face.labels))
    names = {"0": "background", "1": "scratch", "2": "pit", "3": "contamination", "4": "chip", "9": "ignore"}
    lines = [f'"{level}" = "{name}"' for level, name in names.items()]
    (folder / "classes.toml").write_text("\n".join(["[classes]", *lines]))
    return folder


def run(*arguments):
    """Run the command; an error of ours comes through."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "120"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_evaluate_a_folder_and_a_servers_reports(model, labelled, tmp_path):
    """Network, baseline and a server's reports stand side by side; figures and plots are written."""
    inspect = with_network(model / "model.onnx", Options("mm-pc"))
    reports = [inspect(path.read_bytes(), path.name).to_json() for path in (labelled / "images").iterdir()]
    (tmp_path / "reports.jsonl").write_text("\n".join(reports))
    result = run("evaluate", labelled, "--model", model, "--reports", tmp_path / "reports.jsonl", "--out", tmp_path)
    figures = json.loads((tmp_path / "evaluation.json").read_text())

    assert "recall" in result.stdout
    assert figures["server"] == figures["network"]
    assert figures["baseline"]["pictures"] == 2
    assert {path.name for path in tmp_path.glob("*.png")} >= {"reliability.png", "confusion-server.png"}


def test_evaluate_drawn_single_mode_faces(model, tmp_path):
    """Without a folder, faces are drawn: single-mode ones for a single-mode profile."""
    run("evaluate", "--model", model, "--profile", "sm-apc", "--faces", "1", "--out", tmp_path)
    figures = json.loads((tmp_path / "evaluation.json").read_text())

    assert figures["profile"] == "sm-apc"
    assert figures["network"]["localisation"]["count"] == 1


def test_gage_of_photographs(model, labelled, tmp_path):
    """A folder of photographs gives a table of conditions and their figures."""
    result = run("gage", labelled / "images", "--model", model, "--repeats", "1", "--out", tmp_path / "gage.json")
    figures = json.loads((tmp_path / "gage.json").read_text())

    assert figures["parts"] + figures["invalid_parts"] == 2
    assert "re-lit" in result.stdout


def test_gage_without_pictures(model, tmp_path):
    """An empty folder is refused with what belongs there."""
    with pytest.raises(ConfigurationError, match="No pictures"):
        run("gage", tmp_path, "--model", model)


def test_page_from_the_committed_record(project, tmp_path):
    """The page command writes the committed page again."""
    record = sorted((project / "benchmarks" / "results").glob("*-accuracy.json"))[-1]
    run("page", record, "--page", tmp_path / "accuracy.md")

    assert (tmp_path / "accuracy.md").read_bytes() == (project / "docs" / "accuracy.md").read_bytes()


def test_page_without_a_record(tmp_path):
    """A missing record is refused with what makes one."""
    with pytest.raises(ConfigurationError, match="endface-build accuracy"):
        run("page", tmp_path / "none.json")
