"""False passes as a gate: a new version of the network may not let more bad parts pass than the one that serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from endface.engines.onnx_network import Network
from endface.errors import RolloutError
from endface.offline import Inspector
from endface.options import Options
from endface_build.data.drawn_pictures import DrawnFaces, Fiber
from endface_build.data.labelled import LabelledSet
from endface_build.evaluation.evaluate_pictures import evaluate_pictures
from endface_build.evaluation.inspector import of_labelled
from endface_build.evaluation.metrics import verdict_agreement

DRAWN: Final = 25
"""Drawn faces of each fiber that a promotion looks at: half a minute."""

_PROFILES: Final[dict[Fiber, str]] = {"multimode": "mm-pc", "single-mode": "sm-apc"}


@dataclass(frozen=True)
class JudgedSet:
    """Labelled pictures and the profile that they are judged by."""

    pictures: LabelledSet
    profile: str


@dataclass(frozen=True)
class FalsePasses:
    """Pictures of a set that must not pass (the part fails, or nobody can tell), and how many pass by each version."""

    failing: int
    serving: int
    candidate: int


def drawn_sets(count: int = DRAWN) -> dict[str, JudgedSet]:
    """Drawn faces of either fiber, by name."""
    return {
        f"drawn {fiber} faces": JudgedSet(DrawnFaces(fiber, count), profile) for fiber, profile in _PROFILES.items()
    }


def count_false_passes(serving: Path, candidate: Path, sets: Mapping[str, JudgedSet]) -> dict[str, FalsePasses]:
    """False passes of two versions on labelled sets, by the sets' names.

    Args:
        serving: The serving version's ``.onnx`` file.
        candidate: The candidate's.
        sets: Labelled sets by name.

    Raises:
        ConfigurationError: A network or a set cannot be read.
    """
    networks = {"serving": Network(serving), "candidate": Network(candidate)}
    counts = {}
    for name, each in sets.items():
        options = Options(each.profile)
        inspections = {
            version: of_labelled(Inspector.around(network, options)) for version, network in networks.items()
        }
        evaluated = evaluate_pictures(each.pictures, inspections, each.profile)
        passes = {version: verdict_agreement(pictures)["false_pass"] for version, pictures in evaluated.items()}
        hits = {version: values["hits"] for version, values in passes.items()}
        counts[name] = FalsePasses(passes["serving"]["count"], hits["serving"], hits["candidate"])
    return counts


def refuse_more_false_passes(counts: Mapping[str, FalsePasses]) -> None:
    """Refuse a candidate that has more false passes than the serving version on any set.

    Args:
        counts: False passes by the sets' names.

    Raises:
        RolloutError: It has; the message names every such set.
    """
    worse = [
        f"{each.candidate} of {each.failing} on {name}, where the serving version has {each.serving}"
        for name, each in counts.items()
        if each.candidate > each.serving
    ]
    if worse:
        raise RolloutError(f"The candidate lets more bad parts pass: {'; '.join(worse)}. Train a better one.")
