"""The commands of docs/own-network.md are run as printed; a real Triton serves what they leave behind."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys

import cv2
import numpy as np
import pytest
import tritonclient.grpc

from endface.engines.onnx_network import Network
from endface.report import Report
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_build.__main__ import main
from endface_build.data.drawn_pictures import draw_labelled
from endface_build.manifest import MODEL_FILE, read_manifest
from endface_build.rollout.versions import Versions

SCRATCH_AND_STAIN = [(1, 0.9, (300.0, 300.0, 340.0, 340.0), [1.0]), (0, 0.8, (310.0, 420.0, 360.0, 470.0), [1.0])]
"""A scratch in the middle of the face and a stain near its edge, sure enough on any picture that is not dark."""


@pytest.fixture
def page(project):
    """The document."""
    return (project / "docs" / "own-network.md").read_text(encoding="utf-8")


@pytest.fixture
def run(monkeypatch):
    """Run a command line in this process; its exit status."""

    def status(line):
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0

    return status


@pytest.fixture
def place(tmp_path, monkeypatch, repository, samples, page, *, write_yolo, write_segmenter):
    """A working place as the document takes for granted: networks, maps, labelled and golden pictures, a repository."""
    monkeypatch.chdir(tmp_path)
    yolo_map, other_map = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "map.toml").write_text(yolo_map)
    (tmp_path / "unet.toml").write_text(other_map)
    names = ("dust", "scratch", "core dip")
    write_yolo(
        tmp_path / "best.onnx",
        SCRATCH_AND_STAIN,
        names,
        size=(640, 640),
        properties={"names": str(dict(enumerate(names)))},
    )
    nodes = "gray = ReduceMean <axes = [1]> (image) none = Sub (gray, gray)"
    nodes += " out = Concat <axis = 1> (gray, none, none, none)"
    write_segmenter(tmp_path / "unet.onnx", nodes, "float[N,3,H,W]")
    for folder in ("labelled/images", "labelled/masks", "golden"):
        (tmp_path / folder).mkdir(parents=True)
    for index in range(2):
        labelled = draw_labelled("multimode", index)
        (tmp_path / "labelled/images" / f"{index}.png").write_bytes(labelled.data)
        (tmp_path / "labelled/masks" / f"{index}.png").write_bytes(encoded(labelled.labels))
    bright = next(path for path in samples if path.name == "multimode-clean.jpg")
    shutil.copyfile(bright, tmp_path / "golden" / "a.jpg")
    (tmp_path / "golden" / "golden.json").write_text('{"a.jpg": "fail"}')
    shutil.copytree(repository, tmp_path / "model_repository", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def encoded(picture):
    """A picture as PNG."""
    return cv2.imencode(".png", picture)[1].tobytes()


@pytest.mark.slow
def test_commands_run_as_printed(place, page, run, capsys):
    """Import, evaluate, promote and roll back follow one another as the document says."""
    lines = [line for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    versions, newest = Versions(place / "model_repository"), []
    for line in lines:
        assert run(line) == 0, line
        newest.append(versions.newest)

    assert [line.split()[1] for line in lines] == [
        "import-yolo",
        "import-segmentation",
        "evaluate",
        "promote",
        "rollback",
    ]
    assert newest == [1, 1, 1, 2, 1]
    said = capsys.readouterr().out
    assert "core dip -> background" in said
    assert read_manifest(place / "other-candidate")["source"]["classes"]["3"] == "contamination"


@pytest.mark.usefixtures("place")
def test_promotion_needs_pictures(run, capsys):
    """Without the drawn faces and without pictures of one's own nothing is promoted."""
    assert run("endface-build promote candidate/model.onnx --no-drawn") == 2
    assert "--golden" in capsys.readouterr().err


def test_options(place, run, capsys):
    """Name and thresholds of the command line arrive in the manifest; what was seen is said."""
    line = "endface-build import-yolo best.onnx --classes map.toml --name line-3 --confidence 0.99 --overlap 0.5"
    assert run(line) == 0
    manifest = read_manifest(place / "candidate")

    assert manifest["name"] == "line-3"
    assert (manifest["source"]["confidence"], manifest["source"]["overlap"]) == (0.99, 0.5)
    assert "drawn faces it sees nothing" in capsys.readouterr().out
    assert run("endface-build quantize --model candidate") == 2
    assert "candidate was imported" in capsys.readouterr().err


@pytest.mark.usefixtures("place")
def test_refusal_is_one_sentence(run, capsys):
    """What cannot be imported ends with status 2 and a sentence, square brackets and all."""
    assert run("endface-build import-segmentation best.onnx --classes map.toml") == 2
    assert "write [output] and the name of one into map.toml" in " ".join(capsys.readouterr().err.split())


@pytest.mark.triton
def test_served_by_triton(place, run, free_ports):
    """A promoted YOLO network answers through the ensemble, and the report names it."""
    assert run("endface-build import-yolo best.onnx --classes map.toml --out candidate") == 0
    assert run("endface-build promote candidate/model.onnx --golden golden --no-drawn") == 0
    picture = (place / "golden/a.jpg").read_bytes()
    with EmbeddedServer(Settings(place / "model_repository", **free_ports())) as server:
        server.wait_ready(120)
        reports, labels = asked(server.grpc_address, [picture, picture])

    manifest = json.loads((place / "candidate/manifest.json").read_text())
    for report in reports:
        assert (report.model.name, report.model.version) == ("best", "2")
        assert report.model.sha256 == manifest["sha256"]
        assert report.verdict == "fail"
        assert {defect.type for defect in report.defects} == {"scratch", "contamination"}
    expected, _ = Network(place / "candidate" / MODEL_FILE).segment(np.full((1, 1, 512, 512), 255, np.uint8))
    assert np.array_equal(labels, np.repeat(expected, 2, axis=0))


def asked(address, pictures):
    """Reports and label maps of pictures that go out as one request."""
    values = np.array([[picture] for picture in pictures], dtype=np.object_)
    tensor = tritonclient.grpc.InferInput("IMAGE", list(values.shape), "BYTES")
    tensor.set_data_from_numpy(values)
    with tritonclient.grpc.InferenceServerClient(address) as client:
        result = client.infer("endface", [tensor], parameters={"profile": "mm-pc"}, client_timeout=120)
    return [Report.from_json(text) for text in result.as_numpy("REPORT").ravel()], result.as_numpy("LABELS")
