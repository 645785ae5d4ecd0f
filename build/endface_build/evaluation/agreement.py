"""Agreement of two networks or engines on golden pictures: labels pixel by pixel, and above all verdicts.

One answer serves every gate: engines and quantized graphs against the network in float, and a new version against the
one that serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endface.engines.onnx_network import Network, SegmentSquares
from endface.engines.plan import Parity
from endface.errors import ConfigurationError, PlanError
from endface.options import Options
from endface.stages import postprocess, preprocess
from endface_build.evaluation.golden import Golden


@dataclass(frozen=True)
class Seen:
    """One network's answer to a picture.

    Attributes:
        verdict: The report's.
        labels: uint8 (512, 512); None where the picture was refused before any network saw it.
    """

    verdict: str
    labels: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Compared:
    """Two networks' answers to a picture.

    Attributes:
        name: The picture's file name.
        reference: Verdict with the network that is known.
        candidate: Verdict with the one that is compared.
        labels_equal: Share of pixels with the same label; None where no network saw the picture.
        expected: The right verdict; None where it is not known.
    """

    name: str
    reference: str
    candidate: str
    labels_equal: float | None
    expected: str | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether the candidate misses a verdict that is known."""
        return self.expected is not None and self.candidate != self.expected

    @property
    def differs(self) -> bool:
        """Whether the verdicts differ."""
        return self.candidate != self.reference

    @property
    def is_flip(self) -> bool:
        """Whether the verdicts differ where the right one is not known."""
        return self.expected is None and self.differs


@dataclass(frozen=True)
class Agreement:
    """Two networks' answers to many pictures."""

    rows: tuple[Compared, ...]

    @property
    def shares(self) -> list[float]:
        """Shares of equal labels, of the pictures that the networks saw.

        Raises:
            ConfigurationError: There are none, so nothing is proven.
        """
        shares = [row.labels_equal for row in self.rows if row.labels_equal is not None]
        if not shares:
            raise ConfigurationError(
                "No golden picture can be judged: each is refused before a network sees it. "
                "Give pictures of a fiber in focus."
            )
        return shares

    @property
    def flips(self) -> tuple[str, ...]:
        """Names of the pictures whose verdicts differ."""
        return tuple(row.name for row in self.rows if row.differs)

    @property
    def parity(self) -> Parity:
        """Agreement as a manifest keeps it: pictures seen, mean share of equal labels, and each flip in words."""
        flips = tuple(f"{row.name}: {row.candidate} for {row.reference}" for row in self.rows if row.differs)
        return Parity(len(self.shares), round(fmean(self.shares), 6), flips)

    def to_json(self) -> dict[str, Any]:
        """Pictures seen, mean and lowest share of equal labels, and names of the flips."""
        return {
            "pictures": len(self.shares),
            "labels_equal": round(fmean(self.shares), 6),
            "worst": round(min(self.shares), 6),
            "flips": list(self.flips),
        }

    def refuse_flips(self, what: str) -> None:
        """Refuse a graph or a plan that changes a verdict of the network in float.

        Args:
            what: Its name for the message.

        Raises:
            PlanError: A verdict differs.
        """
        if self.flips:
            raise PlanError(
                f"{what} judges golden pictures otherwise than the network in FP32 ({', '.join(self.parity.flips)}): "
                "no plan was written. Choose a higher --precision."
            )


def agreement(reference: Mapping[str, Seen], candidate: Mapping[str, Seen]) -> Agreement:
    """Agreement of answers to the same pictures, known by their names."""
    return Agreement(tuple(_compared(name, seen, candidate[name]) for name, seen in reference.items()))


def compare(reference: SegmentSquares, candidate: SegmentSquares, golden: Iterable[Golden]) -> Agreement:
    """Agreement of two networks, each in place of the server's.

    Args:
        reference: The network that is known.
        candidate: What is compared with it.
        golden: The pictures.
    """
    pairs = ((picture, _look(picture, (reference, candidate))) for picture in golden)
    return Agreement(tuple(_compared(picture.name, *seen, picture.expected) for picture, seen in pairs))


def compare_versions(serving: Path, candidate: Path, golden: Iterable[Golden]) -> Agreement:
    """Agreement of a new version with the one that serves.

    Args:
        serving: The serving version's ``.onnx`` file.
        candidate: The candidate's.
        golden: The pictures.

    Raises:
        ConfigurationError: A network is not the file of its manifest, does not load, or breaks the contract.
    """
    return compare(Network(serving).segment, Network(candidate).segment, golden)


def _look(picture: Golden, networks: tuple[SegmentSquares, SegmentSquares]) -> tuple[Seen, Seen]:
    square, frame = preprocess(picture.data, Options(picture.profile, name=picture.name))
    if frame.problem is not None:
        blank = np.zeros_like(square)
        refused = Seen(postprocess(blank, blank, frame).verdict, None)
        return refused, refused
    answers = (segment(square[None, None]) for segment in networks)
    first, second = (Seen(postprocess(maps[0], sure[0], frame).verdict, maps[0]) for maps, sure in answers)
    return first, second


def _compared(name: str, reference: Seen, candidate: Seen, expected: str | None = None) -> Compared:
    known = reference.labels is not None and candidate.labels is not None
    equal = float(np.mean(reference.labels == candidate.labels)) if known else None
    return Compared(name, reference.verdict, candidate.verdict, equal, expected)
