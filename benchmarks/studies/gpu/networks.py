"""The network in everything that may run it on a GPU: ONNX Runtime's CUDA provider, TensorRT for RTX, torch.compile.

Each takes and gives arrays on the host, as a stage of the server does, so copies to the card and back are counted.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from endface import contract
from endface.engines.onnx_network import SegmentSquares
from endface.engines.plan import PLAN_FILE, PRECISIONS, Precision
from endface.engines.tensorrt_library import Machine
from endface.engines.tensorrt_network import GpuNetwork
from endface.errors import EngineError
from endface_build.evaluation.golden import Golden
from endface_build.export.build_plan import build_plan
from endface_build.export.quantize import source_of
from endface_build.export.typed_graph import typed
from endface_build.manifest import MANIFEST_FILE, read_manifest
from endface_build.training.network import SegmentationNetwork, SegmentGraph

Device = Literal["cuda", "cpu"]
Runtime = Literal["onnxruntime", "tensorrt_rtx", "torch.compile"]

_PROVIDERS: Final[dict[Device, str]] = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}
_COMPILERS: Final[dict[Device, str]] = {"cuda": "inductor", "cpu": "eager"}
"""On a CPU nothing is compared, and compiling would only take minutes."""

_HALVES: Final[dict[Device, torch.dtype]] = {"cuda": torch.float16, "cpu": torch.bfloat16}
"""PyTorch has half precision for a CPU in name only: a square takes ten seconds."""


@dataclass(frozen=True)
class Source:
    """What every contender is made from.

    Attributes:
        folder: a version's folder: the network, its file in float, and its manifest.
        aside: where graphs and plans may be written.
        device: where it runs.
        golden: pictures whose verdicts a plan must not change.
        calibration: squares that fix the ranges of INT8; None for the usual ones.
    """

    folder: Path
    aside: Path
    device: Device = "cuda"
    golden: Sequence[Golden] = field(default_factory=tuple)
    calibration: Sequence[NDArray[np.uint8]] | None = None

    @property
    def in_float(self) -> Path:
        """The network in float."""
        return source_of(self.folder, read_manifest(self.folder))


def contenders() -> Iterator[tuple[Runtime, Precision]]:
    """Each runtime in each precision that it takes; torch.compile quantizes nothing."""
    for precision in PRECISIONS:
        yield "tensorrt_rtx", precision
        yield "onnxruntime", precision
        if precision != "int8":
            yield "torch.compile", precision


def open_contender(source: Source, runtime: Runtime, precision: Precision) -> SegmentSquares:
    """The network in a runtime, ready to run.

    Raises:
        EndfaceError: the runtime is missing, refuses the network, or finds no GPU.
    """
    if runtime == "tensorrt_rtx":
        return _plan(source, precision)
    return _onnx(source, precision) if runtime == "onnxruntime" else _compiled(source, precision)


def build(source: Source, precision: Precision, folder: Path, out: Path | None = None) -> None:
    """Build a version's plan for the card here; into ``out`` if that is not the version's folder.

    Raises:
        EngineError: there is no card.
        PlanError: the plan cannot be built, or changes a verdict.
    """
    if Machine.here("tensorrt_rtx").gpu is None:  # a plan compiles without one, but nothing here would run it
        raise EngineError("a plan needs an NVIDIA GPU, and `nvidia-smi` lists none here")
    build_plan(folder, "tensorrt_rtx", precision, golden=source.golden, calibration=source.calibration, out=out)


def _onnx(source: Source, precision: Precision) -> SegmentSquares:
    provider = _PROVIDERS[source.device]
    if provider not in onnxruntime.get_available_providers():
        raise EngineError(f"this ONNX Runtime has no {provider}; install onnxruntime-gpu")
    graph = typed(source.in_float, precision, source.calibration).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=[provider])
    if session.get_providers()[0] != provider:  # it falls back to the CPU with no more than a line in the log
        raise EngineError(f"ONNX Runtime does not run the network on {provider}; the lines above say why")

    def segment(squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        names = [contract.LABELS.name, contract.CONFIDENCE.name]
        labels, confidence = session.run(names, {contract.SQUARE.name: squares})
        return labels, confidence

    return segment


def _plan(source: Source, precision: Precision) -> SegmentSquares:
    out = source.aside / precision
    out.mkdir(exist_ok=True)
    build(source, precision, source.folder, out)
    shutil.copyfile(source.folder / MANIFEST_FILE, out / MANIFEST_FILE)
    return GpuNetwork(out / PLAN_FILE, "tensorrt_rtx").segment


def _compiled(source: Source, precision: Precision) -> SegmentSquares:
    device = torch.device(source.device)
    module: Any = torch.compile(_torch_graph(source.in_float).to(device), backend=_COMPILERS[source.device])

    def segment(squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        half = torch.autocast(device.type, _HALVES[source.device], enabled=precision == "fp16")
        with torch.inference_mode(), half:
            labels, confidence = module(torch.from_numpy(squares).to(device))
        return labels.cpu().numpy(), confidence.cpu().numpy()

    return segment


def _torch_graph(path: Path) -> SegmentGraph:
    """The exported network in PyTorch again; its batch normalizations, which the export folded, only add the bias."""
    tensors = {each.name: each for each in onnx.load(path).graph.initializer}
    arrays = {
        name: torch.from_numpy(numpy_helper.to_array(each).copy())
        for name, each in tensors.items()
        if name.startswith("network.")
    }
    levels = sum(name.startswith("network.downs.") and name.endswith(".0.0.weight") for name in arrays)
    widths = [len(arrays[f"network.{name}.weight"]) for name in ("stem.0", *(f"downs.{i}.0.0" for i in range(levels)))]
    graph = SegmentGraph(SegmentationNetwork(tuple(widths))).eval()
    state = graph.state_dict()
    for name in state:
        if name in arrays:
            state[name] = arrays.pop(name)
    for module_name, module in graph.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            place, _, number = module_name.rpartition(".")
            state[f"{module_name}.running_mean"] = torch.zeros(module.num_features)
            state[f"{module_name}.running_var"] = torch.full((module.num_features,), 1 - module.eps)
            state[f"{module_name}.weight"] = torch.ones(module.num_features)
            state[f"{module_name}.bias"] = arrays.pop(f"{place}.{int(number) - 1}.weight_bias")
    if arrays:
        raise EngineError(
            f"the network {path} has weights that PyTorch's has no place for: {', '.join(sorted(arrays))}"
        )
    graph.load_state_dict(state)
    return graph
