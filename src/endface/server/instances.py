"""Number of processes of each stage, chosen from the cores that the server may use."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from endface import contract
from endface.engines.catalog import Engine
from endface.server.workspace import SHARED_MEMORY

_LEAST: Final = 2
"""Also on one core: behind a queue with a policy, a picture that comes while the only process is finishing may wait
half a second, for Triton's batcher is not told in time; and while one repairs itself, the other one serves."""

_MIB: Final = 1 << 20
_SQUARES: Final = 8 * contract.SQUARE_PX**2  # of a full batch
_MOST_SHARED: Final = (contract.MAX_IMAGE_BYTES + _SQUARES, 3 * _SQUARES, 2 * _SQUARES)
_SHARED_BYTES: Final = 2 * sum(_MIB + largest for largest in _MOST_SHARED)
"""Shared memory that one process of each stage may come to hold; docker-compose.yml explains it."""

_ON_CPU: Final = re.compile(r"^instance_group \[ \{ count: (\d+) kind: KIND_CPU \} \]", re.MULTILINE)
"""As our ``config.pbtxt`` files put it; what is written otherwise, or runs on a GPU, stays as it is."""


def shared_memory_bytes() -> int:
    """Size of this machine's or container's shared memory."""
    found = os.statvfs(SHARED_MEMORY)
    return found.f_blocks * found.f_frsize


def choose(cores: int, shared_bytes: int | None = None) -> dict[str, int]:
    """Processes of each stage, one thread each, by the names of the models.

    Locating may take as long as the network, so both may have every core; measuring takes less than half of either.

    Args:
        cores: threads that can work at a time.
        shared_bytes: size of the shared memory, which bounds the processes; None for as many as it takes.
    """
    room = cores if shared_bytes is None else shared_bytes // _SHARED_BYTES
    each = max(_LEAST, min(cores, room))
    return {
        contract.PREPROCESS.name: each,
        contract.SEGMENT.name: each,
        contract.POSTPROCESS.name: max(_LEAST, math.ceil(each / 2)),
    }


def changed(repository: Path, engine: Engine, wanted: Mapping[str, int]) -> dict[str, int]:
    """Of the processes wanted, those of which the repository's configuration has another number.

    Args:
        repository: the model repository; its configurations say how many processes Triton starts.
        engine: what runs the network; on a GPU the network keeps its one process a card.
        wanted: processes by model.
    """
    found = {}
    for model, count in wanted.items():
        own = repository / model / "configs" / f"{engine.name}.pbtxt"
        path = own if own.is_file() else repository / model / "config.pbtxt"
        match = _ON_CPU.search(path.read_text(encoding="utf-8"))
        if match and int(match[1]) != count:
            found[model] = count
    return found
