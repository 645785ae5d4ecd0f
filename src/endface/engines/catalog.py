"""The engines of ``segment``: what each one needs of Triton and of this machine, and whether that is here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from endface.engines import onnx_network, plan, tensorrt_library
from endface.engines.machine import Machine
from endface.engines.onnx_network import ONNXRUNTIME
from endface.engines.tensorrt_library import Runtime
from endface.errors import EngineError, PlanError

PYTHON: Final = "python"
"""Triton's backend for models in Python, which every tritonserver of ours has."""

ANYWHERE: Final = f"or choose --engine {ONNXRUNTIME}, which runs anywhere"
"""The end of a sentence about an engine that does not run here."""

_MAX_BATCH_SIZE: Final = re.compile(r"^max_batch_size: *(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Engine:
    """A way to run the network.

    Attributes:
        name: Its name, which is that of Triton's configuration, too: ``configs/<name>.pbtxt``.
        backend: Triton's backend that it needs.
        runtime: What built the plan that it runs; None where it runs the ONNX file itself.
    """

    name: str
    backend: str
    runtime: Runtime | None = None


ENGINES: Final = (
    Engine(ONNXRUNTIME, PYTHON),
    Engine("onnxruntime_native", "onnxruntime"),
    Engine("tensorrt", "tensorrt", "tensorrt"),
    Engine("tensorrt_rtx", PYTHON, "tensorrt_rtx"),
)
"""All of them, the default one first."""


def named(name: str) -> Engine:
    """The engine of that name.

    Raises:
        EngineError: there is none.
    """
    for engine in ENGINES:
        if engine.name == name:
            return engine
    raise EngineError(f"there is no engine {name!r}; choose one of {', '.join(engine.name for engine in ENGINES)}")


def check(directory: Path, engine: Engine) -> None:
    """See that an engine can run the newest version of the network on this machine, as far as plans go.

    The network itself is verified as it is loaded.

    Args:
        directory: the model's folder in the repository, with its numbered versions.
        engine: the engine.

    Raises:
        ConfigurationError: no version is there, its manifest cannot be read, or the runtime is not installed.
        EngineError: the machine has no GPU, which the engine needs.
        PlanError: there is no plan for this machine and this network; the sentence says how to build it.
    """
    if engine.runtime is not None:
        folder = directory / str(onnx_network.newest_version(directory))
        manifest = open_plan(folder, engine.runtime, onnx_network.identify(folder, engine.name).sha256)
        _check_batch(manifest, folder, _max_batch_size(directory / "configs" / f"{engine.name}.pbtxt"))


def open_plan(folder: Path, runtime: Runtime, onnx_sha256: str) -> plan.PlanManifest:
    """The manifest of a version's plan, once it is sure that the plan runs on this machine.

    Args:
        folder: the version's folder.
        runtime: what is to run it.
        onnx_sha256: SHA-256 of the network, as its manifest gives it.

    Raises:
        ConfigurationError: the runtime is not installed.
        EngineError: the machine has no GPU.
        PlanError: there is no plan for this machine and this network.
    """
    tensorrt_library.load(runtime)  # its own sentence says how to install what is missing
    machine = Machine.here(runtime)
    if machine.gpu is None:
        raise EngineError(
            f"the engine {runtime} needs an NVIDIA GPU, and `nvidia-smi` lists none here; "
            f"let this machine or container see one, {ANYWHERE}"
        )
    return plan.open_plan(folder, machine, onnx_sha256)


def _check_batch(manifest: plan.PlanManifest, folder: Path, wanted: int) -> None:
    """See that the plan's first profile, which is the one that is used, takes every batch that Triton hands over."""
    batches = manifest.profiles[0]
    if batches.min > 1 or batches.max < wanted:
        command = plan.build_command(manifest.runtime, folder=folder)
        raise PlanError(
            f"the plan in {folder} takes batches of {batches.min} to {batches.max}, the server needs 1 to {wanted}; "
            f"build it anew with `{command} --precision {manifest.precision} --batch 1,8,{wanted}`"
        )


def _max_batch_size(config: Path) -> int:
    """The largest batch that Triton hands over; without such a line it hands over single squares."""
    found = _MAX_BATCH_SIZE.search(config.read_text(encoding="utf-8"))
    return int(found[1]) if found else 1
