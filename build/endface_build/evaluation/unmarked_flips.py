"""Unmarked flips as a gate: with a new version no more verdicts may depend on how a picture was taken.

Every picture is changed in pose, light, file and focus, which triples the time of a promotion: it is done for labelled
folders alone, which somebody chose for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from endface.engines.onnx_network import Network
from endface.errors import RolloutError
from endface.offline import Inspector
from endface.options import Options
from endface.picture.decode import decode
from endface_build.evaluation.false_passes import JudgedSet
from endface_build.evaluation.invariance import study, unmarked_flips


@dataclass(frozen=True)
class UnmarkedFlips:
    """Unmarked flips of each version among all changes of all pictures of a set."""

    serving: int
    candidate: int


def count_unmarked_flips(serving: Path, candidate: Path, sets: Mapping[str, JudgedSet]) -> dict[str, UnmarkedFlips]:
    """Unmarked flips of two versions on sets of pictures, by the sets' names.

    Args:
        serving: The serving version's ``.onnx`` file.
        candidate: The candidate's.
        sets: Sets by name; their labels do not matter.

    Raises:
        ConfigurationError: A network or a set cannot be read.
    """
    networks = Network(serving), Network(candidate)
    counts = {}
    for name, each in sets.items():
        pictures = {labelled.name: decode(labelled.data).gray for labelled in each.pictures}
        inspectors = [Inspector.around(network, Options(each.profile)) for network in networks]
        counts[name] = UnmarkedFlips(*(unmarked_flips(study(pictures, inspector)) for inspector in inspectors))
    return counts


def refuse_more_unmarked_flips(counts: Mapping[str, UnmarkedFlips]) -> None:
    """Refuse a candidate whose verdicts flip unmarked more often than the serving version's on any set.

    Args:
        counts: Unmarked flips by the sets' names.

    Raises:
        RolloutError: They do; the message names every such set.
    """
    worse = [
        f"{each.candidate} on {name}, where the serving version has {each.serving}"
        for name, each in counts.items()
        if each.candidate > each.serving
    ]
    if worse:
        raise RolloutError(
            "More verdicts of the candidate change, and are not marked borderline, when pictures are turned, shifted, "
            f"re-lit, compressed or blurred: {'; '.join(worse)}. Train a better one."
        )
