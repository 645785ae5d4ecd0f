"""Metrics of a network on the squares of a drawn set, without the stages around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from endface.contract import OUTLINE, SQUARE_CENTER_PX, UM_PER_PX, Label
from endface.criteria.profile import load_profile
from endface.defects.measure import measure
from endface.engines.onnx_network import open_graph
from endface.picture.square import Placement
from endface_build.evaluation.label_verdicts import CODES, labelled_objects
from endface_build.evaluation.match_defects import match_defects
from endface_build.evaluation.metrics import MIN_UM, SIZE_BANDS_UM, EvaluatedPicture, Json, summarize
from endface_build.evaluation.regions import Ground

PROFILE: Final = load_profile("mm-pc")
"""Its zones say where defects count."""

_PLACEMENT: Final = Placement((SQUARE_CENTER_PX, SQUARE_CENTER_PX), (UM_PER_PX, UM_PER_PX))

Labels = NDArray[np.uint8]


class SquareTally:
    """Matches over many label maps; ``add`` them one by one, then read ``metrics``."""

    def __init__(self) -> None:
        self._pictures: list[EvaluatedPicture] = []

    def add(self, truth: Labels, found: Labels) -> None:
        """Compare one label map with the truth.

        Args:
            truth: uint8 (512, 512), ``Label`` codes and ``UNDECIDED``.
            found: uint8 (512, 512), ``Label`` codes.
        """
        ground = Ground((truth.shape[0], truth.shape[1]), _PLACEMENT, PROFILE)
        objects = labelled_objects(truth, ground)
        defects = measure(found, np.full_like(found, 255), _PLACEMENT, PROFILE.zones)
        match = match_defects(truth, objects, defects, ground)
        self._pictures.append(EvaluatedPicture("", match, "", frozenset()))

    def metrics(self) -> dict[str, Any]:
        """Recall by type and size, precision by type, share of found defects of the right type, mean IoU."""
        values = summarize(self._pictures)
        confusion = values["confusion"]
        right = {
            name: (confusion[name][name], sum(confusion[name].values()) - confusion[name]["missed"]) for name in CODES
        }
        right["any"] = (sum(hits for hits, _ in right.values()), sum(count for _, count in right.values()))
        return {
            "recall": _shares(values["recall"], "size_um"),
            "precision": _shares(values["precision"]),
            "iou": {"any": values["iou"]},
            "right_type": {name: round(hits / count, 4) if count else None for name, (hits, count) in right.items()},
            "line_or_not": values["line_accuracy"]["share"],
            "defects": values["recall"]["all"]["count"],
            "alarms": values["precision"]["all"]["count"],
        }


def within_outlines(labels: Labels, confidence: NDArray[np.uint8]) -> Labels:
    """The label map inside the marks' outlines; background elsewhere, where marks are less probable than not."""
    return np.where(confidence >= OUTLINE, labels, np.uint8(Label.BACKGROUND))


def metrics_of(model: Path, folder: Path, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Metrics of an exported network on a held-out set.

    Args:
        model: The ``.onnx`` file.
        folder: The set's, with squares that the network was not trained on.
        progress: Called after each square with the number done.
    """
    from endface_build.training.batches import SquareSet  # torch: only where a set is opened

    engine, data, tally = open_graph(model), SquareSet(folder), SquareTally()
    for index in range(len(data)):
        labels, confidence = engine(np.asarray(data.squares[index])[None, None])
        tally.add(np.asarray(data.labels[index]), within_outlines(labels[0], confidence[0]))
        if progress is not None:
            progress(index + 1)
    return {"squares": len(data), **tally.metrics()}


def _shares(groups: Json, *bands: str) -> dict[str, float | None]:
    """The plain shares of all, of each type and of the bands from 3 um on."""
    chosen = {"any": groups["all"]} | {name: groups["type"][name] for name in CODES}
    for band in bands:
        chosen |= {f"{name} um": value for name, value in list(groups[band].items())[SIZE_BANDS_UM.index(MIN_UM) :]}
    return {name: value["share"] for name, value in chosen.items()}
