from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from endface.engines import catalog, tensorrt_library
from endface.engines.onnx_network import Network
from endface.engines.plan import PlanManifest
from endface.engines.tensorrt_library import Machine
from endface.engines.tensorrt_network import GpuNetwork
from endface.errors import ConfigurationError, EngineError, PlanError

Write = Callable[..., Path]

RTX: Final = "tensorrt_rtx"

STREAM = 77
"""The one stream that everything has to go through."""


class FakeCuda:
    """A CUDA runtime whose GPU is this machine's memory; work is done when somebody waits for it."""

    def __init__(self) -> None:
        self.memory: list[Any] = []
        self.queued: list[Callable[[], object]] = []
        self.cudaError_t = SimpleNamespace(cudaSuccess=0)
        self.cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)
        self.cudaGetErrorString = lambda _: (0, b"out of memory")
        self.cudaSetDevice = lambda _: (0,)
        self.cudaStreamCreate = lambda: (0, STREAM)
        self.cudaMalloc = self.cudaMallocHost = self._allocate
        self.cudaMemcpyAsync = self._copy
        self.cudaStreamSynchronize = self._wait

    def _allocate(self, size: int) -> tuple[int, int]:
        self.memory.append(ctypes.create_string_buffer(size))
        return 0, ctypes.addressof(self.memory[-1])

    def _copy(self, target: int, source: int, size: int, _kind: int, stream: int) -> tuple[int]:
        assert stream == STREAM
        self.queued.append(lambda: ctypes.memmove(target, source, size))
        return (0,)

    def _wait(self, stream: int) -> tuple[int]:
        assert stream == STREAM
        for work in self.queued:
            work()
        self.queued.clear()
        return (0,)


class FakeContext:
    """An execution context whose network labels each pixel with its gray level, and trusts it by the rest to 255."""

    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda = cuda
        self.addresses: dict[str, int] = {}
        self.shapes: list[tuple[int, ...]] = []
        self.runs = True
        self.set_tensor_address = self._bind
        self.set_input_shape = lambda _, shape: self.shapes.append(shape)
        self.execute_async_v3 = self._execute

    def _bind(self, name: str, address: int) -> None:
        assert name not in self.addresses  # once: a CUDA graph is recorded with its addresses
        self.addresses[name] = address

    def _execute(self, stream: int) -> bool:
        assert stream == STREAM
        size = int(np.prod(self.shapes[-1]))
        self.cuda.queued.append(lambda: self._label(size))
        return self.runs

    def _label(self, size: int) -> None:
        squares, labels, confidence = (
            np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(self.addresses[name]))
            for name in ("SQUARE", "LABELS", "CONFIDENCE")
        )
        labels[:] = squares
        confidence[:] = 255 - squares


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    """A CUDA runtime without a GPU."""
    fake = FakeCuda()
    monkeypatch.setitem(sys.modules, "cuda", ModuleType("cuda"))
    monkeypatch.setitem(sys.modules, "cuda.bindings", SimpleNamespace(runtime=fake))
    return fake


@pytest.fixture
def context(cuda: FakeCuda) -> FakeContext:
    """What runs the plan."""
    return FakeContext(cuda)


@pytest.fixture
def tensorrt(context: FakeContext, gpu: Machine, monkeypatch: pytest.MonkeyPatch) -> Any:
    """TensorRT for RTX, as far as serving a plan goes."""
    assert gpu.gpu
    module = SimpleNamespace(
        engine=SimpleNamespace(create_runtime_config=SimpleNamespace, create_execution_context=lambda _: context),
        CudaGraphStrategy=SimpleNamespace(WHOLE_GRAPH_CAPTURE="whole"),
        Logger=type("Logger", (), {"ERROR": 1, "__init__": lambda *_: None}),
        Runtime=lambda _: SimpleNamespace(deserialize_cuda_engine=lambda _: module.engine),
    )
    monkeypatch.setattr(tensorrt_library, "load", lambda _: module)
    return module


@pytest.fixture
def plan(tmp_path: Path, gpu: Machine, write_network: Write, write_plan: Callable[..., PlanManifest]) -> Path:
    """A plan for batches up to 4, beside its network."""
    network = write_network(tmp_path)
    write_plan(network, gpu, max_batch=4)
    return network.with_name("model.plan")


def squares(*levels: int) -> NDArray[np.uint8]:
    """One square of each gray level."""
    return np.array(levels, np.uint8)[:, None, None, None] * np.ones((1, 1, 512, 512), np.uint8)


