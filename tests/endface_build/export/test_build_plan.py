"""A plan is written whole, beside a manifest that tells the truth about it, or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from endface.engines.plan import (
    NOT_VERIFIED,
    PLAN_FILE,
    PLAN_MANIFEST,
    OptimizationProfile,
    PlanManifest,
    check,
    open_plan,
)
from endface.engines.tensorrt_library import Machine, Runtime
from endface.errors import ConfigurationError, PlanError
from endface.files import sha256_of
from endface_build.drawing.squares import draw_square
from endface_build.evaluation.golden import Golden
from endface_build.export.build_plan import build_plan, profile_of, write_plan
from endface_build.export.quantize import FP32_FILE
from endface_build.manifest import MODEL_FILE, read_manifest

Build = Callable[..., PlanManifest]


@pytest.fixture
def build(folder: Path, no_gpu: Machine, golden: list[Golden]) -> Callable[..., PlanManifest]:
    """Builds a plan of the version on a machine without a GPU; two faces find the ranges of such a network."""
    faces = [draw_square(1, index)[0] for index in range(2)]
    return partial(build_plan, folder, no_gpu.runtime, golden=golden, calibration=faces, machine=no_gpu)


@pytest.fixture
def manifest() -> PlanManifest:
    """The manifest of the plan ``b"plan"``."""
    return PlanManifest(
        runtime="tensorrt_rtx",
        runtime_version="1.7.1.116",
        gpu=None,
        compute_capability=None,
        driver=None,
        onnx_sha256="0" * 64,
        plan_sha256=hashlib.sha256(b"plan").hexdigest(),
        precision="fp16",
        profiles=(OptimizationProfile(1, 8, 32),),
        build_s=1.5,
        created="2026-11-22T19:00:00+00:00",
    )


def test_plan_and_manifest(build: Build, folder: Path, no_gpu: Machine) -> None:
    """The manifest says what the plan was built by and for, from what, how, and how far it is proven."""
    steps: list[str] = []
    made = build("fp16", progress=steps.append)

    assert made == PlanManifest.load(folder)
    assert made.plan_sha256 == sha256_of(folder / PLAN_FILE)
    assert made.onnx_sha256 == read_manifest(folder)["sha256"]
    assert (made.runtime, made.runtime_version) == (no_gpu.runtime, no_gpu.runtime_version)
    assert (made.precision, made.profiles) == ("fp16", (OptimizationProfile(1, 8, 32),))
    assert made.parity is not None
    assert (made.parity.pictures, made.parity.flips) == (1, ())
    assert made.parity.labels_equal > 0.99
    assert (made.gpu, made.verified, made.verification) == (None, False, NOT_VERIFIED)
    assert json.loads((folder / PLAN_MANIFEST).read_text())["verification"] == "not verified on a device"
    assert steps == [
        "typing the network to fp16",
        "comparing with FP32 on golden pictures",
        f"compiling with {no_gpu.runtime}",
    ]


def test_server_takes_the_plan_on_a_gpu_only(build: Build, folder: Path, no_gpu: Machine, with_gpu: Machine) -> None:
    """What was built here fits a machine with the same runtime and a GPU, and is refused without one."""
    made = build("int8")

    assert open_plan(folder, with_gpu, made.onnx_sha256) == made
    with pytest.raises(PlanError, match="no NVIDIA GPU is visible here"):
        check(made, no_gpu, made.onnx_sha256)


def test_other_folder(build: Build, folder: Path, tmp_path: Path) -> None:
    """Plan and manifest go where they are told, and the version's folder stays as it was."""
    build("fp32", out=tmp_path / "plans" / "fp32")

    assert {path.name for path in folder.iterdir()} == {MODEL_FILE, "manifest.json"}
    assert {path.name for path in (tmp_path / "plans" / "fp32").iterdir()} == {PLAN_FILE, PLAN_MANIFEST}


