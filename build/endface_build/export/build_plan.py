"""ONNX to a TensorRT plan beside the network, with its manifest: typed, compared, compiled, inspected, then written.

model.onnx -> typed graph -> golden pictures in ONNX Runtime -> engine, inspected -> golden pictures on the GPU, if
there is one -> model.plan and plan.json
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.typing import NDArray

from endface.engines.onnx_network import SegmentSquares, open_graph
from endface.engines.plan import PLAN_FILE, PLAN_MANIFEST, OptimizationProfile, Parity, PlanManifest, Precision
from endface.engines.tensorrt_library import Machine, Runtime
from endface.errors import PlanError
from endface.files import sha256, write_together
from endface_build.evaluation.agreement import compare
from endface_build.evaluation.golden import Golden, drawn
from endface_build.export import verify_on_gpu
from endface_build.export.compile_plan import compile_graph
from endface_build.export.half_rounding import rounded
from endface_build.export.quantize import source_of
from endface_build.export.typed_graph import typed
from endface_build.manifest import read_manifest

BATCHES = (1, 8, 32)
"""Smallest, usual and largest batch of a plan unless others are asked for."""


def build_plan(  # noqa: PLR0913 - each is a choice of its own, and all but the first three have a default
    folder: Path,
    runtime: Runtime,
    precision: Precision,
    *,
    batches: Sequence[int] = BATCHES,
    out: Path | None = None,
    golden: Iterable[Golden] | None = None,
    calibration: Sequence[NDArray[np.uint8]] | None = None,
    machine: Machine | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> PlanManifest:
    """Compile a version's network for a runtime, prove it, and write the plan with its manifest.

    Args:
        folder: The version's folder: ``model.onnx`` and ``manifest.json``.
        runtime: The library that will run the plan; TensorRT proper builds on the GPU that will.
        precision: What the convolutions shall compute in.
        batches: Smallest, usual and largest batch; fewer where some are the same.
        out: Where plan and manifest go; None for the version's folder, where a server looks for them.
        golden: Pictures whose verdict must not change; None for the drawn ones.
        calibration: Squares, uint8 (512, 512), that fix the ranges of INT8; None for the usual ones.
        machine: What it is built on; None for this machine.
        progress: Called with each step's name as it begins.

    Returns:
        The manifest.

    Raises:
        ConfigurationError: The folder holds no network, or the runtime is not installed.
        PlanError: The plan cannot be built here, is not in the precision asked for, changes a verdict, or cannot be
            written.  Whatever was there before is untouched.
    """
    profile = profile_of(batches)
    version = read_manifest(folder)
    source = source_of(folder, version)
    machine = Machine.here(runtime) if machine is None else machine
    _require_gpu(machine)
    pictures = list(drawn() if golden is None else golden)
    progress(f"typing the network to {precision}")
    model = typed(source, precision, calibration)
    progress("comparing with FP32 on golden pictures")
    reference = open_graph(source)
    graph_parity = _prove(reference, model, pictures, precision)
    progress(f"compiling with {runtime}")
    plan, manifest = _compile(model, machine, precision, profile, version["sha256"])
    manifest = replace(manifest, parity=graph_parity)
    if machine.gpu is not None:
        progress(f"comparing on {machine.gpu}")
        manifest = verify_on_gpu.verify(manifest, plan, folder, reference, pictures)
    write_plan(folder if out is None else out, plan, manifest)
    return manifest


def profile_of(batches: Sequence[int]) -> OptimizationProfile:
    """The optimization profile of up to three batch sizes: smallest, usual, largest.

    Raises:
        PlanError: There are none or more, or one is no batch.
    """
    sizes = sorted(set(batches))
    if not 1 <= len(sizes) <= 3 or sizes[0] < 1:
        raise PlanError("A plan takes up to three batch sizes, smallest, usual and largest: say, --batch 1,8,32.")
    return OptimizationProfile(sizes[0], sizes[len(sizes) // 2], sizes[-1])


def write_plan(folder: Path, plan: bytes, manifest: PlanManifest) -> None:
    """Put a plan and its manifest into a folder.

    A full disk leaves what was there; a crash leaves at worst a plan that is not the manifest's, which no server runs.

    Raises:
        PlanError: They cannot be written.
    """
    try:
        write_together({folder / PLAN_FILE: plan, folder / PLAN_MANIFEST: manifest.to_json().encode()})
    except OSError as exc:
        raise PlanError(
            f"The plan cannot be written into {folder}: {exc.strerror}. What was there before is untouched: make room "
            "or name another folder."
        ) from exc


def _require_gpu(machine: Machine) -> None:
    """Refuse a machine on which the runtime cannot build."""
    if machine.runtime == "tensorrt" and machine.gpu is None:
        raise PlanError(
            "TensorRT builds a plan on the GPU that will run it, and `nvidia-smi` lists none here. Build on that "
            "machine; or take --runtime tensorrt_rtx, which compiles without a GPU; or serve the network as it is, "
            "with `endface serve --engine onnxruntime`."
        )


def _compile(
    model: onnx.ModelProto, machine: Machine, precision: Precision, profile: OptimizationProfile, onnx_sha256: str
) -> tuple[bytes, PlanManifest]:
    """A plan of the typed graph, and its manifest."""
    started = time.monotonic()
    plan = compile_graph(machine.runtime, model, precision, [profile])
    return plan, PlanManifest(
        runtime=machine.runtime,
        runtime_version=machine.runtime_version or "",
        gpu=machine.gpu,
        compute_capability=machine.compute_capability,
        driver=machine.driver,
        onnx_sha256=onnx_sha256,
        plan_sha256=sha256(plan),
        precision=precision,
        profiles=(profile,),
        build_s=round(time.monotonic() - started, 2),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _prove(reference: SegmentSquares, model: onnx.ModelProto, golden: Sequence[Golden], precision: Precision) -> Parity:
    """Compare the typed graph in ONNX Runtime with the network in float."""
    with TemporaryDirectory() as aside:
        path = Path(aside) / f"{precision}.onnx"
        onnx.save_model(rounded(model), path)
        found = compare(reference, open_graph(path), golden)
    found.refuse_flips(f"The network in {precision}")
    return found.parity
