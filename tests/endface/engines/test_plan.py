from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endface.engines.plan import (
    NOT_VERIFIED,
    PLAN_FILE,
    PLAN_MANIFEST,
    PRECISIONS,
    OptimizationProfile,
    Parity,
    PlanManifest,
    check,
    open_plan,
)
from endface.engines.tensorrt_library import RUNTIMES, Machine
from endface.errors import PlanError
from endface.files import sha256

NETWORK = "ab" * 32
MACHINE = Machine("tensorrt", "10.13.2.6", "NVIDIA L4", "8.9", "580.65.06")
MANIFEST = PlanManifest(
    runtime="tensorrt",
    runtime_version="10.13.2.6",
    gpu="NVIDIA L4",
    compute_capability="8.9",
    driver="580.65.06",
    onnx_sha256=NETWORK,
    plan_sha256=sha256(b"plan"),
    precision="fp16",
    profiles=(OptimizationProfile(1, 8, 32),),
    build_s=12.5,
    created="2026-11-22T19:00:00+00:00",
)
RTX_MACHINE = Machine("tensorrt_rtx", "1.7.1.116", "NVIDIA GeForce RTX 4090", "8.9", "580.65.06")
RTX_MANIFEST = replace(
    MANIFEST, runtime="tensorrt_rtx", runtime_version="1.7.1.116", gpu=None, compute_capability=None, driver=None
)

names = st.text(min_size=1, max_size=20)
optional = st.none() | names
sizes = st.tuples(*[st.integers(1, 512)] * 3).map(sorted)
parities = st.none() | st.builds(Parity, st.integers(1, 500), st.floats(0, 1), st.lists(names, max_size=3).map(tuple))
manifests = st.builds(
    PlanManifest,
    runtime=st.sampled_from(RUNTIMES),
    runtime_version=names,
    gpu=optional,
    compute_capability=optional,
    driver=optional,
    onnx_sha256=names,
    plan_sha256=names,
    precision=st.sampled_from(PRECISIONS),
    profiles=st.lists(sizes.map(lambda numbers: OptimizationProfile(*numbers)), min_size=1, max_size=3).map(tuple),
    build_s=st.floats(0, 1e6),
    created=names,
    parity=parities,
    device_parity=parities,
)


@given(manifests)
def test_json_keeps_everything(manifest: PlanManifest) -> None:
    """A manifest that is written and read is the same."""
    assert PlanManifest.from_json(manifest.to_json()) == manifest


def test_json_tells_people() -> None:
    """The file says in words how far the plan is proven."""
    assert json.loads(MANIFEST.to_json())["verification"] == NOT_VERIFIED == "not verified on a device"
    proven = replace(MANIFEST, device_parity=Parity(7, 0.99987))
    values = json.loads(proven.to_json())

    assert values["verified"] is True
    assert values["verification"] == "verified on NVIDIA L4: 99.9870% of the labels equal, no verdict flips"


@pytest.mark.parametrize(
    ("manifest", "machine"),
    [(MANIFEST, MACHINE), (MANIFEST, replace(MACHINE, driver="590.10")), (RTX_MANIFEST, RTX_MACHINE)],
    ids=["where it was built", "newer driver", "RTX plan from a machine without a GPU"],
)
def test_plan_that_fits(manifest: PlanManifest, machine: Machine) -> None:
    """A plan runs with the runtime and on the GPU that it was built for; RTX's on any that this library runs on."""
    check(manifest, machine, NETWORK)


RTX_HERE = partial(replace, RTX_MACHINE)
HERE = partial(replace, MACHINE)


