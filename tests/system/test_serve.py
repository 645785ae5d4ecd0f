"""``endface serve`` as a person or a supervisor runs it: a process that starts, says so, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import tritonclient.grpc

from endface.engines import tensorrt_library
from endface.report import Report, Scope
from endface.server.process import EmbeddedServer
from endface_client import Client
from tests.servers import ENDFACE, Ports, Serving, free_ports, port_options, serve
from tests.system.tensors import image_tensor
from tests.waiting import WITHIN_S, wait_until

pytestmark = pytest.mark.triton


def run(repository: Path, ports: Ports, *options: str, **environment: str) -> tuple[int, str]:
    """Run ``endface serve`` where it cannot start; give its exit status and what it wrote to stderr."""
    command = [*ENDFACE, "serve", f"--repository={repository}", *options, *port_options(ports)]
    ended = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stderr


def family(pid: int) -> list[psutil.Process]:
    """The descendants of a process that run now."""
    return psutil.Process(pid).children(recursive=True)


def none_runs(processes: list[psutil.Process]) -> bool:
    """Whether all of them have ended; a zombie has."""
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


@pytest.fixture
def ports() -> Ports:
    """Three free ports."""
    return free_ports()


@pytest.fixture
def serving(repository: Path, ports: Ports) -> Iterator[Serving]:
    """A running ``endface serve`` with a default profile and default zones."""
    with serve(ports, f"--repository={repository}", "--profile=mm-pc-ed1", "--zones=A,B") as running:
        yield running


def test_serves_until_told_to_stop(serving: Serving, ports: Ports, png: bytes) -> None:
    """One line when ready, a report by both defaults, and after SIGTERM no process and no port is left."""
    with Client(serving.address) as client:
        report = client.inspect(png)
    processes = family(serving.process.pid)

    assert serving.stop() == 0
    assert serving.ready.startswith(f"endface is ready: gRPC 127.0.0.1:{ports['grpc_port']}, HTTP")
    assert "profile mm-pc-ed1" in serving.ready
    assert report.criteria.profile == "mm-pc-ed1"
    assert report.scope == Scope(("A", "B"), ("C", "D"))
    assert len(processes) >= 5  # Triton, and a stub for each instance of the three stages
    assert none_runs(processes)
    socket.create_server(("127.0.0.1", ports["grpc_port"])).close()


def test_cores_give_the_processes(repository: Path, ports: Ports, png: bytes, tmp_path: Path) -> None:
    """The stages have as many processes as it was told cores, also after another version of the network is loaded."""
    copy = tmp_path / "models"
    shutil.copytree(repository, copy)
    with serve(ports, f"--repository={copy}", "--profile=mm-pc", "--cores=3") as serving:
        assert Counter(serving.stubs.values()) == {"preprocess": 3, "segment": 3, "postprocess": 2}
        wait_until(lambda: "one thread each: 3 preprocess, 3 segment, 2 postprocess; found" in serving.log)
        with Client(serving.address) as client:
            shutil.rmtree(copy / "segment" / "2")
            wait_until(lambda: str(getattr(client.inspect(png).model, "version", "")) == "1")
        wait_until(lambda: Counter(serving.stubs.values())["segment"] == 3)


def test_requests_under_way_are_finished(serving: Serving, png: bytes) -> None:
    """SIGTERM while a batch is being inspected: its reports still arrive, then the command ends."""
    with tritonclient.grpc.InferenceServerClient(serving.address) as client, ThreadPoolExecutor(1) as thread:
        before = _prepared(client)
        answer = thread.submit(client.infer, "endface", [image_tensor(*[png] * 8)])
        wait_until(lambda: _prepared(client) > before)
        serving.process.terminate()
        reports = [Report.from_json(text) for text in answer.result(WITHIN_S).as_numpy("REPORT").ravel()]

    assert [report.verdict for report in reports] == ["pass"] * 8
    assert serving.ended() == 0


def _prepared(client: Any) -> int:
    """How many pictures have passed the first stage."""
    return int(client.get_inference_statistics("preprocess").model_stats[0].inference_count)


def test_stop_while_starting(repository: Path, ports: Ports) -> None:
    """SIGTERM before the server is ready ends it, too."""
    command = [*ENDFACE, "serve", f"--repository={repository}", *port_options(ports)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: family(process.pid))
        processes = family(process.pid)
        process.terminate()

        assert process.wait(WITHIN_S) == 0
    assert none_runs(processes)


def test_killed_command_leaves_no_server(serving: Serving) -> None:
    """Even SIGKILL, which nothing can clear up after, does not leave Triton behind."""
    processes = family(serving.process.pid)
    serving.process.kill()

    wait_until(lambda: none_runs(processes))


def test_taken_port(server: EmbeddedServer, repository: Path, ports: Ports) -> None:
    """A port that another server has is named with its option."""
    taken = server.settings.grpc_port

    status, errors = run(repository, ports | {"grpc_port": taken})

    assert status == 2
    assert errors == f"endface serve: port {taken} is taken by another process; choose another one with --grpc-port\n"


@pytest.fixture
def broken(repository: Path, tmp_path: Path) -> Path:
    """A copy of the repository whose network is not the one of its manifest."""
    copy = tmp_path / "models"
    shutil.copytree(repository, copy)
    manifest = copy / "segment" / "2" / "manifest.json"
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


def test_engine_without_its_gpu(repository: Path, ports: Ports) -> None:
    """Where no GPU can be seen the engine for one is refused in a line, and nothing listens."""
    if tensorrt_library.version("tensorrt_rtx") is None:
        pytest.skip("TensorRT for RTX is not installed: pip install '.[rtx]'")
    status, errors = run(repository, ports, "--engine=tensorrt_rtx", PATH=str(Path(sys.executable).parent))

    assert status == 2
    assert errors.startswith("endface serve: the engine tensorrt_rtx needs an NVIDIA GPU")
    assert len(errors.splitlines()) == 1
    for port in ports.values():
        socket.create_server(("127.0.0.1", port)).close()


def test_profile_edited_while_serving_changes_no_verdict(repository: Path, ports: Ports, tmp_path: Path) -> None:
    """One server judges by one set of rules: neither a repair nor a restart after a fault reads an edited file."""
    folder = tmp_path / "profiles"
    folder.mkdir()
    profile, chipped = folder / "plant-7.toml", repository.parent / "samples" / "chipped.jpg"
    shutil.copy(repository.parent / "src" / "endface" / "criteria" / "profiles" / "mm-pc.toml", profile)

    with serve(ports, f"--repository={repository}", f"--profiles={folder}", "--profile=plant-7") as serving:
        with Client(serving.address, profile="plant-7", deadline_s=WITHIN_S) as client:
            before = client.inspect(chipped)
            profile.write_text("broken", encoding="utf-8")
            os.kill(serving.triton, signal.SIGKILL)
            after = client.inspect(chipped)

        wait_until(lambda: f"profile plant-7 sha256 {before.criteria.sha256}" in serving.log)
    assert before.verdict == after.verdict == "fail"
    assert before.criteria == after.criteria
