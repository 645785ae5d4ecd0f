"""``endface serve`` as a person or a supervisor runs it: a process that starts, says so, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc

from endface.engines import tensorrt_library
from endface.report import Report
from endface.server.process import EmbeddedServer
from endface_client import Client

pytestmark = pytest.mark.triton

Ports = dict[str, int]


def serve(repository: Path, ports: Ports, *options: str, **environment: str) -> subprocess.Popen[str]:
    """Start ``endface serve``."""
    flags = [f"--{name.replace('_', '-')}={port}" for name, port in ports.items()]
    return subprocess.Popen(
        [sys.executable, "-m", "endface_client", "serve", f"--repository={repository}", *flags, *options],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(repository: Path, ports: Ports, *options: str, **environment: str) -> tuple[int, str]:
    """Run ``endface serve`` where it cannot start; give its exit status and what it wrote to stderr."""
    with serve(repository, ports, *options, **environment) as process:
        _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def family(pid: int) -> set[int]:
    """The descendants of a process that run now."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it ended while we looked
        if state not in "ZX":
            parents[int(stat.parent.name)] = int(parent)
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """Await a condition."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come true in time"
        time.sleep(0.05)


def alive(pids: set[int]) -> set[int]:
    """Those of the processes that run now."""
    return {pid for pid in pids if pid in family(1) | family(os.getpid())}


@pytest.fixture
def ports(free_ports: Callable[[], Ports]) -> Ports:
    """Three free ports."""
    return free_ports()


@pytest.fixture
def serving(repository: Path, ports: Ports, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running ``endface serve`` with a default profile, and the line that it wrote when it was ready."""
    with serve(repository, ports, "--profile=sm-apc", TMPDIR=str(tmp_path)) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline()
        process.kill()


def test_serves_until_told_to_stop(serving: tuple[subprocess.Popen[str], str], ports: Ports, png: bytes) -> None:
    """One line when ready, a report by the default profile, and after SIGTERM no process and no port is left."""
    process, line = serving
    with Client(f"127.0.0.1:{ports['grpc_port']}") as client:
        report = client.inspect(png)
    processes = family(process.pid)
    process.send_signal(signal.SIGTERM)

    assert process.wait(60) == 0
    assert line.startswith(f"endface is ready: gRPC 127.0.0.1:{ports['grpc_port']}, HTTP")
    assert "profile sm-apc" in line
    assert report.criteria.profile == "sm-apc"
    assert len(processes) >= 5  # Triton, and a stub for each instance of the three stages
    assert not alive(processes)
    socket.create_server(("127.0.0.1", ports["grpc_port"])).close()


def test_requests_under_way_are_finished(serving: tuple[subprocess.Popen[str], str], ports: Ports, png: bytes) -> None:
    """SIGTERM while a batch is being inspected: its reports still arrive, then the command ends."""
    process, _ = serving
    with (
        tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{ports['grpc_port']}") as client,
        ThreadPoolExecutor(1) as thread,
    ):
        before = _prepared(client)
        values = np.array([[png]] * 8, dtype=np.object_)
        tensor = tritonclient.grpc.InferInput("IMAGE", [8, 1], "BYTES")
        tensor.set_data_from_numpy(values)
        answer = thread.submit(client.infer, "endface", [tensor])
        wait_until(lambda: _prepared(client) > before)
        process.send_signal(signal.SIGTERM)
        reports = [Report.from_json(text) for text in answer.result(60).as_numpy("REPORT").ravel()]

    assert [report.verdict for report in reports] == ["pass"] * 8
    assert process.wait(60) == 0


def _prepared(client: Any) -> int:
    """How many pictures have passed the first stage."""
    return int(client.get_inference_statistics("preprocess").model_stats[0].inference_count)


def test_stop_while_starting(repository: Path, ports: Ports) -> None:
    """SIGTERM before the server is ready ends it, too."""
    with serve(repository, ports) as process:
        wait_until(lambda: len(family(process.pid)) > 1)
        processes = family(process.pid)
        process.send_signal(signal.SIGTERM)

        assert process.wait(60) == 0
        assert not alive(processes)


