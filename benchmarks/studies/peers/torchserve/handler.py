"""Handler that TorchServe's workers run, each a process of its own; the model archive holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.studies.peers.worker import Inspection


class Inspector:
    """Handler in TorchServe's protocol: ``initialize`` once, ``handle`` for each batch."""

    def initialize(self, context: Any) -> None:
        """Load the network that the archive's configuration names."""
        args = context.model_yaml_config["handler"]
        self._inspection = Inspection(Path(args["network"]), args["profile"])

    def handle(self, data: Sequence[Mapping[str, bytes]], _context: Any) -> list[str]:
        """Inspect what TorchServe has batched; a bare body comes under the name "body"."""
        return self._inspection.inspect([bytes(request["body"]) for request in data])
