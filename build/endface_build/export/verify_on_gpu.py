"""Test of a new plan on this machine's GPU: it must run, and judge as the network in float does."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from endface.engines.onnx_network import SegmentSquares
from endface.engines.plan import PLAN_FILE, PLAN_MANIFEST, PlanManifest
from endface.engines.tensorrt_network import GpuNetwork
from endface_build.evaluation.agreement import compare
from endface_build.evaluation.golden import Golden
from endface_build.manifest import MANIFEST_FILE


def verify(
    manifest: PlanManifest, plan: bytes, folder: Path, reference: SegmentSquares, golden: Iterable[Golden]
) -> PlanManifest:
    """Run a plan as the server would, before it is written where a server looks for it.

    Args:
        manifest: The plan's.
        plan: The serialized engine.
        folder: The version's folder.
        reference: The network in float, in ONNX Runtime on the CPU.
        golden: Pictures whose verdict must not change.

    Returns:
        The manifest with what was found.

    Raises:
        EngineError: The GPU does not run the plan.
        PlanError: A verdict changed.
    """
    with TemporaryDirectory() as aside:
        for name, content in ((PLAN_FILE, plan), (PLAN_MANIFEST, manifest.to_json().encode())):
            (Path(aside) / name).write_bytes(content)
        shutil.copyfile(folder / MANIFEST_FILE, Path(aside) / MANIFEST_FILE)
        found = compare(reference, GpuNetwork(Path(aside) / PLAN_FILE, manifest.runtime).segment, golden)
    found.refuse_flips(f"The plan on {manifest.gpu}")
    return replace(manifest, device_parity=found.parity)
