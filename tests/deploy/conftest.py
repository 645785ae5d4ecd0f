"""The Kubernetes manifests as they are applied, and a line's certificates."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from endface_client import TLS

Object = dict[str, Any]
OfKind = Callable[[list[Object], str], Object]
Render = Callable[[str], list[Object]]

RENDERERS = (("kubectl", "kustomize"), ("kustomize", "build"))


@pytest.fixture(scope="session")
def manifests(project: Path) -> Path:
    """The folder with all manifests."""
    return project / "deploy" / "k8s"


@pytest.fixture(scope="session")
def render(manifests: Path) -> Render:
    """What would be applied: ``render("overlays/cpu")``, once for each; ``base`` is read as it lies there."""
    known: dict[str, list[Object]] = {}

    def rendered(folder: str) -> list[Object]:
        if folder not in known:
            known[folder] = read(manifests / folder) if folder == "base" else kustomized(manifests / folder)
        return known[folder]

    return rendered


def read(folder: Path) -> list[Object]:
    """All objects in the files below a folder."""
    files = sorted(file for file in folder.rglob("*.yaml") if file.name != "kustomization.yaml")
    return [found for file in files for found in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def kustomized(overlay: Path) -> list[Object]:
    """All objects of an overlay, by the program that applies it."""
    for program, command in RENDERERS:
        if shutil.which(program):
            ran = subprocess.run([program, command, overlay], capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stderr
            assert ran.stderr == "", "it warns of what it will refuse one day"
            return list(yaml.safe_load_all(ran.stdout))
    pytest.skip("neither kubectl nor kustomize is installed")


@pytest.fixture(scope="session", params=["base", "overlays/cpu", "overlays/gpu", "overlays/tls", "overlays/canary"])
def objects(request: pytest.FixtureRequest, render: Render) -> list[Object]:
    """All objects of the base, then of each overlay."""
    return render(request.param)


@pytest.fixture(scope="session")
def of_kind() -> OfKind:
    """The only object of a kind; the test is skipped where the overlay brings none."""

    def only(objects: list[Object], kind: str) -> Object:
        found = [each for each in objects if each["kind"] == kind]
        if not found:
            pytest.skip(f"this overlay has no {kind}")
        (one,) = found
        return one

    return only


@pytest.fixture(scope="session")
def deployment(objects: list[Object], of_kind: OfKind) -> Object:
    """The servers."""
    return of_kind(objects, "Deployment")


@pytest.fixture(scope="session")
def pod(deployment: Object) -> Object:
    """A server's pod."""
    spec: Object = deployment["spec"]["template"]["spec"]
    return spec


@pytest.fixture(scope="session")
def container(pod: Object) -> Object:
    """The server in it."""
    (server,) = pod["containers"]
    spec: Object = server
    return spec


@pytest.fixture(scope="session")
def promtool() -> Callable[..., str]:
    """Run promtool in a folder: ``promtool(folder, "check", "rules", "endface.yml")`` is what it says."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed; it comes with Prometheus")

    def run(folder: Path, *arguments: str) -> str:
        ran = subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    return run


@pytest.fixture(scope="session")
def make(project: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the script that makes certificates."""
    script = project / "deploy" / "certificates" / "make-certificates"

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([script, *map(str, arguments)], capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def line(make: Callable[..., subprocess.CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of certificates: a line with one server, line-3, which is this machine, and one station, station-4."""
    folder = tmp_path_factory.mktemp("line") / "certificates"
    made = [
        make("authority", folder),
        make("server", folder, "line-3", "localhost", "127.0.0.1"),
        make("client", folder, "station-4"),
    ]
    assert [(each.returncode, each.stderr) for each in made] == [(0, "")] * 3
    return folder


@pytest.fixture(scope="session")
def station(line: Path) -> TLS:
    """What a station of the line shows and trusts."""
    return TLS(line / "authority.pem", line / "station-4.key", line / "station-4.pem")
