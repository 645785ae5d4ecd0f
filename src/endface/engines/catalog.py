"""The table of engines: the file that each one runs, and the backend and library that it needs.

    1/model.onnx           the network as Triton serves it; ONNX Runtime
    1/model.plan           what TensorRT makes of it on a machine
    1/opencv/model.onnx    its convolutions alone; OpenCV
    1/litert/model.tflite  its convolutions in eight bits; LiteRT

Those of OpenCV and LiteRT are made from the version's network in float, and their manifests say from which, so that
they are not taken for another one's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from endface.engines import plan, tensorrt_library
from endface.engines.manifest import (
    MADE_FROM,
    MODEL_FILE,
    float_sha256,
    identify,
    newest_folder,
    read_manifest,
)
from endface.engines.onnx_properties import check_contract
from endface.engines.tensorrt_library import Machine, Runtime
from endface.errors import ConfigurationError, EngineError, PlanError

PYTHON: Final = "python"
"""Triton's backend for models in Python, which every tritonserver of ours has."""

ONNXRUNTIME: Final = "onnxruntime"
"""Name of the engine that runs anywhere: ONNX Runtime on the CPU."""

OPENCV: Final = "opencv"
"""Name of the engine that is OpenCV's own module for networks."""

LITERT: Final = "litert"
"""Name of the engine for inspection hardware with little memory."""

ANYWHERE: Final = f"or choose --engine {ONNXRUNTIME}, which runs anywhere"
"""The end of a sentence about an engine that does not run here."""

_MAX_BATCH_SIZE: Final = re.compile(r"^max_batch_size: *(\d+)", re.MULTILINE)
"""Largest batch that Triton hands over; without such a line it hands over single squares."""


@dataclass(frozen=True)
class Engine:
    """A way to run the network.

    Attributes:
        name: its name; of a served engine also that of Triton's configuration: ``configs/<name>.pbtxt``.
        file: what it runs, in the folder of a version.
        backend: Triton's backend that it needs; empty where no server runs it.
        runtime: the library that built the plan that it runs; None where it runs a network's own file.
        format: what ``endface-build export --format`` calls its file; empty for the others.
    """

    name: str
    file: str = MODEL_FILE
    backend: str = ""
    runtime: Runtime | None = None
    format: str = ""


ENGINES: Final = (
    Engine(ONNXRUNTIME, backend=PYTHON),
    Engine("onnxruntime_native", backend="onnxruntime"),
    Engine("tensorrt", plan.PLAN_FILE, "tensorrt", "tensorrt"),
    Engine("tensorrt_rtx", plan.PLAN_FILE, PYTHON, "tensorrt_rtx"),
    Engine(OPENCV, "opencv/model.onnx", format="opencv"),
    Engine(LITERT, "litert/model.tflite", format="tflite"),
)
"""All of them, the default one first."""

SERVED: Final = tuple(engine for engine in ENGINES if engine.backend)
"""Those of a server."""

VARIANTS: Final = tuple(engine for engine in ENGINES if engine.format)
"""Those with a file of their own, which is made from a version's network."""

OFFLINE: Final = (ONNXRUNTIME, *(engine.name for engine in VARIANTS))
"""Names of those that run without a server."""


def named(name: str, among: tuple[Engine, ...] = SERVED) -> Engine:
    """The engine of that name.

    Raises:
        EngineError: there is none.
    """
    for engine in among:
        if engine.name == name:
            return engine
    raise EngineError(f"there is no engine {name!r}; choose one of {', '.join(engine.name for engine in among)}")


def network_file(version: Path, engine: str) -> Path:
    """The file that an engine runs.

    Args:
        version: folder of a version of the network.
        engine: name of the engine.

    Raises:
        EngineError: there is no such engine.
        ConfigurationError: there is no file for a variant, it was made from another network, or a manifest cannot be
            read.
    """
    entry = named(engine, ENGINES)
    path = version / entry.file
    if not entry.format:
        return path
    command = f"make it with `endface-build export --format {entry.format} --model {version}`"
    if not path.is_file():
        raise ConfigurationError(f"there is no {path}, which the engine {engine} runs; {command}")
    if read_manifest(path.parent).get(MADE_FROM) != float_sha256(read_manifest(version)):
        raise ConfigurationError(f"{path} was made from another network than the one in {version}; {command}")
    return path


def check(directory: Path, engine: Engine) -> None:
    """Refuse a newest version of the network that speaks another contract, or whose plan cannot run on this machine.

    The network itself is verified as it is loaded; some engines load it without looking at its contract.

    Args:
        directory: the model's folder in the repository, with its numbered versions.
        engine: the engine.

    Raises:
        ConfigurationError: no version is there, its manifest cannot be read, it speaks another contract, or the
            runtime is not installed.
        EngineError: the machine has no GPU, which the engine needs.
        PlanError: there is no plan for this machine and this network; the sentence says how to build it.
    """
    folder = newest_folder(directory)
    network = folder / MODEL_FILE
    if network.is_file():
        check_contract(network, network.read_bytes())
    if engine.runtime is None:
        return
    manifest = open_plan_here(folder, engine.runtime, identify(folder, engine.name).sha256)
    found = _MAX_BATCH_SIZE.search((directory / "configs" / f"{engine.name}.pbtxt").read_text(encoding="utf-8"))
    wanted, batches = int(found[1]) if found else 1, manifest.profiles[0]  # the first profile is the one that is used
    if batches.min > 1 or batches.max < wanted:
        command = plan.build_command(manifest.runtime, folder=folder)
        raise PlanError(
            f"the plan in {folder} takes batches of {batches.min} to {batches.max}, the server needs 1 to {wanted}; "
            f"build it anew with `{command} --precision {manifest.precision} --batch 1,8,{wanted}`"
        )


def open_plan_here(folder: Path, runtime: Runtime, onnx_sha256: str) -> plan.PlanManifest:
    """The manifest of a version's plan that runs on this machine.

    Args:
        folder: the version's folder.
        runtime: what is to run the plan.
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