@pytest.mark.parametrize(
    ("manifest", "machine", "network", "reason"),
    [
        (MANIFEST, HERE(runtime_version="10.14.1.48"), NETWORK, r"by tensorrt 10\.13\.2\.6, here is 10\.14"),
        (MANIFEST, HERE(runtime_version=None), NETWORK, "tensorrt is not installed here"),
        (MANIFEST, HERE(gpu="NVIDIA H100"), NETWORK, r"on NVIDIA L4 .*here is NVIDIA H100"),
        (MANIFEST, HERE(compute_capability="9.0"), NETWORK, r"capability 8\.9\), here is NVIDIA L4 \(9\.0\)"),
        (MANIFEST, HERE(gpu=None, compute_capability=None), NETWORK, "no NVIDIA GPU is visible here"),
        (MANIFEST, MACHINE, "cd" * 32, r"another network \(abababababab, here is cdcdcdcdcdcd\)"),
        (MANIFEST, RTX_MACHINE, NETWORK, "built by tensorrt, this server runs tensorrt_rtx"),
        (RTX_MANIFEST, RTX_HERE(runtime_version="1.6.0.1"), NETWORK, r"1\.7\.1\.116, here is 1\.6\.0\.1"),
        (RTX_MANIFEST, RTX_HERE(gpu=None), NETWORK, "no NVIDIA GPU is visible here"),
    ],
)
def test_plan_that_does_not_fit(
    manifest: PlanManifest, machine: Machine, network: str, reason: str, tmp_path: Path
) -> None:
    """The sentence gives the reason, and the command that builds the same plan for this machine."""
    command = f"`endface-build plan --runtime {machine.runtime} --precision fp16 --batch 1,8,32 --model {tmp_path}`"
    with pytest.raises(PlanError, match=rf"does not fit: .*{reason}.*; build it here with {command}$"):
        check(manifest, machine, network, tmp_path)


def write(folder: Path, manifest: PlanManifest = MANIFEST, plan: bytes = b"plan") -> None:
    """Plan and manifest in a folder."""
    (folder / PLAN_FILE).write_bytes(plan)
    (folder / PLAN_MANIFEST).write_text(manifest.to_json())


def test_open_plan(tmp_path: Path) -> None:
    """A plan that fits, with its file whole, is opened: its manifest comes back."""
    write(tmp_path)

    assert open_plan(tmp_path, MACHINE, NETWORK) == MANIFEST


@pytest.mark.parametrize(
    ("plan", "manifest", "reason"),
    [
        (b"plan", False, r"no plan in .*"),
        (None, True, r"model\.plan is missing"),
        (b"pla", True, r"is not the plan that its manifest describes"),
        (b"another plan", True, r"is not the plan that its manifest describes"),
        (b"", True, r"is not the plan that its manifest describes"),
    ],
)
def test_half_a_plan_is_never_run(tmp_path: Path, plan: bytes | None, manifest: bool, reason: str) -> None:
    """What is missing, cut off or exchanged is named, with the command that builds it anew."""
    write(tmp_path, plan=plan or b"")
    if plan is None:
        (tmp_path / PLAN_FILE).unlink()
    if not manifest:
        (tmp_path / PLAN_MANIFEST).unlink()

    with pytest.raises(PlanError, match=rf"{reason}.*`endface-build plan --runtime tensorrt --model {tmp_path}`"):
        open_plan(tmp_path, MACHINE, NETWORK)


VALUES = json.loads(MANIFEST.to_json())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        json.dumps(VALUES | {"more": 1}),
        json.dumps({name: value for name, value in VALUES.items() if name != "gpu"}),
        json.dumps(VALUES | {"profiles": []}),
        json.dumps(VALUES | {"profiles": [{"min": 1}]}),
        json.dumps(VALUES | {"parity": {"pictures": "many"}}),
        json.dumps(VALUES | {"precision": "fp8"}),
        json.dumps(VALUES | {"runtime": "onnxruntime"}),
    ],
)
def test_broken_manifest(tmp_path: Path, text: str) -> None:
    """A manifest that is none is refused with the command that makes one."""
    write(tmp_path)
    (tmp_path / PLAN_MANIFEST).write_text(text)
    with pytest.raises(PlanError, match=r"; build it here with `endface-build plan --runtime tensorrt"):
        open_plan(tmp_path, MACHINE, NETWORK)


@given(st.text())
def test_any_text_is_a_manifest_or_an_error(text: str) -> None:
    """Whatever is in the file, nothing but our own error comes out."""
    with pytest.raises(PlanError):
        PlanManifest.from_json(text)
