"""PyTriton's own Python API: Triton batches requests and hands them to callables in this process."""

from __future__ import annotations

import os
import signal
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from benchmarks.studies.peers.worker import MAX_BATCH, Inspection, arguments

_loaded: list[Inspection] = []


class Instance:
    """One of the model's instances; PyTriton calls each from a thread of its own.

    The threads share an interpreter lock, with which two of them reach two thirds of two processes
    (``benchmarks/RESULTS.md``), so each hands its batches to a process.
    """

    def __init__(self, process: ProcessPoolExecutor) -> None:
        self._process = process

    @batch  # type: ignore[untyped-decorator]  # pytriton ships no types
    def __call__(self, **inputs: NDArray[np.object_]) -> dict[str, NDArray[np.object_]]:
        """Inspect what Triton has batched."""
        reports = self._process.submit(_inspect, inputs["IMAGE"][:, 0].tolist()).result()
        return {"REPORT": np.array([[report.encode()] for report in reports], dtype=object)}


def main() -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Triton.serve ends in order at an interrupt alone
    # Triton's Python must be the one that runs here: PyTriton's guide to its installation has this line for shells
    os.environ["LD_LIBRARY_PATH"] = sysconfig.get_config_var("LIBDIR")
    args = arguments()
    config = TritonConfig(allow_http=False, allow_metrics=False, grpc_address="127.0.0.1", grpc_port=args.port)
    with ExitStack() as ending:
        spawning = get_context("spawn")
        processes = [ProcessPoolExecutor(1, spawning, _load) for _ in range(args.workers)]
        for process in processes:
            ending.enter_context(process)
        triton = ending.enter_context(Triton(config=config))
        triton.bind(
            model_name="endface",
            infer_func=[Instance(process) for process in processes],
            # object, not bytes: numpy cuts zeros off the end of its own bytes (PyTriton's "Binding models")
            inputs=[Tensor(name="IMAGE", dtype=object, shape=(1,))],
            outputs=[Tensor(name="REPORT", dtype=object, shape=(1,))],
            # No delay is where Triton's guide to its batcher begins: while all instances are busy, batches grow anyway
            config=ModelConfig(max_batch_size=MAX_BATCH, batcher=DynamicBatcher(max_queue_delay_microseconds=0)),
        )
        triton.serve()


def _load() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal interrupts all; the parent ends this process
    args = arguments()
    _loaded.append(Inspection(args.network, args.profile))


def _inspect(pictures: list[bytes]) -> list[str]:
    return _loaded[0].inspect(pictures)


if __name__ == "__main__":
    main()
