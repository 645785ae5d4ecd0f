"""A network that everybody can predict, faces drawn from formulas, and servers that answer as a test says."""

from __future__ import annotations

import http.server
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from endface import contract
from endface.backend import warmup
from endface.engines import tensorrt_library
from endface.engines.plan import PLAN_FILE, PLAN_MANIFEST, OptimizationProfile, PlanManifest
from endface.engines.tensorrt_library import Machine
from endface.files import sha256
from endface.server.settings import Settings

WriteNetwork = Callable[..., Path]


@pytest.fixture
def write_network() -> WriteNetwork:
    """Write a network that labels each pixel with its gray level, and its manifest; say where.

    ``tensors`` changes the graph's names (by the contract's), ``datatype`` and ``side_px`` all its tensors;
    ``properties`` are those of the file.
    """

    def write(
        folder: Path,
        *,
        version: int = 1,
        tensors: dict[str, str] | None = None,
        datatype: str = "UINT8",
        side_px: int = 512,
        properties: dict[str, str] | None = None,
    ) -> Path:
        names = {name: name for name in ("SQUARE", "LABELS", "CONFIDENCE")} | (tensors or {})
        kind, sides = getattr(TensorProto, datatype), [side_px, side_px]
        graph = helper.make_graph(
            [
                helper.make_node("Squeeze", [names["SQUARE"], "axis"], [names[name]])
                for name in ("LABELS", "CONFIDENCE")
            ],
            "echo",
            [helper.make_tensor_value_info(names["SQUARE"], kind, ["N", 1, *sides])],
            [helper.make_tensor_value_info(names[name], kind, ["N", *sides]) for name in ("LABELS", "CONFIDENCE")],
            [helper.make_tensor("axis", TensorProto.INT64, [1], [1])],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        helper.set_model_props(model, properties or {})
        path = folder / str(version) / "model.onnx"
        path.parent.mkdir(parents=True)
        return _write_described(path, model.SerializeToString(), version=version)

    return write


@pytest.fixture
def write_described() -> WriteNetwork:
    """Write a network's file with any content, and a manifest that describes it; say where."""
    return _write_described


@pytest.fixture
def settings(tmp_path: Path, free_ports: Callable[[], dict[str, int]]) -> Settings:
    """A repository that looks whole, on free ports."""
    for model in contract.MODELS:
        (tmp_path / "models" / model.name).mkdir(parents=True)
        (tmp_path / "models" / model.name / "config.pbtxt").touch()
    (tmp_path / "models" / contract.SEGMENT.name / "1").mkdir()
    picture = tmp_path / "models" / contract.PREPROCESS.name / warmup.PICTURE
    picture.parent.mkdir()
    picture.write_bytes(b"a picture")
    return Settings(tmp_path / "models", **free_ports())


@pytest.fixture
def install(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a tritonserver on PATH that runs some code at its start, and is then ready, with one stub of ``segment``."""

    def fake(code: str = "") -> None:
        server = tmp_path / "bin" / "tritonserver"
        server.parent.mkdir()
        server.write_text(f"#!{sys.executable}\n" + (project / "tests" / "data" / "fake_tritonserver.py").read_text())
        server.chmod(0o755)
        monkeypatch.setenv("PATH", str(server.parent))
        monkeypatch.setenv("ENDFACE_FAKE", code)

    return fake


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with a GPU and both runtimes, as far as plans are told."""
    machine = Machine("tensorrt_rtx", "1.7.1.116", "NVIDIA L4", "8.9", "580.95.05")
    monkeypatch.setattr(Machine, "here", lambda runtime: replace(machine, runtime=runtime))
    monkeypatch.setattr(tensorrt_library, "load", lambda _: None)
    return machine


@pytest.fixture
def write_plan() -> Callable[..., PlanManifest]:
    """Put a plan beside a network, built by the machine and for batches of 1 to 32 unless told otherwise."""

    def write(network: Path, machine: Machine, *, min_batch: int = 1, max_batch: int = 32) -> PlanManifest:
        manifest = PlanManifest(
            runtime=machine.runtime,
            runtime_version=machine.runtime_version or "",
            gpu=machine.gpu,
            compute_capability=machine.compute_capability,
            driver=machine.driver,
            onnx_sha256=sha256(network.read_bytes()),
            plan_sha256=sha256(b"a plan"),
            precision="fp16",
            profiles=(OptimizationProfile(min_batch, 8, max_batch),),
            build_s=1.0,
            created="2026-11-22T18:00:00+00:00",
        )
        network.with_name(PLAN_FILE).write_bytes(b"a plan")
        network.with_name(PLAN_MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        return manifest

    return write


def _write_described(path: Path, content: bytes, *, version: int = 1) -> Path:
    manifest = {"name": "segment", "version": str(version), "file": path.name, "sha256": sha256(content)}
    path.write_bytes(content)
    path.with_name("manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Drawn:
    """A camera picture uint8 (H, W) and where its fiber is."""

    gray: NDArray[np.uint8]
    center_px: tuple[float, float]
    radii_px: tuple[float, float]

    def png(self) -> bytes:
        """The picture encoded without loss."""
        return cv2.imencode(".png", self.gray)[1].tobytes()


@pytest.fixture
def draw_face() -> Callable[..., Drawn]:
    """Draw a face: a disc on a ferrule, a core in it, noise and blur and a black frame around it."""

    def draw(
        *,
        shape: tuple[int, int] = (576, 720),
        center: tuple[float, float] = (350.3, 290.8),
        radii: tuple[float, float] = (103.0, 112.2),
        levels: tuple[float, float, float] = (180, 100, 140),
        core_share: float = 0.4,
        blur_px: float = 0.7,
        noise: float = 1.0,
        frame_px: int = 0,
    ) -> Drawn:
        ferrule, cladding, core = levels
        face = ferrule + (cladding - ferrule) * _disc(shape, center, radii)
        if core_share:
            face += (core - cladding) * _disc(shape, center, (radii[0] * core_share, radii[1] * core_share))
        if blur_px:
            face = cv2.GaussianBlur(face, (0, 0), blur_px)
        face += np.random.default_rng(7).normal(0, noise, shape) if noise else 0
        if frame_px:
            black = np.ones(shape, bool)
            black[frame_px:-frame_px, frame_px:-frame_px] = False
            face[black] = 3
        return Drawn(np.clip(np.round(face), 0, 255).astype(np.uint8), center, radii)

    return draw


def _disc(shape: tuple[int, int], center: tuple[float, float], radii: tuple[float, float]) -> NDArray[np.float64]:
    """Share of each pixel inside an axis-aligned ellipse, from the distance to its edge."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    radius = np.hypot((x - center[0]) / radii[0], (y - center[1]) / radii[1])
    return np.clip((1 - radius) * np.mean(radii) + 0.5, 0, 1)


Answer = Callable[[str], tuple[int, bytes]]


@dataclass
class HttpServer:
    """A running HTTP server, and what it was asked."""

    port: int
    paths: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)


@pytest.fixture
def serve_http() -> Iterator[Callable[[Answer], HttpServer]]:
    """Answer HTTP requests by their paths."""
    servers: list[http.server.HTTPServer] = []

    def start(answer: Answer) -> HttpServer:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                running.paths.append(self.path)
                running.headers.append(self.headers)
                running.bodies.append(self.rfile.read(int(self.headers["Content-Length"] or 0)))
                status, body = answer(self.path)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - http.server's own spelling

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        running = HttpServer(server.server_port)
        return running

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
