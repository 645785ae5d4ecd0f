"""``endface inspect --offline``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result

from endface.report import Report

Run = Callable[..., Result]


@pytest.fixture
def inspect(run: Run, offline_repository: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command where no server is."""
    monkeypatch.setenv("ENDFACE_REPOSITORY", str(offline_repository))
    monkeypatch.setenv("ENDFACE_SERVER", "127.0.0.1:1")

    def inspected(*arguments: str | Path, **environment: str) -> Result:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return run("inspect", *arguments)

    return inspected


@pytest.fixture
def folder(tmp_path: Path, samples: list[Path]) -> Path:
    """A clean face, and a black picture without any."""
    clean = next(path for path in samples if path.name == "multimode-clean.jpg")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "clean.jpg").write_bytes(clean.read_bytes())
    cv2.imwrite(str(tmp_path / "pictures" / "black.png"), np.zeros((480, 640), np.uint8))
    return tmp_path / "pictures"


@pytest.mark.parametrize("engine", ["onnxruntime", "opencv", "litert"])
def test_reports_as_a_server_does(inspect: Run, folder: Path, tmp_path: Path, engine: str) -> None:
    """One report a line in order, the engine's name in it, files in the folder, exit 1 for the invalid picture."""
    options = ("--profile", "mm-pc", "--um-per-px", "0.43", "--json", "--out", tmp_path / "out")
    result = inspect("--offline", "--engine", engine, folder, *options)
    reports = [Report.from_json(line) for line in result.stdout.splitlines()]

    assert result.exit_code == 1, result.stderr
    assert [(each.image.name, each.verdict) for each in reports] == [("black.png", "invalid"), ("clean.jpg", "pass")]
    assert {each.model.engine for each in reports} == {engine}
    assert reports[1].calibration.source == "request"
    assert json.loads((tmp_path / "out" / "clean.json").read_text())["verdict"] == "pass"
    assert f"offline, {engine}" in (tmp_path / "out" / "index.html").read_text()


def test_all_pass_is_exit_0(inspect: Run, folder: Path) -> None:
    """ONNX Runtime is the default engine, and a default profile comes from the environment."""
    result = inspect("--offline", folder / "clean.jpg", ENDFACE_PROFILE="mm-pc")

    assert result.exit_code == 0, result.stderr
    assert "1 picture: 1 pass" in result.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "names no profile"),
        (("--profile", "foo"), "foo"),
        (("--profile", "mm-pc", "--cladding-um", "1"), "cladding_um is 1"),
        (("--profile", "mm-pc", "--engine", "tensorrt"), "no engine 'tensorrt' without a server"),
    ],
)
def test_what_cannot_be_inspected_is_exit_2(
    inspect: Run, folder: Path, options: tuple[str, ...], sentence: str
) -> None:
    """The sentence that a server would answer with, or the one that says what is missing here."""
    result = inspect("--offline", folder / "clean.jpg", *options)

    assert result.exit_code == 2
    assert sentence in result.stdout + result.stderr


def test_own_profiles_are_an_option(inspect: Run, folder: Path, tmp_path: Path, project: Path) -> None:
    """A folder with profile files; without it the profile does not exist."""
    shipped = project / "src" / "endface" / "criteria" / "profiles" / "mm-pc.toml"
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "plant-7.toml").write_bytes(shipped.read_bytes())
    command = ("--offline", folder / "clean.jpg", "--profile", "plant-7")

    assert inspect(*command, "--profiles", tmp_path / "own").exit_code == 0
    assert inspect(*command).exit_code == 2
    assert "does not exist" in inspect(*command, "--profiles", tmp_path / "gone").stderr


def test_what_is_wrong_for_all_pictures_is_said_once(inspect: Run, folder: Path, tmp_path: Path) -> None:
    """An unknown profile ends the run before it begins; the last page stays."""
    inspect("--offline", folder, "--profile", "mm-pc", "--out", tmp_path / "out")
    before = (tmp_path / "out" / "index.html").read_bytes()
    result = inspect("--offline", folder, "--profile", "foo", "--out", tmp_path / "out")

    assert (result.exit_code, result.stdout, result.stderr.count("foo")) == (2, "", 1)
    assert (tmp_path / "out" / "index.html").read_bytes() == before


def test_a_repository_without_the_file_says_how_to_make_it(inspect: Run, folder: Path, tmp_path: Path) -> None:
    """The command stands in the sentence."""
    (tmp_path / "segment" / "1").mkdir(parents=True)
    result = inspect("--offline", "--engine", "litert", folder, ENDFACE_REPOSITORY=str(tmp_path))

    assert result.exit_code == 2
    assert "endface-build export --format tflite" in " ".join(result.stderr.split())
