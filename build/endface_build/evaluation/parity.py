"""Whether a graph or an engine sees what the network in float sees: its label maps, and above all its verdicts."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable

import numpy as np

from endface.engines.onnx_network import Segment
from endface.engines.plan import Parity
from endface.errors import PlanError
from endface.options import Options
from endface.stages import postprocess, preprocess
from endface_build.evaluation.golden import Golden


def compare(
    reference: Segment, candidate: Segment, golden: Iterable[Golden], progress: Callable[[int], None] | None = None
) -> Parity:
    """Inspect golden pictures with both, as the server would.

    Args:
        reference: The network in float, in ONNX Runtime on the CPU.
        candidate: What is compared with it.
        golden: The pictures; one that no network can judge does not count.
        progress: Called after each picture with the number done.

    Raises:
        PlanError: No picture counts.
    """
    equal: list[float] = []
    flips = []
    for done, picture in enumerate(golden, start=1):
        square, frame = preprocess(picture.data, Options(picture.profile, name=picture.name))
        if frame.problem is None:
            maps = [segment(square[None, None]) for segment in (reference, candidate)]
            equal.append(float(np.mean(maps[0][0] == maps[1][0])))
            wanted, found = (postprocess(labels[0], confidence[0], frame).verdict for labels, confidence in maps)
            if found != wanted:
                flips.append(f"{picture.name}: {found} for {wanted}")
        if progress is not None:
            progress(done)
    if not equal:
        raise PlanError("No golden picture can be judged: take pictures that show a fiber, in focus.")
    return Parity(len(equal), round(statistics.fmean(equal), 6), tuple(flips))


def refuse_flips(parity: Parity, what: str) -> None:
    """Refuse what judges golden pictures otherwise than the network in float.

    Args:
        parity: How it compares.
        what: Its name for the message.

    Raises:
        PlanError: A verdict flipped.
    """
    if parity.flips:
        raise PlanError(
            f"{what} judges golden pictures otherwise than the network in FP32 ({', '.join(parity.flips)}): "
            "no plan was written. Choose a higher --precision."
        )
