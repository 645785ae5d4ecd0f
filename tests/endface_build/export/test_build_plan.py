"""A plan is written whole, beside a manifest that tells the truth about it, or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import resource
import signal

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
from endface.engines.tensorrt_library import Machine
from endface.errors import ConfigurationError, PlanError
from endface.files import sha256_of
from endface_build.export import typed_graph as typing
from endface_build.export.build_plan import build_plan, profile_of, write_plan
from endface_build.export.quantize import FP32_FILE
from endface_build.manifest import MODEL_FILE, read_manifest

CARD = ("NVIDIA Quadro of Tests", "8.9", "580.00")


@pytest.fixture(autouse=True)
def few_faces(monkeypatch):
    """Two faces are enough to find the ranges of such a network."""
    monkeypatch.setattr(typing, "CALIBRATION_COUNT", 2)


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    """Tests of building speak of a machine without a GPU, also where there is one."""
    monkeypatch.setattr("endface.engines.tensorrt_library._gpu", lambda: (None, None, None))


@pytest.fixture
def folder(write_steps, tmp_path):
    """A version of a network that labels by brightness."""
    return write_steps(tmp_path / "1")


@pytest.fixture
def manifest():
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


def test_plan_and_manifest(rtx, folder, golden):
    """The manifest says what the plan was built by and for, from what, how, and how far it is proven."""
    steps = []
    made = build_plan(folder, rtx, "fp16", golden=golden, progress=steps.append)

    assert made == PlanManifest.load(folder)
    assert made.plan_sha256 == sha256_of(folder / PLAN_FILE)
    assert made.onnx_sha256 == read_manifest(folder)["sha256"]
    assert (made.runtime, made.runtime_version) == (rtx, Machine.here(rtx).runtime_version)
    assert (made.precision, made.profiles) == ("fp16", (OptimizationProfile(1, 8, 32),))
    assert made.parity is not None
    assert (made.parity.pictures, made.parity.flips) == (1, ())
    assert made.parity.labels_equal > 0.99
    assert (made.gpu, made.verified, made.verification) == (None, False, NOT_VERIFIED)
    assert json.loads((folder / PLAN_MANIFEST).read_text())["verification"] == "not verified on a device"
    assert steps == ["typing the network to fp16", "comparing with FP32 on golden pictures", f"compiling with {rtx}"]


def test_server_takes_the_plan_on_a_gpu_only(rtx, folder, golden):
    """What was built here fits a machine with the same runtime and a GPU, and is refused without one."""
    made = build_plan(folder, rtx, "int8", golden=golden)
    with_gpu = Machine(rtx, made.runtime_version, *CARD)

    assert open_plan(folder, with_gpu, made.onnx_sha256) == made
    with pytest.raises(PlanError, match="no NVIDIA GPU is visible here"):
        check(made, Machine.here(rtx), made.onnx_sha256)


def test_other_folder(rtx, folder, golden, tmp_path):
    """Plan and manifest go where they are told, and the version's folder stays as it was."""
    build_plan(folder, rtx, "fp32", golden=golden, out=tmp_path / "plans" / "fp32")

    assert {path.name for path in folder.iterdir()} == {MODEL_FILE, "manifest.json"}
    assert {path.name for path in (tmp_path / "plans" / "fp32").iterdir()} == {PLAN_FILE, PLAN_MANIFEST}


def test_quantised_version_is_compiled_from_its_source(rtx, folder, golden, write_steps, tmp_path):
    """A plan of a network in eight bits is made of the network in float, and names the one that is served."""
    source = write_steps(tmp_path / "float", spread=2.0)
    (folder / FP32_FILE).write_bytes((source / MODEL_FILE).read_bytes())
    values = read_manifest(folder) | {"quantization": {"from_sha256": sha256_of(folder / FP32_FILE)}}
    (folder / "manifest.json").write_text(json.dumps(values))
    made = build_plan(folder, rtx, "fp16", golden=golden)
    spread = np.zeros((8, 3, 3, 2), np.float16)  # as TensorRT for RTX lays them out, channels in whole words
    spread[:, 1, 1, 0] = 2

    assert made.onnx_sha256 == sha256_of(folder / MODEL_FILE)
    assert spread.tobytes() in (folder / PLAN_FILE).read_bytes()


