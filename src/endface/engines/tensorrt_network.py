"""The segmentation network as a plan on one GPU, in TensorRT for RTX or in TensorRT.

Engine, context and buffers are made once.  Bytes go through pinned memory, which the GPU reads and writes by itself,
and every batch uses the same addresses: that is what lets TensorRT for RTX replay its kernels as one CUDA graph.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from endface import contract
from endface.engines import catalog, tensorrt_library
from endface.engines.manifest import identify
from endface.engines.tensorrt_library import Runtime
from endface.errors import ConfigurationError, EngineError
from endface.report import ModelInfo


class GpuNetwork:
    """A network's plan on a GPU.

    One thread at a time: the buffers are shared by all batches.

    Args:
        path: the plan; its manifest and the network's lie beside it.
        runtime: what is to run it; also the engine's name in the reports.
        device: number of the GPU.

    Raises:
        ConfigurationError: the plan does not fit this machine or the network, or a package is missing.
        EngineError: there is no GPU, or it cannot run the plan.
    """

    def __init__(self, path: Path, runtime: Runtime, *, device: int = 0) -> None:
        self.info: Final[ModelInfo] = identify(path.parent, runtime)
        manifest = catalog.open_plan_here(path.parent, runtime, self.info.sha256)
        self._cuda = _Cuda(device)
        self._max_batch = manifest.max_batch
        self._engine, self._context = _context(path, runtime)
        self._squares = self._buffer(contract.SQUARE)
        self._labels = self._buffer(contract.LABELS)
        self._confidence = self._buffer(contract.CONFIDENCE)

    def segment(self, squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Label every pixel, as ``Segmenter.segment`` says; a batch above the plan's largest goes in parts.

        Raises:
            EngineError: the GPU failed.
        """
        labels = np.empty((len(squares), *contract.LABELS.dims), np.uint8)
        confidence = np.empty_like(labels)
        for start in range(0, len(squares), self._max_batch):
            part = slice(start, start + self._max_batch)
            self._run(squares[part], labels[part], confidence[part])
        return labels, confidence

    def _run(self, squares: NDArray[np.uint8], labels: NDArray[np.uint8], confidence: NDArray[np.uint8]) -> None:
        count = len(squares)
        self._squares.host[:count] = squares
        self._cuda.upload(self._squares, count)
        self._context.set_input_shape(contract.SQUARE.name, squares.shape)
        if not self._context.execute_async_v3(self._cuda.stream):
            raise EngineError("TensorRT did not run the network; the lines above in the log say why")
        self._cuda.download(self._labels, count)
        self._cuda.download(self._confidence, count)
        self._cuda.wait()
        labels[:] = self._labels.host[:count]
        confidence[:] = self._confidence.host[:count]

    def _buffer(self, spec: contract.TensorSpec) -> _Buffer:
        buffer = self._cuda.buffer((self._max_batch, *spec.dims))
        self._context.set_tensor_address(spec.name, buffer.device)
        return buffer


class _Buffer:
    """The largest batch of one tensor, on the GPU and in pinned memory."""

    def __init__(self, host: NDArray[np.uint8], device: int) -> None:
        self.host = host
        self.device = device


class _Cuda:
    """Calls of the CUDA runtime on one stream.  Its memory is freed when the process ends."""

    def __init__(self, device: int) -> None:
        self._runtime = _cuda_runtime()
        self._call("cudaSetDevice", device)
        self.stream = int(self._call("cudaStreamCreate"))

    def buffer(self, shape: tuple[int, ...]) -> _Buffer:
        """Memory for an array of bytes on both sides."""
        size = int(np.prod(shape))
        pinned = int(self._call("cudaMallocHost", size))
        host = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(pinned)).reshape(shape)
        return _Buffer(host, int(self._call("cudaMalloc", size)))

    def upload(self, buffer: _Buffer, count: int) -> None:
        """Start to copy the first items to the GPU."""
        self._copy(buffer.device, buffer.host.ctypes.data, buffer.host[:count].nbytes, "cudaMemcpyHostToDevice")

    def download(self, buffer: _Buffer, count: int) -> None:
        """Start to copy the first items from the GPU, once it is done with them."""
        self._copy(buffer.host.ctypes.data, buffer.device, buffer.host[:count].nbytes, "cudaMemcpyDeviceToHost")

    def wait(self) -> None:
        """Return when everything that was started is done."""
        self._call("cudaStreamSynchronize", self.stream)

    def _copy(self, target: int, source: int, size: int, kind: str) -> None:
        direction = getattr(self._runtime.cudaMemcpyKind, kind)
        self._call("cudaMemcpyAsync", target, source, size, direction, self.stream)

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call a function of the CUDA runtime; gives what it returns beside its status.

        Raises:
            EngineError: it failed; a sentence of CUDA's own says how.
        """
        status, *values = getattr(self._runtime, name)(*arguments)
        if status != self._runtime.cudaError_t.cudaSuccess:
            _, reason = self._runtime.cudaGetErrorString(status)
            raise EngineError(f"the GPU failed at {name}: {reason.decode()}; see it with `nvidia-smi`")
        return values[0] if values else None


def _cuda_runtime() -> Any:
    """NVIDIA's own bindings, which contain the CUDA runtime."""
    try:
        from cuda.bindings import runtime
    except ImportError as exc:
        raise ConfigurationError(
            "the package cuda-bindings is missing; install it with `pip install '.[rtx]'` in endface's checkout"
        ) from exc
    return runtime


def _context(path: Path, runtime: Runtime) -> tuple[Any, Any]:
    """Engine and execution context of a plan; the engine must live as long as its context."""
    tensorrt = tensorrt_library.load(runtime)
    engine = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.ERROR)).deserialize_cuda_engine(path.read_bytes())
    if engine is None:
        raise EngineError(
            f"{runtime} does not take the plan {path} on this GPU; the lines above in the log say why, and its release "
            "notes which GPUs it supports"
        )
    if runtime == "tensorrt":
        return engine, engine.create_execution_context()
    settings = engine.create_runtime_config()
    settings.cuda_graph_strategy = tensorrt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
    return engine, engine.create_execution_context(settings)
