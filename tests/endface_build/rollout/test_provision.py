"""A repository for the GPU at hand: links to the image's models, and a plan that is built once."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import onnx
import pytest

from endface.engines import tensorrt_library
from endface.engines.manifest import describe
from endface.engines.onnx_network import Network
from endface.engines.plan import Parity, PlanManifest
from endface.engines.tensorrt_library import Machine
from endface.errors import ConfigurationError, PlanError
from endface.files import sha256_of
from endface_build.evaluation.golden import drawn
from endface_build.export.build_plan import build_plan, profile_of, write_plan
from endface_build.manifest import read_manifest
from endface_build.rollout.provision import provision
from endface_build.rollout.versions import Versions

HERE = Machine("tensorrt_rtx", "1.7.1.116", "NVIDIA L4", "8.9", "580.95.05")
ELSEWHERE = Machine("tensorrt_rtx", "1.8.0.1", "NVIDIA L4", "8.9", "580.95.05")
NO_GPU = Machine("tensorrt_rtx", "1.7.1.116")

Provide = Callable[..., PlanManifest]
Be = Callable[[Machine], None]


@pytest.fixture
def be(monkeypatch: pytest.MonkeyPatch) -> Be:
    """Be another machine from now on."""
    return lambda machine: monkeypatch.setattr(Machine, "here", lambda _: machine)


@pytest.fixture
def image(tmp_path: Path, project: Path) -> Path:
    """The project's repository as an image has it, with a plan that somebody built elsewhere."""
    copy = tmp_path / "image"
    shutil.copytree(project / "model_repository", copy, ignore=shutil.ignore_patterns("__pycache__", "plan.json", "2"))
    (copy / "segment" / "1" / "model.plan").write_bytes(b"built elsewhere")
    return copy


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """An empty volume's folder."""
    return tmp_path / "volume" / "models"


@pytest.fixture
def built() -> list[Path]:
    """The folders that plans were built into, one after the other."""
    return []


@pytest.fixture
def provide(image: Path, volume: Path, built: list[Path], be: Be) -> Provide:
    """The job on a machine with a GPU, and a builder that takes no time."""

    def build(
        folder: Path, runtime: tensorrt_library.Runtime, precision: Any, *, batches: Sequence[int], **_: Any
    ) -> PlanManifest:
        built.append(folder)
        machine = Machine.here(runtime)
        manifest = PlanManifest(
            runtime=runtime,
            runtime_version=machine.runtime_version or "",
            gpu=machine.gpu,
            compute_capability=machine.compute_capability,
            driver=machine.driver,
            onnx_sha256=read_manifest(folder)["sha256"],
            plan_sha256=sha256_of(folder / "model.onnx"),
            precision=precision,
            profiles=(profile_of(batches),),
            build_s=0.1,
            created="2026-11-22T19:00:00+00:00",
            device_parity=Parity(8, 1.0) if machine.gpu else None,
        )
        write_plan(folder, (folder / "model.onnx").read_bytes(), manifest)
        return manifest

    be(HERE)
    return partial(provision, image, volume, "tensorrt_rtx", build=build)


def renew(network: Path) -> None:
    """Make a network another file, with a manifest that says so."""
    graph = onnx.load(network)
    graph.doc_string = "another one"
    onnx.save(graph, network)
    manifest = network.with_name("manifest.json")
    values = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(values | {"sha256": sha256_of(network)}), encoding="utf-8")


def test_first_start_builds_and_the_second_finds_the_plan(image: Path, volume: Path, be: Be) -> None:
    """With the real builder: it compiles once, again for another network, and writes nothing into the image."""
    if tensorrt_library.version("tensorrt_rtx") is None:
        pytest.skip("TensorRT for RTX is not installed: pip install '.[rtx]'")
    be(Machine("tensorrt_rtx", tensorrt_library.version("tensorrt_rtx")))
    golden = list(islice(drawn(), 1))
    before = {path: path.stat().st_mtime_ns for path in image.rglob("*")}
    job = partial(provision, image, volume, "tensorrt_rtx", build=partial(build_plan, golden=golden))

    first = job()
    steps: list[str] = []
    assert job(progress=steps.append) == first
    assert steps == ["the plan that is there fits"]
    assert {path: path.stat().st_mtime_ns for path in image.rglob("*")} == before

    model = image / "segment" / "1" / "model.onnx"
    renew(model)
    assert job().onnx_sha256 == sha256_of(model) != first.onnx_sha256


def test_fitting_plan_is_left_alone(provide: Provide, built: list[Path], volume: Path) -> None:
    """A second start reads a few files and builds nothing."""
    assert provide() == provide()

    assert built == [volume / "segment" / "1"]