def test_quantized_version_is_compiled_from_its_source(
    build: Build, folder: Path, write_steps: Callable[..., Path], tmp_path: Path
) -> None:
    """A plan of a network in eight bits is made of the network in float, and names the one that is served."""
    source = write_steps(tmp_path / "float", spread=2.0)
    (folder / FP32_FILE).write_bytes((source / MODEL_FILE).read_bytes())
    values = read_manifest(folder) | {"quantization": {"from_sha256": sha256_of(folder / FP32_FILE)}}
    (folder / "manifest.json").write_text(json.dumps(values))
    made = build("fp16")
    spread = np.zeros((8, 3, 3, 2), np.float16)  # as TensorRT for RTX lays them out, channels in whole words
    spread[:, 1, 1, 0] = 2

    assert made.onnx_sha256 == sha256_of(folder / MODEL_FILE)
    assert spread.tobytes() in (folder / PLAN_FILE).read_bytes()


def test_flip_leaves_the_former_plan(
    write_steps: Callable[..., Path], tmp_path: Path, no_gpu: Machine, golden: list[Golden]
) -> None:
    """A graph that changes a verdict becomes no plan, and the one before stays.

    The network multiplies gray levels by a weight that half precision holds, to values that it does not.
    """
    folder = write_steps(tmp_path / "large", spread=60_000.0)
    build_plan(folder, no_gpu.runtime, "fp32", golden=golden, machine=no_gpu)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(PlanError, match=r"network in fp16 judges .*\(face\.png: \w+ for fail\)"):
        build_plan(folder, no_gpu.runtime, "fp16", golden=golden, machine=no_gpu)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_tensorrt_without_a_gpu(folder: Path, golden: list[Golden]) -> None:
    """TensorRT proper needs the GPU that will run the plan; the message says what to use instead."""
    with pytest.raises(PlanError, match=r"--runtime tensorrt_rtx.*--engine onnxruntime"):
        build_plan(folder, "tensorrt", "fp16", golden=golden, machine=Machine("tensorrt", "10.13.2.6"))


def test_lost_network(folder: Path, tmp_path: Path) -> None:
    """A folder without a network, or without its manifest, names the command that makes one."""
    with pytest.raises(ConfigurationError, match="endface-build export"):
        build_plan(tmp_path, "tensorrt_rtx", "fp16")
    (folder / MODEL_FILE).unlink()
    with pytest.raises(ConfigurationError, match=r"model\.onnx is missing.*`endface-build export`"):
        build_plan(folder, "tensorrt_rtx", "fp16")


@pytest.mark.parametrize(
    ("batches", "profile"),
    [((1, 8, 32), (1, 8, 32)), ((32, 1), (1, 32, 32)), ((4,), (4, 4, 4)), ((8, 1, 8), (1, 8, 8))],
)
def test_batches(batches: tuple[int, ...], profile: tuple[int, int, int]) -> None:
    """Up to three sizes in any order make one profile: smallest, usual, largest."""
    assert profile_of(batches) == OptimizationProfile(*profile)


@pytest.mark.parametrize("batches", [(), (0, 8), (1, 2, 4, 8), (-1,)])
def test_batches_that_cannot_be(batches: tuple[int, ...]) -> None:
    """Other lists are refused with an example."""
    with pytest.raises(PlanError, match="--batch 1,8,32"):
        profile_of(batches)


def test_full_disk_leaves_the_former_plan(
    tmp_path: Path, manifest: PlanManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where plan or manifest do not fit, the former ones stay and nothing half-written is left."""
    write_plan(tmp_path, b"plan", manifest)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    synced = iter([None, OSError(errno.ENOSPC, "No space left on device")])

    def sync(_: int) -> None:
        if (failure := next(synced)) is not None:
            raise failure

    monkeypatch.setattr("os.fsync", sync)
    with pytest.raises(PlanError, match=r"cannot be written into .*: No space left on device\. .*untouched: make room"):
        write_plan(tmp_path, b"another", manifest)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.gpu
def test_engine_on_the_gpu(rtx: Runtime, folder: Path, golden: list[Golden]) -> None:
    """On a GPU the plan itself is run and compared, and the manifest says on which one."""
    machine = Machine.here(rtx)
    if machine.gpu is None:
        pytest.skip("no NVIDIA GPU is visible: nvidia-smi lists none")
    made = build_plan(folder, rtx, "fp16", golden=golden)

    assert made.device_parity is not None
    assert made.device_parity.flips == ()
    assert made.verification.startswith(f"verified on {machine.gpu}")
