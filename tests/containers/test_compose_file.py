"""What the Compose file promises, without an engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from endface import contract
from endface_client.cli.health import OVERLOADED

_MIB = 2**20


@pytest.fixture(scope="module")
def services(project: Path) -> dict[str, Any]:
    """The services of the Compose file."""
    found: dict[str, Any] = yaml.safe_load((project / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    return found


@pytest.fixture(scope="module")
def instances(project: Path) -> dict[str, int]:
    """Processes of each model that is served by Triton's Python backend."""
    texts = {
        model.name: (project / "model_repository" / model.name / "config.pbtxt").read_text(encoding="utf-8")
        for model in contract.MODELS
    }
    return {name: int(count[1]) for name, text in texts.items() if (count := re.search(r"count: (\d+)", text))}


def test_every_service_is_hardened(services: dict[str, Any]) -> None:
    """Read-only, without capabilities and the way to any, its own /dev/shm, bounded in memory, processes and logs."""
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["ipc"] == "private", name
        assert not {"privileged", "cap_add", "user", "network_mode", "pid"} & service.keys(), name
        assert {"mem_limit", "pids_limit", "init"} <= service.keys(), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name


def test_nothing_but_a_server_can_be_published_beyond_this_machine(services: dict[str, Any]) -> None:
    """The port of gRPC goes where ENDFACE_ADDRESS says, the loopback by default; no other one leaves the loopback."""
    for name, service in services.items():
        for port in service.get("ports", []):
            place = "${ENDFACE_ADDRESS:-127.0.0.1}:" if port.endswith(":8001") else "127.0.0.1:"
            assert port.startswith(place), name


def test_shared_memory_is_as_large_as_its_formula_says(services: dict[str, Any], instances: dict[str, int]) -> None:
    """2 x sum of instances x (1 MiB + the largest request), as the Compose file explains."""
    square = contract.SQUARE_PX**2
    largest = {
        "preprocess": contract.MAX_IMAGE_BYTES + 8 * square,
        "segment": 8 * 3 * square,
        "postprocess": 8 * 2 * square,
    }
    bytes_needed = 2 * sum(count * (_MIB + largest[model]) for model, count in instances.items())

    assert instances.keys() == largest.keys()
    for name in ("endface", "endface-2", "endface-3"):
        assert services[name]["shm_size"] == f"{bytes_needed // _MIB}m"


def test_base_images_are_pinned(project: Path, services: dict[str, Any]) -> None:
    """None is `latest`, or without a tag."""
    dockerfile = (project / "Dockerfile").read_text(encoding="utf-8")
    images = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    images += [services["endface-gpu"]["build"]["args"]["BASE_IMAGE"]]
    images += [service["image"] for service in services.values()]

    assert all(re.search(r":(local|v?\d[\w.-]+)$", image) for image in images), images
    assert len(images) == 2 + len(services)


def test_dockerfile_takes_every_build_argument(project: Path, services: dict[str, Any]) -> None:
    """The images are targets of the Dockerfile, and what Compose tells it is asked for there."""
    dockerfile = (project / "Dockerfile").read_text(encoding="utf-8")
    builds = [service["build"] for service in services.values() if "build" in service]

    assert {build["target"] for build in builds} == {"server", "bench", "gpu"}
    assert {build["target"] for build in builds} <= set(re.findall(r"^FROM \S+ AS (\w+)$", dockerfile, re.MULTILINE))
    assert {name for build in builds for name in build.get("args", {})} <= set(
        re.findall(r"^ARG (\w+)", dockerfile, re.MULTILINE)
    )


def test_health_check_says_itself_why_it_failed(project: Path) -> None:
    """Its own deadline ends well before the engine's, which leaves no sentence; a full queue is no failure."""
    dockerfile = (project / "Dockerfile").read_text(encoding="utf-8")
    check = r"^HEALTHCHECK .*--timeout=(\d+)s .*\\\n  CMD endface health --deadline-s (\d+) \|\| test \$\? -eq (\d+)$"
    ((timeout_s, deadline_s, status),) = re.findall(check, dockerfile, re.MULTILINE)

    assert int(timeout_s) >= int(deadline_s) + 5  # the program itself has to start
    assert int(status) == OVERLOADED