def test_other_network_gets_another_plan(provide: Provide, built: list[Path], image: Path) -> None:
    """An image with a newer network does not serve the former one's plan."""
    provide()
    renew(image / "segment" / "1" / "model.onnx")

    assert provide().onnx_sha256 == sha256_of(image / "segment" / "1" / "model.onnx")
    assert len(built) == 2


def test_other_runtime_gets_another_plan(provide: Provide, built: list[Path], be: Be) -> None:
    """A container with a newer runtime on the same volume."""
    provide()
    be(ELSEWHERE)

    assert provide().runtime_version == "1.8.0.1"
    assert len(built) == 2


@pytest.mark.parametrize("wish", [{"precision": "int8"}, {"batches": (1, 4)}], ids=str)
def test_other_wish_gets_another_plan(provide: Provide, built: list[Path], wish: dict[str, Any]) -> None:
    """Precision and batches are the job's, not the volume's."""
    provide()
    provide(**wish)
    provide(**wish)

    assert len(built) == 2


def test_plan_is_proven_where_a_gpu_is(provide: Provide, built: list[Path], be: Be) -> None:
    """One that was compiled without a GPU is kept without one, and built again on the first that can run it."""
    be(NO_GPU)
    assert not provide().verified
    assert not provide().verified
    assert len(built) == 1

    be(HERE)
    assert provide().verified
    assert len(built) == 2


def test_damaged_plan_is_built_again(provide: Provide, built: list[Path], volume: Path) -> None:
    """A file that is not its manifest's is not served."""
    provide()
    (volume / "segment" / "1" / "model.plan").write_bytes(b"half")
    provide()

    assert len(built) == 2


def test_models_are_the_images(provide: Provide, image: Path, volume: Path) -> None:
    """Everything but the plan is a link, so that an image with other models brings them along."""
    provide()

    assert {entry.name for entry in volume.iterdir()} == {"endface", "preprocess", "segment", "postprocess"}
    assert (volume / "endface").readlink() == image / "endface"
    files = list((volume / "segment" / "1").iterdir())
    assert {file.name for file in files if not file.is_symlink()} == {"model.plan", "plan.json"}
    assert {"manifest.json", "model.onnx", "model.py"} <= {file.name for file in files if file.is_symlink()}
    assert Network(volume / "segment" / "1" / "model.onnx").info == describe(image / "segment", "onnxruntime")


def test_versions_come_and_go_with_the_image(provide: Provide, built: list[Path], image: Path, volume: Path) -> None:
    """The newest one gets the plan; one that left the image leaves the volume."""
    shutil.copytree(image / "segment" / "1", image / "segment" / "2")
    provide()
    assert built == [volume / "segment" / "2"]

    shutil.rmtree(image / "segment" / "2")
    provide()
    assert not (volume / "segment" / "2").exists()
    assert built[1:] == [volume / "segment" / "1"]


def test_promotions_on_the_volume_are_kept(provide: Provide, image: Path, volume: Path) -> None:
    """A version that was written there stays, and one that was withdrawn there does not come back."""
    provide()
    shutil.copytree(image / "segment" / "1", volume / "segment" / "2")
    Versions(volume).withdraw(1)
    provide()

    assert {entry.name for entry in (volume / "segment").iterdir() if entry.is_dir() and not entry.is_symlink()} == {
        "2",
        "withdrawn-1",
    }


def test_jobs_on_one_volume_wait_for_each_other(provide: Provide, built: list[Path], volume: Path) -> None:
    """Servers that start together on a machine share the plan that the first one builds."""
    provide()
    descriptor = os.open(volume, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    waiting = threading.Event()
    job = threading.Thread(target=provide, kwargs={"progress": lambda _: waiting.set()})
    job.start()
    assert waiting.wait(30)
    assert job.is_alive()

    os.close(descriptor)
    job.join(30)
    assert not job.is_alive()
    assert len(built) == 1


def test_wrong_source_is_named(provide: Provide, image: Path) -> None:
    """A folder without our models is no repository."""
    shutil.rmtree(image / "preprocess")

    with pytest.raises(ConfigurationError, match=r"image is no model repository.*--repository"):
        provide()


def test_target_that_cannot_be_written_is_named(image: Path, tmp_path: Path) -> None:
    """A file where the volume should be: the message says what to do."""
    (tmp_path / "file").touch()

    with pytest.raises(PlanError, match=r"No repository can be made in .*Mount a volume"):
        provision(image, tmp_path / "file", "tensorrt_rtx")