def test_killed_command_leaves_no_server(serving: tuple[subprocess.Popen[str], str]) -> None:
    """Even SIGKILL, which nothing can clear up after, does not leave Triton behind."""
    process, _ = serving
    processes = family(process.pid)
    process.kill()

    wait_until(lambda: not alive(processes))


def test_taken_port(server: EmbeddedServer, repository: Path, ports: Ports) -> None:
    """A port that another server has is named with its option."""
    taken = server.settings.grpc_port

    status, errors = run(repository, ports | {"grpc_port": taken})

    assert status == 2
    assert errors == f"endface serve: port {taken} is taken by another process; choose another one with --grpc-port\n"


def test_missing_repository(tmp_path: Path, ports: Ports) -> None:
    """A folder that is no repository is named with its option."""
    status, errors = run(tmp_path / "nowhere", ports)

    assert status == 2
    assert "nowhere is no model repository of endface" in errors
    assert len(errors.splitlines()) == 1


@pytest.fixture
def broken(repository: Path, tmp_path: Path) -> Path:
    """A copy of the repository whose network is not the one of its manifest."""
    copy = tmp_path / "models"
    shutil.copytree(repository, copy)
    manifest = copy / "segment" / "1" / "manifest.json"
    values: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(values | {"sha256": "0" * 64}), encoding="utf-8")
    return copy


def test_broken_repository(broken: Path, ports: Ports) -> None:
    """A model that does not load ends the command with the model's own reason, in one line."""
    status, errors = run(broken, ports)

    assert status == 2
    assert errors.startswith("endface serve: Triton cannot load 'segment': ConfigurationError: the network ")
    assert "is not the file that its manifest describes" in errors
    assert len(errors.splitlines()) == 1


def test_unknown_engine(repository: Path, ports: Ports) -> None:
    """The engines that the repository has are named."""
    status, errors = run(repository, ports, "--engine=abacus")

    assert status == 2
    assert "no engine 'abacus'" in errors
    assert "onnxruntime" in errors


@pytest.mark.parametrize("engine", ["tensorrt", "onnxruntime_native"])
def test_engine_of_tritons_container(repository: Path, ports: Ports, engine: str) -> None:
    """The pip Triton lacks the backend: the message says where it is, before anything is started."""
    status, errors = run(repository, ports, f"--engine={engine}", PATH=str(Path(sys.executable).parent))

    assert status == 2
    assert errors.startswith(f"endface serve: the engine {engine} needs Triton's own backend")
    assert errors.endswith("inside Triton's container, or choose --engine onnxruntime, which runs anywhere\n")
    assert len(errors.splitlines()) == 1


def test_engine_without_its_gpu(repository: Path, ports: Ports) -> None:
    """Where no GPU can be seen the engine for one is refused in a line, and nothing listens."""
    if tensorrt_library.version("tensorrt_rtx") is None:
        pytest.skip("TensorRT for RTX is not installed: pip install 'endface[rtx]'")
    status, errors = run(repository, ports, "--engine=tensorrt_rtx", PATH=str(Path(sys.executable).parent))

    assert status == 2
    assert errors.startswith("endface serve: the engine tensorrt_rtx needs an NVIDIA GPU")
    assert len(errors.splitlines()) == 1
    for port in ports.values():
        socket.create_server(("127.0.0.1", port)).close()


def test_missing_wheel(repository: Path, ports: Ports, tmp_path: Path) -> None:
    """Without a tritonserver on PATH and without the wheel, the message says what to install."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'pytriton' else find(name, *rest)\n"
    )

    status, errors = run(repository, ports, PATH=str(tmp_path), PYTHONPATH=str(tmp_path))

    assert status == 2
    assert "no tritonserver on PATH" in errors
    assert "pip install 'endface[serve]'" in errors
