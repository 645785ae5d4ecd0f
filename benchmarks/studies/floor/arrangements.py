"""Ways to serve the same stages, each with less around them than the one before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.common.stations import Station
from benchmarks.studies.floor import repository
from benchmarks.studies.peers.peer import ENDFACE, PEERS, Peer, Serving, server_command
from benchmarks.studies.peers.stations import TritonStation

OWN: Final = ENDFACE.name


def arrangements(folder: Path, served: Path) -> list[Peer]:
    """All of them, in the order of what is left out; the last one is the peer that leaves out most with Triton.

    Args:
        folder: for repositories that are made.
        served: the repository that endface serves.
    """
    copy = folder / "without-bounds"
    shutil.rmtree(copy, ignore_errors=True)
    repository.without_bounds(served, copy)
    return [
        ENDFACE,
        replace(ENDFACE, name="bare-client", title="asked by tritonclient alone", station=_bare),
        replace(
            ENDFACE,
            name="no-bounds",
            title="and its queue has no bounds",
            station=_bare,
            command=lambda serving: ENDFACE.command(replace(serving, network=_network_in(copy, serving))),
        ),
        Peer("three", "and Triton with the three stages alone", _triton("three", folder), _bare),
        Peer("one", "and the stages in one model", _triton("one", folder), _bare),
        *(peer for peer in PEERS if peer.name == "pytriton"),
    ]


def _bare(serving: Serving) -> Station:
    return TritonStation(serving.address, {"profile": serving.profile})


def _network_in(copy: Path, serving: Serving) -> Path:
    return copy / serving.network.relative_to(serving.network.parents[2])


def _triton(models: str, folder: Path) -> Callable[[Serving], list[str]]:
    return partial(_command, models, folder / models)


def _command(models: str, folder: Path, serving: Serving) -> list[str]:
    common = server_command("benchmarks.studies.floor.server", serving)
    return [*common, "--models", models, "--folder", str(folder)]
