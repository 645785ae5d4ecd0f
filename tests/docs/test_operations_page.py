"""The page for operations is run: its commands as printed, its sentences against those that the programs say."""

from __future__ import annotations

import ast
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from endface.health.events import Event
from endface.server import process as server_process
from endface_client.__main__ import app
from tests.servers import Ports, free_ports, serve

PAGE = "docs/operations.md"

Run = Callable[[str], subprocess.CompletedProcess[str]]

ELSEWHERE = ("docker ", "COMPOSE_FILE=", "ENDFACE_PROFILE=", "kubectl apply", "kubectl delete", "kubectl -n")
"""Beginnings of commands that need an image registry or a cluster; what they name is looked up all the same."""

PROBED = ("endface inspect", "endface health")
"""Beginnings of commands that ask a server."""

OTHERS_WORDS = {
    "Failed to increase the shared memory pool size",
    "lock_exception",  # Triton's Python backend
    "Connection refused",
    "Pending",
    "<unknown>",  # Kubernetes
    "invalid",  # a report's verdict
}


@pytest.fixture(scope="module")
def place(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the commands find what they name: two servers' repositories, and a candidate."""
    folder = tmp_path_factory.mktemp("operations")
    ignored = shutil.ignore_patterns("__pycache__")
    for line in ("line-1", "line-2"):
        shutil.copytree(project / "model_repository", folder / line / "model_repository", ignore=ignored)
    shutil.copytree(project / "model_repository" / "segment" / "2", folder / "candidate")
    (folder / "model_repository").symlink_to(Path("line-1", "model_repository"))
    for name in ("deploy", "samples"):
        (folder / name).symlink_to(project / name)
    return folder


@pytest.fixture(scope="module")
def run(place: Path) -> Run:
    """Run a command there, as a shell does, with the programs of this environment."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def ran(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command], cwd=place, env=environment, capture_output=True, text=True, check=False
        )

    return ran


def starting(commands: list[str], start: str) -> list[str]:
    """The commands that begin so."""
    return [command for command in commands if command.startswith(start)]


def test_every_command_is_run_or_needs_more_than_a_machine(commands: list[str]) -> None:
    """The tests below run all that a single machine can."""
    tested = ("endface ", "endface-build ", "deploy/certificates/make-certificates ", "openssl ", "kubectl kustomize ")
    tested = (*tested, "export ENDFACE_TLS_")

    assert [command for command in commands if not command.startswith((*ELSEWHERE, *tested))] == []


def test_files_and_names_of_the_other_commands_exist(commands: list[str], project: Path) -> None:
    """Overlays, targets and the Deployment have the names that the page calls them by."""
    others = [command for command in commands if command.startswith(ELSEWHERE)]
    deployment = (project / "deploy" / "k8s" / "base" / "server" / "deployment.yaml").read_text(encoding="utf-8")

    for command in others:
        assert all((project / path / "kustomization.yaml").is_file() for path in re.findall(r"-k (\S+)", command))
        assert all((project / path).is_file() for path in re.findall(r"[\w./-]+\.yml", command))
        for kind, name in re.findall(r"(deployment)/(\S+)", command):
            assert f"kind: {kind.title()}\nmetadata:\n  name: {name}\n" in deployment
    (target,) = {name for command in others for name in re.findall(r"--target (\S+)", command)}
    assert re.search(rf"^FROM \S+ AS {target}$", (project / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_overlays_are_rendered_as_printed(commands: list[str], run: Run) -> None:
    """Looking at what would be applied needs no cluster."""
    for command in starting(commands, "kubectl kustomize"):
        ran = run(command)

        assert ran.returncode == 0, ran.stderr
        assert "kind: Deployment" in ran.stdout


@contextmanager
def served(place: Path, command: str, line: str) -> Iterator[Ports]:
    """A server that is started as printed, on ports of its own, which it gives."""
    words = (Path(sys.executable).with_name("endface"), *command.split()[1:])
    repository = str(place / line / "model_repository")
    ports = free_ports()
    with serve(ports, command=words, folder=place, ENDFACE_REPOSITORY=repository):
        yield ports


def test_unit_ends_a_server_as_it_wants_to_end(page: str) -> None:
    """The first process alone is asked to end, has time to, and is started with options that exist."""
    (written,) = re.findall(r"```ini\n(.*?)```", page, re.DOTALL)
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read_string(written)
    program, command, *options = unit["Service"]["ExecStart"].split()
    known = {option for parameter in typer.main.get_command(app).commands[command].params for option in parameter.opts}

    assert unit["Service"]["KillMode"] == "mixed"
    assert int(unit["Service"]["TimeoutStopSec"]) > server_process._DRAIN_S + server_process._KILL_AFTER_S
    assert Path(program).name == "endface"
    assert {option for option in options if option.startswith("--")} <= known


@pytest.fixture(scope="module")
def certificates(commands: list[str], run: Run) -> None:
    """The certificates of the page, made as printed, good for more than 30 days."""
    for command in (*starting(commands, "deploy/certificates"), *starting(commands, "openssl")):
        ran = run(command)
        assert ran.returncode == 0, ran.stderr


@pytest.mark.triton
@pytest.mark.usefixtures("certificates")
def test_certificates_are_served_as_printed(page: str, commands: list[str], run: Run, place: Path) -> None:
    """The page's program, `endface inspect` and `endface health` reach a server with mutual TLS."""
    _, encrypted = starting(commands, "endface serve")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (exported,) = starting(commands, "export ")
    inspect, health = (each for each in commands if each.startswith(PROBED) and "--tls-" in each)

    with served(place, encrypted, "line-1") as ports:
        asked = (f"python - <<'END'\n{program}END\n", inspect, f"{exported}\n{health}")
        programmed, inspected, probed = (run(each.replace("8001", str(ports["grpc_port"]))) for each in asked)

    assert (programmed.returncode, programmed.stdout) == (0, "fail\n"), programmed.stderr
    assert inspected.returncode == 1, inspected.stderr  # some of the samples fail
    assert probed.returncode == 0, probed.stderr


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
@pytest.mark.usefixtures("certificates")
def test_secret_has_the_files_that_the_pods_read(commands: list[str], run: Run, project: Path) -> None:
    """`kubectl create secret`, as printed but for the cluster, makes what the overlay tls mounts."""
    (create,) = starting(commands, "kubectl -n endface create secret")
    ran = run(f"{create} --dry-run=client --output=json")
    secret = json.loads(ran.stdout)
    overlay = (project / "deploy" / "k8s" / "overlays" / "tls" / "tls.yaml").read_text(encoding="utf-8")

    assert secret["data"].keys() == set(re.findall(r"/certificates/(\S+?)[ }\n]", overlay))
    assert f"secretName: {secret['metadata']['name']}," in overlay


@pytest.mark.triton
def test_network_is_rolled_out_as_printed(commands: list[str], place: Path, run: Run) -> None:
    """Health, a promotion and the way back, then one server first: it serves another version of the network alone."""
    commands = [each for each in commands if "--tls-" not in each]
    (health,), (command,) = starting(commands, "endface health"), starting(commands, "endface serve")
    rolled = [each for each in commands if each.startswith(("endface-build", "endface inspect"))]
    with served(place, command, "line-1") as first, served(place, command, "line-2") as second:
        lines = {"line-1": first, "line-2": second}

        def addressed(command: str) -> str:
            for line, ports in lines.items():
                command = command.replace(f"{line}:8001", f"127.0.0.1:{ports['grpc_port']}")
                command = command.replace(f"{line}:8000", f"127.0.0.1:{ports['http_port']}")
            return command

        assert run(addressed(health)).returncode == 0
        for each in rolled:
            ran = run(addressed(each))
            known = {0, 1} if "inspect" in each else {0}  # some of the samples fail
            assert ran.returncode in known, f"{each}: {ran.stdout}{ran.stderr}"

    versions = {
        name: {json.loads(line)["model"]["version"] for line in (place / name).read_text().splitlines()}
        for name in ("candidate.jsonl", "serving.jsonl")
    }
    assert versions == {"candidate.jsonl": {"4"}, "serving.jsonl": {"2"}}  # 3 was rolled back, its number stays taken


def sentences(project: Path) -> str:
    """All texts in the sources, one a line; what is filled in is left out."""
    found = [Event("noticed", kind, "-", "restart", 0, 0, "").line() for kind in ("stub", "hung")]
    for folder in ("src/endface", "client/endface_client", "build/endface_build"):
        for file in (project / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value.replace("\n", " "))
    return "\n".join(found)


def test_symptoms_are_what_the_programs_say(page: str, project: Path) -> None:
    """Every sentence in the tables' first columns stands in a source, but for others' words."""
    tables = page.partition("## Symptom, cause, cure")[2]
    said = sentences(project)
    cells = [row.split(" | ")[0] for row in tables.splitlines() if row.startswith("| ")]
    quoted = [text for cell in cells for text in re.findall(r"`([^`]+)`", cell)]
    parts = {part.strip(" ;:.()") for text in quoted for part in text.split("…")} - {""}

    assert len(cells) > 30
    assert sorted(part for part in parts - OTHERS_WORDS if part not in said) == []


@pytest.mark.parametrize("name", ["docker-compose.yml", "deploy/k8s/base/server/deployment.yaml"])
def test_shared_memory_is_what_the_page_says(page: str, project: Path, name: str) -> None:
    """Compose, Kubernetes and the page give /dev/shm the same size."""
    (told,) = {size for pair in re.findall(r"(\d+) MiB are enough|give it (\d+) MiB", page) for size in pair if size}

    assert re.search(rf"(shm_size: |sizeLimit: ){told}(m|Mi)\b", (project / name).read_text(encoding="utf-8"))
