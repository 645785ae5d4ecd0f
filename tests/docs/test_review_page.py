"""docs/review.md: its five commands lead from a wrong verdict to a promoted network, and its tables are complete."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from endface.engines.manifest import newest_version
from endface.review.cases import LIMIT_COUNT, Cases
from endface.review.reasons import KINDS, LOW_CONFIDENCE
from endface_build.__main__ import main
from endface_build.data.drawn_pictures import DrawnFaces
from endface_build.data.labelled import Labelled
from endface_build.export import quantize
from endface_build.review.exchange import FORMATS
from tests.endface_build.learn.conftest import drawn_marks

PAGE = "docs/review.md"

QUICK = {"held_out_count": 2, "crop_px": 256, "batch": 4, "bfloat16": False, "learning_rate": 1e-7}
"""What makes a run take seconds, and leaves the weights nearly as they were, so that the gates let them pass."""

ENDFACE = (sys.executable, "-c", "from endface_commands import endface; endface()")


@pytest.fixture
def faces() -> list[Labelled]:
    """Drawn faces of as many parts."""
    return list(DrawnFaces("multimode", 5, seed=77))


@pytest.fixture
def place(tmp_path: Path, project: Path, faces: list[Labelled], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photographs and a model repository of its own, in which the commands run."""
    shutil.copytree(
        project / "model_repository", tmp_path / "models", ignore=shutil.ignore_patterns("__pycache__", "*.plan")
    )
    (tmp_path / "photographs").mkdir()
    for number, labelled in enumerate(faces):
        (tmp_path / "photographs" / f"P{number:03}.png").write_bytes(labelled.data)
    (tmp_path / "recipe.json").write_text(json.dumps(QUICK))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENDFACE_REPOSITORY", str(tmp_path / "models"))
    monkeypatch.setattr(quantize, "CALIBRATION_COUNT", 2)
    return tmp_path


def inspect(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line that begins with ``endface``."""
    return subprocess.run([*ENDFACE, *shlex.split(line)[1:]], capture_output=True, text=True, check=False)


def build(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a line that begins with ``endface-build`` here; gives its exit status and what it said."""
    monkeypatch.setattr(sys, "argv", shlex.split(line))
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    return int(end.value.code or 0), " ".join(f"{said.out} {said.err}".split())


def review(line: str, faces: list[Labelled]) -> None:
    """Run ``endface review`` and say of each case, as its page does, that its marks should be those drawn."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    truth = {f"P{number:03}": drawn_marks(labelled) for number, labelled in enumerate(faces)}
    command = [*ENDFACE, *shlex.split(line)[1:], "--port", port]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "open http" in process.stdout.readline()
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/review/", timeout=60) as browser:
                browser.post("reviewer", data={"reviewer": "Ana"})
                for name in re.findall(r"/review/cases/([0-9a-f]{16})\?", browser.get("./").text):
                    serial = re.search(r"P\d{3}", browser.get(f"cases/{name}").text)
                    assert serial
                    marks = [mark.to_json() for mark in truth[serial[0]]]
                    answer = browser.post(f"cases/{name}/reviews", json={"opinion": "wrong", "marks": marks})
                    assert answer.is_success, answer.text
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def test_five_commands_lead_to_a_promoted_network(
    commands: list[str],
    place: Path,
    faces: list[Labelled],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The commands run as printed, learning in one small step; whether that is better or not is told."""
    keep, look, learn, shadow, promote = commands
    before = newest_version(place / "models" / "segment")
    kept = inspect(keep)
    assert kept.returncode in (0, 1), kept.stderr
    assert len(Cases(place / "cases")) == len(faces)

    review(look, faces)
    assert {case.standing for case in Cases(place / "cases")} == {"reviewed"}

    status, said = build(f"{learn} --steps 1 --drawn 4 --faces 1 --recipe recipe.json --workers 1", monkeypatch, capsys)
    assert status in (0, 1), said
    assert ("not promoted" in said) == (status == 1)
    assert (place / "runs" / "learn" / "learn.html").is_file()
    assert newest_version(place / "models" / "segment") == before

    assert "the candidate judged" in inspect(shadow).stderr
    status, said = build(promote, monkeypatch, capsys)
    assert status == 0, said
    assert f"version {before + 1} serves in place of {before}" in said
    assert newest_version(place / "models" / "segment") == before + 1


def test_tables_are_complete(page: str) -> None:
    """The page names every kind of case with the limits of its rule, and every format."""
    assert set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE)) >= {*KINDS}
    assert f"below {LOW_CONFIDENCE}" in page
    assert f"{LIMIT_COUNT:,} cases" in page
    assert all(f"| `{each}` |" in page for each in FORMATS)