@pytest.mark.usefixtures("tensorrt")
def test_every_square_gets_its_own_labels(plan: Path, cuda: FakeCuda, context: FakeContext) -> None:
    """In order, over several batches on buffers that are made once; a longer batch goes in parts."""
    network = GpuNetwork(plan, RTX)
    batches = [(1, 2, 3), (4,), (5, 6, 7, 8, 9, 10)]
    answers = [network.segment(squares(*levels)) for levels in batches]

    for levels, (labels, confidence) in zip(batches, answers, strict=True):
        assert labels.dtype == confidence.dtype == np.uint8
        assert np.array_equal(labels, squares(*levels)[:, 0])
        assert np.array_equal(confidence, 255 - squares(*levels)[:, 0])
    assert [shape[0] for shape in context.shapes] == [3, 1, 4, 2]
    assert [ctypes.sizeof(memory) for memory in cuda.memory] == [4 * 512 * 512] * 6  # three tensors on both sides


@pytest.mark.usefixtures("tensorrt")
def test_names_the_network_that_the_plan_was_made_from(plan: Path) -> None:
    """A report names the engine, and the file whose numbers are served."""
    info = GpuNetwork(plan, RTX).info

    assert info.engine == "tensorrt_rtx"
    assert info.sha256 == Network(plan.with_name("model.onnx")).info.sha256


def test_plan_that_the_gpu_refuses(plan: Path, tensorrt: Any) -> None:
    """TensorRT gives nothing where it cannot load a plan; the message says what to look at."""
    tensorrt.engine = None

    with pytest.raises(EngineError, match="tensorrt_rtx does not take the plan"):
        GpuNetwork(plan, RTX)


@pytest.mark.usefixtures("tensorrt")
def test_failing_gpu_is_named(plan: Path, cuda: FakeCuda, context: FakeContext) -> None:
    """Neither a call of CUDA that fails nor a run that does not start gives labels."""
    network = GpuNetwork(plan, RTX)
    copy, cuda.cudaMemcpyAsync = cuda.cudaMemcpyAsync, lambda *_: (2,)
    with pytest.raises(EngineError, match="failed at cudaMemcpyAsync: out of memory"):
        network.segment(squares(1))

    cuda.cudaMemcpyAsync = copy
    context.runs = False
    with pytest.raises(EngineError, match="did not run the network"):
        network.segment(squares(1))


@pytest.mark.usefixtures("tensorrt")
def test_plan_of_another_network_is_not_run(plan: Path, write_network: Write, tmp_path: Path) -> None:
    """The check is the stage's own, not only the command's."""
    other = write_network(tmp_path, version=2, tensors={"LABELS": "OTHERS"})
    for name in ("model.plan", "plan.json"):
        shutil.copy(plan.with_name(name), other.with_name(name))

    with pytest.raises(PlanError, match="another network"):
        GpuNetwork(other.with_name("model.plan"), RTX)


def test_cuda_itself_says_that_there_is_no_gpu(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nvidia-smi shows a GPU that this process may not use, CUDA's own words are passed on."""
    pytest.importorskip("cuda.bindings", reason="cuda-bindings is not installed: pip install '.[rtx]'")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    with pytest.raises(EngineError, match=r"the GPU failed at cuda\w+: .*nvidia-smi"):
        GpuNetwork(plan, RTX)


def test_missing_cuda_package_says_what_to_install(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra."""
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)

    with pytest.raises(ConfigurationError, match=r"pip install '\.\[rtx\]'"):
        GpuNetwork(plan, RTX)


@pytest.mark.gpu
def test_plan_agrees_with_onnx_runtime_on_the_gpu(repository: Path) -> None:
    """On a machine with a GPU and a plan: nearly every label of a drawn face is the one that ONNX Runtime gives."""
    folder = repository / "segment" / "1"
    try:
        catalog.check(folder.parent, catalog.named("tensorrt_rtx"))
    except (ConfigurationError, EngineError) as exc:
        pytest.skip(str(exc))
    face = np.fromfile(repository / "segment" / "warmup" / "square.raw", np.uint8).reshape(1, 1, 512, 512)
    batch = np.concatenate([face, face[..., ::-1], 255 - face])

    ours, _ = GpuNetwork(folder / "model.plan", RTX).segment(batch)
    theirs, _ = Network(folder / "model.onnx").segment(batch)

    assert (ours == theirs).mean() > 0.999
