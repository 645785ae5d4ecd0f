"""The commands of docs/own-network.md are run as printed; a real Triton serves what they leave behind."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tritonclient.grpc
from numpy.typing import NDArray

from endface.engines.onnx_network import Network
from endface.report import Report
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_build.data.drawn_pictures import draw_labelled
from endface_build.manifest import MODEL_FILE, read_manifest
from endface_build.rollout.versions import Versions
from tests.endface_build.commands.command_line import Run

Write = Callable[..., Path]

SCRATCH_AND_STAIN = [(1, 0.9, (300.0, 300.0, 340.0, 340.0), [1.0]), (0, 0.8, (310.0, 420.0, 360.0, 470.0), [1.0])]
"""A scratch in the middle of the face and a stain near its edge, sure enough on any picture that is not dark."""


@pytest.fixture
def page(project: Path) -> str:
    """The document."""
    return (project / "docs" / "own-network.md").read_text(encoding="utf-8")


@pytest.fixture
def place(  # noqa: PLR0917 - what the document takes for granted
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own_repository: Path,
    samples: list[Path],
    page: str,
    write_yolo: Write,
    write_segmenter: Write,
) -> Path:
    """A working place as the document takes for granted: networks, maps, labelled and golden pictures, a repository."""
    assert own_repository.parent == tmp_path
    monkeypatch.chdir(tmp_path)
    yolo_map, other_map = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "map.toml").write_text(yolo_map)
    (tmp_path / "unet.toml").write_text(other_map)
    names = ("dust", "scratch", "core dip")
    notes = {"names": str(dict(enumerate(names)))}
    write_yolo(tmp_path / "best.onnx", SCRATCH_AND_STAIN, names, size=(640, 640), properties=notes)
    nodes = "gray = ReduceMean <axes = [1]> (image) none = Sub (gray, gray)"
    nodes += " out = Concat <axis = 1> (gray, none, none, none)"
    write_segmenter(tmp_path / "unet.onnx", nodes, "float[N,3,H,W]")
    for folder in ("labelled/images", "labelled/masks", "golden"):
        (tmp_path / folder).mkdir(parents=True)
    labelled = draw_labelled("multimode", 0)
    (tmp_path / "labelled/images/0.png").write_bytes(labelled.data)
    (tmp_path / "labelled/masks/0.png").write_bytes(cv2.imencode(".png", labelled.labels)[1].tobytes())
    bright = next(path for path in samples if path.name == "multimode-clean.jpg")
    shutil.copyfile(bright, tmp_path / "golden" / "a.jpg")
    (tmp_path / "golden" / "golden.json").write_text('{"a.jpg": "fail"}')
    return tmp_path


def test_commands_run_as_printed(place: Path, page: str, run: Run) -> None:
    """Import, evaluate, promote and roll back follow one another as the document says."""
    lines = [line for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    versions, newest, out = Versions(place / "model_repository"), [], ""
    for line in lines:
        answer = run(line.removeprefix("endface-build "))
        assert answer.status == 0, (line, answer.err)
        newest.append(versions.newest)
        out += answer.out

    assert [line.split()[1] for line in lines] == ["import", "import", "evaluate", "promote", "rollback"]
    assert newest == [2, 2, 2, 3, 2]
    assert "core dip -> background" in out
    assert read_manifest(place / "other-candidate")["source"]["classes"]["3"] == "contamination"


def test_options(place: Path, run: Run) -> None:
    """Name and thresholds of the command line arrive in the manifest; what was seen is said."""
    answer = run("import best.onnx --classes map.toml --name line-3 --confidence 0.99 --overlap 0.5")
    manifest = read_manifest(place / "candidate")

    assert "drawn faces it sees nothing" in answer.out
    assert manifest["name"] == "line-3"
    assert (manifest["source"]["confidence"], manifest["source"]["overlap"]) == (0.99, 0.5)
    assert "candidate was imported" in run("quantize --model candidate").err


@pytest.mark.usefixtures("place")
def test_map_of_another_network(run: Run) -> None:
    """The document's first map beside its second network ends with status 2 and the class that is none."""
    answer = run("import unet.onnx --classes map.toml")

    assert answer.status == 2
    assert "map.toml names core dip" in answer.err


@pytest.mark.triton
def test_served_by_triton(place: Path, run: Run, free_ports: Callable[[], dict[str, int]]) -> None:
    """A promoted YOLO network answers through the ensemble, and the report names it."""
    assert run("import best.onnx --classes map.toml --out candidate").status == 0
    assert run("promote candidate/model.onnx --golden golden --no-drawn").status == 0
    picture = (place / "golden/a.jpg").read_bytes()
    with EmbeddedServer(Settings(place / "model_repository", **free_ports())) as server:
        server.wait_ready(120)
        reports, labels = inspected(server.grpc_address, [picture, picture])

    for report in reports:
        assert report.model is not None
        assert (report.model.name, report.model.version) == ("best", "3")
        assert report.model.sha256 == read_manifest(place / "candidate")["sha256"]
        assert report.verdict == "fail"
        # Its scratch is as wide as long, which is no line to the measurement.
        assert {defect.type for defect in report.defects} == {"contamination"}
    expected, _ = Network(place / "candidate" / MODEL_FILE).segment(np.full((1, 1, 512, 512), 255, np.uint8))
    assert np.array_equal(labels, np.repeat(expected, 2, axis=0))


def inspected(address: str, pictures: list[bytes]) -> tuple[list[Report], NDArray[np.uint8]]:
    """Reports and label maps of pictures that go out as one request."""
    values = np.array([[picture] for picture in pictures], dtype=np.object_)
    tensor = tritonclient.grpc.InferInput("IMAGE", list(values.shape), "BYTES")
    tensor.set_data_from_numpy(values)
    with tritonclient.grpc.InferenceServerClient(address) as client:
        result = client.infer("endface", [tensor], parameters={"profile": "mm-pc"}, client_timeout=120)
    return [Report.from_json(text) for text in result.as_numpy("REPORT").ravel()], result.as_numpy("LABELS")
