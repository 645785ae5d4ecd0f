"""``endface inspect --offline``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from endface.report import Report


@pytest.fixture
def inspect(offline_repository):
    """Runs the command as a user does, without any server."""

    def run(*arguments, **environment):
        known = {"ENDFACE_REPOSITORY": str(offline_repository), "ENDFACE_SERVER": "127.0.0.1:1", "COLUMNS": "200"}
        command = [sys.executable, "-m", "endface_client", "inspect", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | known | environment
        )

    return run


@pytest.fixture
def folder(tmp_path, samples):
    """A clean face, and a black picture without any."""
    clean = next(path for path in samples if path.name == "multimode-clean.jpg")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "clean.jpg").write_bytes(clean.read_bytes())
    cv2.imwrite(str(tmp_path / "pictures" / "black.png"), np.zeros((480, 640), np.uint8))
    return tmp_path / "pictures"


@pytest.mark.parametrize("engine", ["onnxruntime", "opencv", "litert"])
def test_reports_as_a_server_does(inspect, folder, tmp_path, engine):
    """One report a line in order, the engine's name in it, files in the folder, exit 1 for the invalid picture."""
    options = ("--profile", "mm-pc", "--um-per-px", "0.43", "--json", "--out", tmp_path / "out")
    process = inspect("--offline", "--engine", engine, folder, *options)
    reports = [Report.from_json(line) for line in process.stdout.splitlines()]

    assert process.returncode == 1, process.stderr
    assert [(each.image.name, each.verdict) for each in reports] == [("black.png", "invalid"), ("clean.jpg", "pass")]
    assert {each.model.engine for each in reports} == {engine}
    assert reports[1].calibration.source == "request"
    assert json.loads((tmp_path / "out" / "clean.json").read_text())["verdict"] == "pass"
    assert f"offline, {engine}" in (tmp_path / "out" / "index.html").read_text()


def test_all_pass_is_exit_0(inspect, folder):
    """ONNX Runtime is the default engine, and a default profile comes from the environment."""
    process = inspect("--offline", folder / "clean.jpg", ENDFACE_PROFILE="mm-pc")

    assert process.returncode == 0, process.stderr
    assert "1 picture: 1 pass" in process.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "names no profile"),
        (("--profile", "foo"), "foo"),
        (("--profile", "mm-pc", "--cladding-um", "1"), "cladding_um is 1"),
        (("--profile", "mm-pc", "--engine", "tensorrt"), "no engine 'tensorrt' without a server"),
    ],
)
def test_what_cannot_be_inspected_is_exit_2(inspect, folder, options, sentence):
    """The sentence that a server would answer with, or the one that says what is missing here."""
    process = inspect("--offline", folder / "clean.jpg", *options)

    assert process.returncode == 2
    assert sentence in process.stdout + process.stderr


def test_a_missing_picture_does_not_stop_the_others(inspect, folder, tmp_path):
    """As with a server: its error stands in its place, and the exit is 2."""
    process = inspect("--offline", tmp_path / "gone.png", folder / "clean.jpg", "--profile", "mm-pc")

    assert process.returncode == 2
    assert "gone.png" in process.stdout
    assert "1 pass, 1 not inspected" in process.stdout


def test_a_repository_without_the_file_says_how_to_make_it(inspect, folder, tmp_path):
    """The command stands in the sentence."""
    (tmp_path / "segment" / "1").mkdir(parents=True)
    process = inspect("--offline", "--engine", "litert", folder, ENDFACE_REPOSITORY=str(tmp_path))

    assert process.returncode == 2
    assert "endface-build export --format tflite" in " ".join(process.stderr.split())


def test_an_engine_alone_is_a_mistake(inspect, folder):
    """A server's engine is chosen where it is started; to ignore the option would mislead."""
    process = inspect("--engine", "opencv", folder)

    assert process.returncode == 2
    assert "--offline" in process.stderr
