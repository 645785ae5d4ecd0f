"""Triton's door to the stage ``segment`` where each network has several threads; ``instances.write`` puts it there.

The stage itself has one: a server runs several networks of one thread each.  Here the configuration's parameter
``threads`` says how many, so that the two can be compared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found] # exists only inside of Triton

from endface.backend import models
from endface.engines import onnx_network


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the stage, its network with the threads of the configuration."""
        threads = int(json.loads(args["model_config"])["parameters"]["threads"]["string_value"])
        made = []

        class Threaded(onnx_network.Network):
            """The network with other threads than the stage asks for."""

            def __init__(self, path: Path, **_: object) -> None:
                super().__init__(path, threads=threads)
                made.append(path)

        onnx_network.Network = Threaded  # type: ignore[misc] # this process serves nothing else
        self._stage = models.Segment(pb_utils, args)
        if not made:
            raise RuntimeError("the stage made its network in another way, so its threads are not those asked for")

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request by itself."""
        return self._stage.execute(requests)
