"""The plan that TensorRT makes of a network, the manifest beside it, and whether both fit this machine.

A plan of TensorRT proper runs with the very version and the kind of GPU that built it; one of TensorRT for RTX with
the very version, on any GPU that this supports.  A plan is never committed: it is built where it runs.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from endface import files
from endface.engines import tensorrt_library
from endface.engines.tensorrt_library import RUNTIMES, Machine, Runtime
from endface.errors import EngineError, PlanError

PLAN_FILE: Final = "model.plan"
"""The plan, in the version's folder beside the network; Triton's own name for it."""

PLAN_MANIFEST: Final = "plan.json"
"""The plan's manifest, beside it."""

Precision = Literal["fp32", "fp16", "int8"]
"""What the network's convolutions compute in."""

PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)

NOT_VERIFIED: Final = "not verified on a device"

_MAX_BATCH_SIZE: Final = re.compile(r"^max_batch_size: *(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class OptimizationProfile:
    """Batch sizes of an optimization profile: the smallest, the one it is tuned for, the largest."""

    min: int
    opt: int
    max: int


@dataclass(frozen=True)
class Parity:
    """How a graph or an engine compares with the network in FP32 in ONNX Runtime on the CPU.

    Attributes:
        pictures: Golden pictures that were compared.
        labels_equal: Share of pixels with the same label.
        flips: Pictures whose verdict changed; a plan with any is refused.
    """

    pictures: int
    labels_equal: float
    flips: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlanManifest:
    """What a plan is, for whom it was built, and how it was proven.

    Attributes:
        runtime: The library that built it.
        runtime_version: Its version.
        gpu: The GPU's name; None where it was compiled without one.
        compute_capability: The GPU's architecture; None likewise.
        driver: The driver's version; None likewise.
        onnx_sha256: SHA-256 of the version's network, as its ``manifest.json`` gives it and as reports name it.
        plan_sha256: SHA-256 of the plan.
        precision: What its convolutions compute in, read from what was built.
        profiles: Its optimization profiles.
        build_s: Seconds that the build took.
        created: When, in ISO 8601.
        parity: The typed graph that was compiled, run in ONNX Runtime; None where it was not compared.
        device_parity: The engine itself, run on the GPU; None where there was none.
    """

    runtime: Runtime
    runtime_version: str
    gpu: str | None
    compute_capability: str | None
    driver: str | None
    onnx_sha256: str
    plan_sha256: str
    precision: Precision
    profiles: tuple[OptimizationProfile, ...]
    build_s: float
    created: str
    parity: Parity | None = None
    device_parity: Parity | None = None

    @property
    def verified(self) -> bool:
        """Whether the engine ran on a GPU and agreed there."""
        return self.device_parity is not None

    @property
    def verification(self) -> str:
        """How far the plan is proven, as a sentence."""
        if self.device_parity is None:
            return NOT_VERIFIED
        return f"verified on {self.gpu}: {self.device_parity.labels_equal:.4%} of the labels equal, no verdict flips"

    @property
    def max_batch(self) -> int:
        """The largest batch that one of its profiles takes."""
        return max(profile.max for profile in self.profiles)

    def to_json(self) -> str:
        """The manifest as JSON."""
        derived = {"verified": self.verified, "verification": self.verification}
        return json.dumps(asdict(self) | derived, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> PlanManifest:
        """The manifest of a JSON text.

        Raises:
            PlanError: It is not such a manifest.
        """
        try:
            values = json.loads(text)
            del values["verified"], values["verification"]
            values["profiles"] = tuple(OptimizationProfile(**profile) for profile in values["profiles"])
            for name in ("parity", "device_parity"):
                values[name] = _parity(values[name])
            manifest = cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise PlanError(f"The plan's manifest cannot be read ({exc}): build the plan anew.") from exc
        if manifest.runtime not in RUNTIMES or manifest.precision not in PRECISIONS or not manifest.profiles:
            raise PlanError("The plan's manifest names an unknown runtime or precision: build the plan anew.")
        return manifest

    @classmethod
    def load(cls, folder: Path) -> PlanManifest:
        """The manifest in a version's folder.

        Raises:
            PlanError: It is missing or broken.
        """
        path = folder / PLAN_MANIFEST
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError as exc:
            raise PlanError(f"There is no plan in {folder} ({PLAN_MANIFEST} is missing).") from exc
        except (OSError, UnicodeDecodeError) as exc:
            raise PlanError(f"{path} cannot be read ({exc}): build the plan anew.") from exc


def build_command(runtime: Runtime, manifest: PlanManifest | None = None, folder: Path | None = None) -> str:
    """The command that builds a plan for this machine.

    Args:
        runtime: The library that will run it.
        manifest: A plan whose precision and batch sizes it should have; None for the defaults.
        folder: The version's folder; None for the command's default.
    """
    parts = [f"endface-build plan --runtime {runtime}"]
    if manifest is not None:
        sizes = sorted({size for profile in manifest.profiles for size in (profile.min, profile.opt, profile.max)})
        parts.append(f"--precision {manifest.precision} --batch {','.join(map(str, sizes))}")
    if folder is not None:
        parts.append(f"--model {folder}")
    return " ".join(parts)


def check(manifest: PlanManifest, machine: Machine, onnx_sha256: str, folder: Path | None = None) -> None:
    """See that a plan is one for this machine and this network.

    Args:
        manifest: The plan's.
        machine: The machine that is to run it.
        onnx_sha256: SHA-256 of the network, as its manifest gives it.
        folder: The version's folder, for the command in the message; None for the command's default.

    Raises:
        PlanError: It is not; the sentence says why, and which command builds one that is.
    """
    reason = _mismatch(manifest, machine)
    if reason is None and manifest.onnx_sha256 != onnx_sha256:
        reason = f"it was made from another network ({manifest.onnx_sha256[:12]}, here is {onnx_sha256[:12]})"
    if reason is not None:
        command = build_command(machine.runtime, manifest, folder)
        raise PlanError(f"The plan does not fit: {reason}. Build it here with `{command}`.")


def open_plan(folder: Path, machine: Machine, onnx_sha256: str) -> PlanManifest:
    """The manifest of a plan that may be run: it fits the machine and the network, and its file is whole.

    Args:
        folder: The version's folder, with network, plan and both manifests.
        machine: The machine that is to run it.
        onnx_sha256: SHA-256 of the network, as its manifest gives it.

    Raises:
        PlanError: There is no such plan; the sentence says which command builds it.
    """
    command = build_command(machine.runtime, folder=folder)
    try:
        manifest = PlanManifest.load(folder)
    except PlanError as exc:
        raise PlanError(f"{exc} Build it here with `{command}`.") from exc
    check(manifest, machine, onnx_sha256, folder)
    try:
        content = (folder / PLAN_FILE).read_bytes()
    except OSError as exc:
        raise PlanError(f"The plan {folder / PLAN_FILE} is missing. Build it here with `{command}`.") from exc
    if files.sha256(content) != manifest.plan_sha256:
        raise PlanError(
            f"{folder / PLAN_FILE} is not the plan that its manifest describes. Build it here with `{command}`."
        )
    return manifest


def open_here(folder: Path, runtime: Runtime, onnx_sha256: str) -> PlanManifest:
    """The manifest of a version's plan, once it is sure that the plan runs on this machine.

    Args:
        folder: The version's folder.
        runtime: What is to run it.
        onnx_sha256: SHA-256 of the network, as its manifest gives it.

    Raises:
        ConfigurationError: The runtime is not installed.
        EngineError: The machine has no GPU.
        PlanError: There is no plan for this machine and this network.
    """
    tensorrt_library.load(runtime)  # its own sentence says how to install what is missing
    machine = Machine.here(runtime)
    if machine.gpu is None:
        raise EngineError(
            f"the engine {runtime} needs an NVIDIA GPU, and `nvidia-smi` lists none here; "
            "let this machine or container see one"
        )
    return open_plan(folder, machine, onnx_sha256)


def check_batches(manifest: PlanManifest, folder: Path, config: Path) -> None:
    """Whether the plan's first profile, which is the one that is used, takes every batch that Triton hands over.

    Args:
        manifest: The plan's.
        folder: The version's folder.
        config: Triton's configuration for the engine; without ``max_batch_size`` it hands over single squares.

    Raises:
        PlanError: It does not; the sentence says which command builds one that does.
    """
    found = _MAX_BATCH_SIZE.search(config.read_text(encoding="utf-8"))
    wanted, batches = int(found[1]) if found else 1, manifest.profiles[0]
    if batches.min > 1 or batches.max < wanted:
        command = build_command(manifest.runtime, folder=folder)
        raise PlanError(
            f"the plan in {folder} takes batches of {batches.min} to {batches.max}, the server needs 1 to {wanted}; "
            f"build it anew with `{command} --precision {manifest.precision} --batch 1,8,{wanted}`"
        )


def _mismatch(manifest: PlanManifest, machine: Machine) -> str | None:
    """The first reason why a plan cannot run here."""
    if manifest.runtime != machine.runtime:
        return f"it was built by {manifest.runtime}, this server runs {machine.runtime}"
    if machine.runtime_version is None:
        return f"{machine.runtime} is not installed here"
    if manifest.runtime_version != machine.runtime_version:
        return f"it was built by {manifest.runtime} {manifest.runtime_version}, here is {machine.runtime_version}"
    if machine.gpu is None:
        return "no NVIDIA GPU is visible here (`nvidia-smi` lists none)"
    # A plan of TensorRT proper is tuned for one kind of card; one for RTX is compiled on the card when it is loaded.
    if manifest.runtime == "tensorrt" and (manifest.gpu, manifest.compute_capability) != (
        machine.gpu,
        machine.compute_capability,
    ):
        return (
            f"it was built on {manifest.gpu} (compute capability {manifest.compute_capability}), here is {machine.gpu} "
            f"({machine.compute_capability})"
        )
    return None


def _parity(values: Any) -> Parity | None:
    if values is None:
        return None
    return Parity(int(values["pictures"]), float(values["labels_equal"]), tuple(values["flips"]))
