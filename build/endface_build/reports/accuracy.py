"""Record behind docs/accuracy.md: every measurement, with the machine, the versions and the network.

The record is a JSON file; ``accuracy_page`` turns it into the document and its plots. The pictures of failures are
drawn while measuring, for they need the network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from endface.offline import Inspector
from endface.options import Options
from endface_build.data.drawn_pictures import DrawnFaces, fiber_of
from endface_build.evaluation.evaluate_pictures import Inspect, evaluate_pictures
from endface_build.evaluation.failures import draw_failures, worst_failures
from endface_build.evaluation.inspector import of_labelled, with_baseline, with_network
from endface_build.evaluation.metrics import EvaluatedPicture, Json, share, summarize
from endface_build.evaluation.repeatability import study
from endface_build.evaluation.repeated_parts import random_part
from endface_build.evaluation.sensitivity import sensitivity
from endface_build.provenance import machine, provenance

PROFILES: Final = ("mm-pc", "sm-apc", "sm-pc-45")
PACKAGES: Final = ("endface", "numpy", "opencv-python-headless", "onnxruntime")
FAILURES: Final = 6
FAILURES_FILE: Final = "failures.png"

Progress = Callable[[str, int, int], None]
"""Called with what is being measured, the number of all, and the number done."""


@dataclass(frozen=True)
class Extent:
    """Extent of the measurement.

    Attributes:
        faces: Drawn faces of each profile.
        spots: Single-mode faces with spots, for the table of sizes and contrasts.
        parts: Drawn parts of the gage study.
        repeats: Trials of each part under each condition.
    """

    faces: int = 200
    spots: int = 120
    parts: int = 12
    repeats: int = 5


def measure(model: Path, extent: Extent, pictures: Path, progress: Progress) -> Json:
    """Measurements of a network on everything that can be drawn.

    Args:
        model: Its ``.onnx`` file beside its manifest.
        extent: How much.
        pictures: Folder for the pictures of failures.
        progress: Called at every step.

    Returns:
        The record.
    """
    record: Json = {"machine": machine(), "versions": {name: version(name) for name in PACKAGES}} | provenance()
    network = with_network(model, Options(PROFILES[0]))
    if network.info is not None:
        record["network"] = {"version": network.info.version, "sha256": network.info.sha256}
    record["extent"] = asdict(extent)
    record |= {"drawn": {}, "localisation": {}}
    for profile in PROFILES:
        faces = DrawnFaces(fiber_of(profile), extent.faces)
        advance = partial(progress, profile, extent.faces)
        evaluated = evaluate_pictures(faces, inspections(model, Options(profile)), profile, advance)
        record["drawn"][profile] = {name: summarize(each) for name, each in evaluated.items()}
        record["localisation"][profile] = _by_ferrule(evaluated["network"], faces)
        if profile == PROFILES[0]:
            record["failures"] = _draw_failures(evaluated["network"], faces, network, pictures / FAILURES_FILE)
    single_mode = with_network(model, Options("sm-apc"))
    record["sensitivity"] = sensitivity(
        single_mode, faces=extent.spots, progress=partial(progress, "spots", extent.spots)
    )
    parts = [random_part(index) for index in range(extent.parts)]
    record["gage"] = study(parts, network, repeats=extent.repeats, progress=partial(progress, "gage", extent.parts))
    return record


def inspections(model: Path, options: Options) -> dict[str, Inspect]:
    """The network and the classical baseline, ready to be judged side by side."""
    both = {"network": with_network(model, options), "baseline": with_baseline(options)}
    return {name: of_labelled(inspector) for name, inspector in both.items()}


def _by_ferrule(evaluated: list[EvaluatedPicture], faces: DrawnFaces) -> Json:
    """Localization where the ferrule is brighter than the cladding, as in most microscopes, and where it is darker."""
    found: dict[str, list[bool]] = {"brighter": [], "darker": []}
    for number, picture in enumerate(evaluated):
        if picture.localized is not None:
            face = faces.face(number)
            found["brighter" if face.ferrule > face.zones[0].level else "darker"].append(picture.localized)
    return {name: share(each) for name, each in found.items()}


def _draw_failures(evaluated: list[EvaluatedPicture], faces: DrawnFaces, network: Inspector, path: Path) -> list[Json]:
    """The worst mistakes as JSON; their faces are drawn once more for the picture."""
    failures = worst_failures(evaluated, FAILURES)
    cases = [(failure, faces[failure.number]) for failure in failures]
    if cases:
        draw_failures([(failure, face, network(face.data, face.name)) for failure, face in cases], path)
    return [failure.to_json() for failure in failures]
