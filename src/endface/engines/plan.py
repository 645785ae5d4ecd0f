"""The plan that TensorRT makes of a network, the manifest beside it, and whether both fit this machine.

A plan of TensorRT proper runs with the very version and the kind of GPU that built it; one of TensorRT for RTX with
the very version, on any GPU that this supports.  A plan is never committed: it is built where it runs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from endface import files
from endface.engines.tensorrt_library import RUNTIMES, Machine, Runtime
from endface.errors import PlanError

PLAN_FILE: Final = "model.plan"
"""The plan, in the version's folder beside the network; Triton's own name for it."""

PLAN_MANIFEST: Final = "plan.json"
"""The plan's manifest, beside it."""

Precision = Literal["fp32", "fp16", "int8"]
"""What the network's convolutions compute in."""

PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)

NOT_VERIFIED: Final = "not verified on a device"


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
        pictures: golden pictures that were compared.
        labels_equal: share of pixels with the same label.
        flips: pictures whose verdict changed; a plan with any is refused.
    """

    pictures: int
    labels_equal: float
    flips: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlanManifest:
    """Manifest of a plan: what it computes, the machine that it was built for, and how it was verified.

    Attributes:
        runtime: the library that built it.
        runtime_version: its version.
        gpu: the GPU's name; None where it was compiled without one.
        compute_capability: the GPU's architecture; None likewise.
        driver: the driver's version; None likewise.
        onnx_sha256: SHA-256 of the version's network, as its ``manifest.json`` gives it and as reports name it.
        plan_sha256: SHA-256 of the plan.
        precision: what its convolutions compute in, read from what was built.
        profiles: its optimization profiles.
        build_s: seconds that the build took.
        created: when, in ISO 8601.
        parity: the typed graph that was compiled, run in ONNX Runtime; None where it was not compared.
        device_parity: the engine itself, run on the GPU; None where there was none.
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
        """How the plan was verified, as a sentence."""
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
            PlanError: it is not such a manifest.
        """
        try:
            values = json.loads(text)
            del values["verified"], values["verification"]
            values["profiles"] = tuple(OptimizationProfile(**profile) for profile in values["profiles"])
            for name in ("parity", "device_parity"):
                values[name] = _parity(values[name])
            manifest = cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise PlanError(f"the plan's manifest cannot be read ({exc})") from exc
        if manifest.runtime not in RUNTIMES or manifest.precision not in PRECISIONS or not manifest.profiles:
            raise PlanError("the plan's manifest names an unknown runtime or precision")
        return manifest

    @classmethod
    def load(cls, folder: Path) -> PlanManifest:
        """The manifest in a version's folder.

        Raises:
            PlanError: it is missing or broken.
        """
        path = folder / PLAN_MANIFEST
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError as exc:
            raise PlanError(f"there is no plan in {folder} ({PLAN_MANIFEST} is missing)") from exc
        except (OSError, UnicodeDecodeError) as exc:
            raise PlanError(f"{path} cannot be read ({exc})") from exc


def build_command(runtime: Runtime, manifest: PlanManifest | None = None, folder: Path | None = None) -> str:
    """The command that builds a plan for this machine.

    Args:
        runtime: the library that will run it.
        manifest: a plan whose precision and batch sizes it should have; None for the defaults.
        folder: the version's folder; None for the command's default.
    """
    parts = [f"endface-build plan --runtime {runtime}"]
    if manifest is not None:
        sizes = sorted({size for profile in manifest.profiles for size in (profile.min, profile.opt, profile.max)})
        parts.append(f"--precision {manifest.precision} --batch {','.join(map(str, sizes))}")
    if folder is not None:
        parts.append(f"--model {folder}")
    return " ".join(parts)


def check(manifest: PlanManifest, machine: Machine, onnx_sha256: str, folder: Path | None = None) -> None:
    """Refuse a plan that was not built for this machine and this network.

    Args:
        manifest: the plan's.
        machine: the machine that is to run it.
        onnx_sha256: SHA-256 of the network, as its manifest gives it.
        folder: the version's folder, for the command in the message; None for the command's default.

    Raises:
        PlanError: it is not; the sentence says why, and which command builds one that is.
    """
    reason = _mismatch(manifest, machine)
    if reason is None and manifest.onnx_sha256 != onnx_sha256:
        reason = f"it was made from another network ({manifest.onnx_sha256[:12]}, here is {onnx_sha256[:12]})"
    if reason is not None:
        command = build_command(machine.runtime, manifest, folder)
        raise PlanError(f"the plan does not fit: {reason}; build it here with `{command}`")


def open_plan(folder: Path, machine: Machine, onnx_sha256: str) -> PlanManifest:
    """The manifest of a plan that fits the machine and the network and whose file is whole.

    Args:
        folder: the version's folder, with network, plan and both manifests.
        machine: the machine that is to run it.
        onnx_sha256: SHA-256 of the network, as its manifest gives it.

    Raises:
        PlanError: there is no such plan; the sentence says which command builds it.
    """
    command = build_command(machine.runtime, folder=folder)
    try:
        manifest = PlanManifest.load(folder)
    except PlanError as exc:
        raise PlanError(f"{exc}; build it here with `{command}`") from exc
    check(manifest, machine, onnx_sha256, folder)
    try:
        content = (folder / PLAN_FILE).read_bytes()
    except OSError as exc:
        raise PlanError(f"the plan {folder / PLAN_FILE} is missing; build it here with `{command}`") from exc
    if files.sha256(content) != manifest.plan_sha256:
        raise PlanError(
            f"{folder / PLAN_FILE} is not the plan that its manifest describes; build it here with `{command}`"
        )
    return manifest


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