def test_flip_leaves_the_former_plan(rtx, folder, golden, monkeypatch):
    """A graph that changes a verdict becomes no plan, and the one before stays."""
    build_plan(folder, rtx, "fp32", golden=golden)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def blind(graph):
        for tensor in graph.initializer:
            if tensor.name == "join":
                tensor.CopyFrom(typing.numpy_helper.from_array(np.zeros((2, 8, 1, 1), np.float32), "join"))

    monkeypatch.setattr(typing, "_halve", blind)
    with pytest.raises(PlanError, match=r"network in fp16 judges .*\(face\.png: \w+ for fail\)"):
        build_plan(folder, rtx, "fp16", golden=golden)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_untyped_graph_leaves_nothing(rtx, folder, golden, monkeypatch):
    """A graph that would silently stay in float becomes no plan."""
    monkeypatch.setattr(typing, "_halve", lambda _: None)
    with pytest.raises(PlanError, match="3 of 3 convolutions would not compute in fp16"):
        build_plan(folder, rtx, "fp16", golden=golden)

    assert not (folder / PLAN_FILE).exists()


def test_tensorrt_without_a_gpu(folder, golden):
    """TensorRT proper needs the GPU that will run the plan; the message says what to use instead."""
    with pytest.raises(PlanError, match=r"--runtime tensorrt_rtx.*--engine onnxruntime"):
        build_plan(folder, "tensorrt", "fp16", golden=golden)


def test_no_network(tmp_path):
    """A folder without a network names the command that makes one."""
    with pytest.raises(ConfigurationError, match="endface-build export"):
        build_plan(tmp_path, "tensorrt_rtx", "fp16")


def test_lost_network(folder):
    """A manifest whose network is gone names the file and the command."""
    (folder / MODEL_FILE).unlink()
    with pytest.raises(ConfigurationError, match=r"model\.onnx is missing.*`endface-build export`"):
        build_plan(folder, "tensorrt_rtx", "fp16")


@pytest.mark.parametrize(
    ("batches", "profile"),
    [((1, 8, 32), (1, 8, 32)), ((32, 1), (1, 32, 32)), ((4,), (4, 4, 4)), ((8, 1, 8), (1, 8, 8))],
)
def test_batches(batches, profile):
    """Up to three sizes in any order make one profile: smallest, usual, largest."""
    assert profile_of(batches) == OptimizationProfile(*profile)


@pytest.mark.parametrize("batches", [(), (0, 8), (1, 2, 4, 8), (-1,)])
def test_batches_that_cannot_be(batches):
    """Other lists are refused with an example."""
    with pytest.raises(PlanError, match="--batch 1,8,32"):
        profile_of(batches)


@contextlib.contextmanager
def small_files():
    """Files of this process cannot grow beyond 4 KiB, as on a full disk; pytest's own log could not either."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_full_disk(tmp_path, manifest):
    """Where the plan does not fit, the former one stays with its manifest and nothing half-written is left."""
    write_plan(tmp_path, b"plan", manifest)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    refused = pytest.raises(PlanError, match=r"cannot be written into .*: File too large\. .*untouched.*--out")
    with refused, small_files():
        write_plan(tmp_path, bytes(100_000), manifest)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_full_disk_at_the_manifest(tmp_path, manifest, monkeypatch):
    """The disk may fill up at any byte: a manifest that does not fit leaves the former plan, too."""
    write_plan(tmp_path, b"plan", manifest)
    synced = iter([None, OSError(errno.ENOSPC, "No space left on device")])

    def sync(_):
        if (failure := next(synced)) is not None:
            raise failure

    monkeypatch.setattr("os.fsync", sync)
    with pytest.raises(PlanError, match="No space left on device"):
        write_plan(tmp_path, b"another", manifest)

    assert (tmp_path / PLAN_FILE).read_bytes() == b"plan"
    assert {path.name for path in tmp_path.iterdir()} == {PLAN_FILE, PLAN_MANIFEST}


def test_crash_between_plan_and_manifest(tmp_path, manifest):
    """A new plan beside the former manifest is not run: the manifest knows the plan's hash."""
    write_plan(tmp_path, b"plan", manifest)
    (tmp_path / PLAN_FILE).write_bytes(b"another")
    with pytest.raises(PlanError, match=r"not the plan that its manifest describes; build it here with"):
        open_plan(tmp_path, Machine("tensorrt_rtx", "1.7.1.116", *CARD), "0" * 64)


@pytest.mark.gpu
def test_engine_on_the_gpu(rtx, folder, golden, monkeypatch):
    """On a GPU the plan itself is run and compared, and the manifest says on which one."""
    monkeypatch.undo()
    machine = Machine.here(rtx)
    if machine.gpu is None:
        pytest.skip("no NVIDIA GPU is visible: nvidia-smi lists none")
    made = build_plan(folder, rtx, "fp16", golden=golden)

    assert made.device_parity is not None
    assert made.device_parity.flips == ()
    assert made.verification.startswith(f"verified on {machine.gpu}")
