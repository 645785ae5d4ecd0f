"""The commands that measure: what they print, what they write, and how they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from endface.options import Options
from endface_build.data.drawn_pictures import DrawnFaces
from endface_build.evaluation.inspector import with_network
from tests.endface_build.commands.command_line import Run


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
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


def test_evaluate_a_folder_and_a_servers_reports(run: Run, serving: Path, labelled: Path, tmp_path: Path) -> None:
    """Network, baseline and a server's reports stand side by side; figures and plots are written."""
    inspect = with_network(serving / "model.onnx", Options("mm-pc"))
    reports = [inspect(path.read_bytes(), path.name).to_json() for path in (labelled / "images").iterdir()]
    (tmp_path / "reports.jsonl").write_text("\n".join(reports))
    words = ("--model", serving, "--reports", tmp_path / "reports.jsonl", "--out", tmp_path)
    answer = run("evaluate", labelled, *words)
    figures = json.loads((tmp_path / "evaluation.json").read_text())

    assert "recall" in answer.out
    assert figures["server"] == figures["network"]
    assert figures["baseline"]["pictures"] == 2
    assert {path.name for path in tmp_path.glob("*.png")} >= {"reliability.png", "confusion-server.png"}


def test_evaluate_drawn_faces_with_what_serves(run: Run, own_repository: Path, serving: Path, tmp_path: Path) -> None:
    """Without a folder and a model, the profile's kind of face is drawn, and the newest version is judged."""
    (own_repository / "segment" / serving.name).rename(own_repository / "segment" / "99")
    answer = run("evaluate", "--profile", "sm-apc", "--faces", "1", "--out", tmp_path)
    figures = json.loads((tmp_path / "evaluation.json").read_text())

    assert answer.status == 0, answer.err
    assert figures["profile"] == "sm-apc"
    assert figures["network"]["localisation"]["count"] == 1


def test_evaluate_the_invariance_of_a_folder(run: Run, serving: Path, labelled: Path, tmp_path: Path) -> None:
    """A folder, or its images/, is judged under every change: a table, figures and plots."""
    answer = run("evaluate", "--invariance", labelled, "--model", serving, "--out", tmp_path)
    figures = json.loads((tmp_path / "invariance.json").read_text())

    assert answer.status == 0, answer.err
    assert "turned 270" in answer.out
    assert figures["judged"] + figures["refused"] == 2
    assert {"mirrored", "blur 4 px"} <= figures["changes"].keys()
    assert {path.name for path in tmp_path.glob("*.png")} == {"invariance-verdicts.png", "invariance-sizes.png"}


def test_gage_of_photographs(run: Run, serving: Path, labelled: Path, tmp_path: Path) -> None:
    """A folder of photographs gives a table of conditions and their figures."""
    answer = run("gage", labelled / "images", "--model", serving, "--repeats", "1", "--out", tmp_path / "gage.json")
    figures = json.loads((tmp_path / "gage.json").read_text())

    assert figures["parts"] + figures["invalid_parts"] == 2
    assert "re-lit" in answer.out


def test_page_from_the_committed_record(run: Run, project: Path, tmp_path: Path) -> None:
    """Nobody edits the page by hand: its newest record gives it letter by letter, and every picture is there."""
    record = sorted((project / "benchmarks" / "results").glob("*-accuracy.json"))[-1]
    run("page", record, "--page", tmp_path / "accuracy.md")
    text = (tmp_path / "accuracy.md").read_text(encoding="utf-8")
    pictures = [line.split("](")[1].rstrip(")") for line in text.splitlines() if line.startswith("![")]

    assert text == (project / "docs" / "accuracy.md").read_text(encoding="utf-8")
    assert pictures
    assert all((project / "docs" / picture).is_file() for picture in pictures)
