"""The pods of the Kubernetes manifests: hardened, probed without harm, with the memory and the commands they need."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from endface.server import process
from endface_build.commands.app import app as build_app
from endface_client.__main__ import app as client_app
from endface_client.cli import serve
from endface_client.cli.health import OVERLOADED
from tests.deploy.conftest import Object, OfKind, Render

PROGRAMS = {"endface": client_app, "endface-build": build_app}


def containers(pod: Object) -> list[Object]:
    """All of a pod, those that only prepare it included."""
    return [*pod.get("initContainers", ()), *pod["containers"]]


def kubernetes_size(compose_size: str) -> str:
    """Both count in powers of 1024; Kubernetes says so."""
    return f"{compose_size[:-1]}{compose_size[-1].upper()}i"


def test_every_container_is_hardened(pod: Object) -> None:
    """No root, no capabilities, no way to get any, nothing of the node, no token of the cluster, a read-only disk."""
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert all(volume.keys() & {"emptyDir", "secret"} for volume in pod["volumes"])
    for each in containers(pod):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_user_is_the_images(pod: Object, project: Path) -> None:
    """A pod runs as the user that the image was made for."""
    users = set(re.findall(r"^USER (\d+:\d+)$", (project / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    context = pod["securityContext"]

    assert f"{context['runAsUser']}:{context['runAsGroup']}" in users - {"0:0"}


def test_every_mount_has_its_volume(pod: Object) -> None:
    """And every volume is mounted."""
    mounted = {mount["name"] for each in containers(pod) for mount in each["volumeMounts"]}

    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_commands_take_their_arguments(pod: Object) -> None:
    """Every option in a container's arguments is one of the command that it calls."""
    for each in containers(pod):
        (program,), (name, *arguments) = each["command"], each["args"]
        group: Any = typer.main.get_command(PROGRAMS[program])
        known = {option for parameter in group.commands[name].params for option in parameter.opts}

        assert {argument for argument in arguments if argument.startswith("--")} <= known


def test_only_an_inspection_makes_a_server_ready(container: Object) -> None:
    """Startup and readiness pass a picture through the ensemble, with time for a late answer."""
    for probe in (container["startupProbe"], container["readinessProbe"]):
        program, name, option, deadline_s = " ".join(probe["exec"]["command"]).removeprefix("sh -c ").split()[:4]
        assert (program, name, option) == ("endface", "health", "--deadline-s")
        assert probe["timeoutSeconds"] > float(deadline_s) + 2  # the program itself has to start
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= serve.READY_WITHIN_S


@pytest.mark.parametrize(("status", "is_ready"), [(0, True), (1, False), (2, False), (OVERLOADED, True), (127, False)])
def test_overloaded_server_stays_in_service(container: Object, tmp_path: Path, status: int, is_ready: bool) -> None:
    """A full queue is no reason to hand all pictures to the others; every other failure is one."""
    fake = tmp_path / "endface"
    fake.write_text(f"#!/bin/sh\nexit {status}\n")
    fake.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    probed = subprocess.run(container["readinessProbe"]["exec"]["command"], env=environment, check=False)

    assert (probed.returncode == 0) is is_ready


def test_overload_kills_nobody(container: Object) -> None:
    """Liveness only asks whether anybody listens, and longer than a server may take to be started again."""
    liveness = container["livenessProbe"]

    assert liveness["tcpSocket"]["port"] in {port["name"] for port in container["ports"]}
    assert not {"exec", "httpGet", "grpc"} & liveness.keys()
    assert liveness["periodSeconds"] * liveness["failureThreshold"] > 2 * serve.READY_WITHIN_S


def test_server_has_what_it_has_in_compose(pod: Object, container: Object, project: Path) -> None:
    """Shared memory, files, memory, cores and time to end in good order: the Compose file gives the reasons."""
    services = yaml.safe_load((project / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    composed = services["endface-gpu" if "gpu" in container["image"] else "endface"]
    volumes = {each["name"]: each["emptyDir"] for each in pod["volumes"] if "emptyDir" in each}
    mounts = {each["mountPath"]: volumes.get(each["name"]) for each in container["volumeMounts"]}
    (tmp_size,) = re.findall(r"^/tmp:size=(\w+)", composed["tmpfs"][0])

    assert mounts["/tmp"] == {"medium": "Memory", "sizeLimit": kubernetes_size(tmp_size)}
    assert mounts["/dev/shm"] == {"medium": "Memory", "sizeLimit": kubernetes_size(composed["shm_size"])}
    assert container["resources"]["limits"]["memory"] == kubernetes_size(composed["mem_limit"])
    assert container["resources"]["limits"]["cpu"] == str(services["endface"]["cpus"])
    assert f"{pod['terminationGracePeriodSeconds']}s" == composed["stop_grace_period"]
    assert pod["terminationGracePeriodSeconds"] >= process._DRAIN_S + process._KILL_AFTER_S


def test_certificates_are_given_as_with_compose(render: Render, of_kind: OfKind, project: Path) -> None:
    """The same options, variables and files for the server and for its health check."""
    composed = yaml.safe_load((project / "deploy" / "containers" / "tls.yml").read_text(encoding="utf-8"))
    told = composed["services"]["endface"]
    (server,) = of_kind(render("overlays/tls"), "Deployment")["spec"]["template"]["spec"]["containers"]

    assert [*server["command"], *server["args"]] == told["command"].split()
    assert {each["name"]: each["value"] for each in server["env"]} == told["environment"]
    assert {"/certificates"} < {each["mountPath"] for each in server["volumeMounts"]}


def test_nothing_is_promised_that_others_may_take(pod: Object) -> None:
    """Each container asks for all that it may use, so that no neighbour on the node slows an inspection down."""
    for each in containers(pod):
        assert each["resources"]["requests"] == each["resources"]["limits"]
        assert {"cpu", "memory"} <= each["resources"]["limits"].keys()


def test_plan_is_built_on_the_servers_card_and_volume(render: Render, of_kind: OfKind) -> None:
    """The job before the server sees a GPU as it does, writes where it reads, and for the engine that it runs."""
    pod = of_kind(render("overlays/gpu"), "Deployment")["spec"]["template"]["spec"]
    (job,), (server,) = pod["initContainers"], pod["containers"]

    def given(option: str, container: Object) -> str:
        value: str = container["args"][container["args"].index(option) + 1]
        return value

    assert job["args"][:2] == ["provision", given("--repository", server)]
    assert given("--runtime", job) == given("--engine", server)
    mounts = {each["mountPath"]: each["name"] for each in job["volumeMounts"]}
    assert mounts.items() <= {each["mountPath"]: each["name"] for each in server["volumeMounts"]}.items()
    assert job["args"][1] in mounts
    assert job["resources"]["limits"]["nvidia.com/gpu"] == server["resources"]["limits"]["nvidia.com/gpu"] == "1"
