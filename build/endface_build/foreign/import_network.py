"""Import of foreign networks: wrapped, tested on drawn faces, and written as ``promote`` takes them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from endface.contract import OUTLINE, Label
from endface.engines.onnx_network import Network
from endface.errors import ConfigurationError
from endface.files import sha256_of, write_together
from endface_build.drawing.squares import draw_square
from endface_build.foreign import wrap
from endface_build.foreign.class_map import NetworkMap, read_map
from endface_build.foreign.read_network import Foreign, read_foreign
from endface_build.foreign.semantic import Semantic
from endface_build.foreign.yolo import Thresholds, Yolo, is_yolo
from endface_build.manifest import MANIFEST_FILE, MODEL_FILE, as_bytes, tensors, write_manifest
from endface_build.provenance import provenance

FACES: Final = 3
"""Drawn faces that a network must label alike one by one and together."""

_SEED: Final = 20_007

Json = dict[str, Any]


def import_network(
    path: Path, classes: Path, folder: Path, *, name: str = "", thresholds: Thresholds | None = None
) -> Json:
    """Write a foreign network as a candidate in place of ours.

    Args:
        path: Its ``.onnx`` file: a YOLO segmentation network as its usual exporter writes it, or any that gives each
            pixel a class.
        classes: The map.
        folder: Where ``model.onnx`` and ``manifest.json`` go.
        name: What reports call it; empty for the file's name.
        thresholds: Which of a YOLO network's candidates count; None for the usual ones.

    Returns:
        The manifest.

    Raises:
        ConfigurationError: File, map and network do not fit together; nothing was written.
    """
    network_map = read_map(classes)
    network = read_foreign(path, network_map)
    head = _head(network, network_map, thresholds)
    codes = network_map.codes(network.names, head.classes)
    model = wrap.wrap(network, head.to_image, lambda op, outputs: head.to_labels(op, outputs, codes))
    ours = {network.names.get(number, str(number)): Label(code).name.lower() for number, code in enumerate(codes)}
    with TemporaryDirectory() as aside:
        proven = Path(aside) / MODEL_FILE
        onnx.save_model(model, proven)
        manifest = {
            "name": name or path.stem,
            "version": "1",
            "file": MODEL_FILE,
            "sha256": sha256_of(proven),
            "opset": network.opset,
            **tensors(),
            "source": {"file": path.name, "sha256": sha256_of(path), **head.source, "classes": ours},
            "metrics": {},
            **provenance(),
        }
        write_manifest(proven.parent, manifest)
        manifest["proof"] = _prove(proven)
        write_together({folder / MODEL_FILE: proven.read_bytes(), folder / MANIFEST_FILE: as_bytes(manifest)})
    return manifest


def _head(network: Foreign, network_map: NetworkMap, thresholds: Thresholds | None) -> Semantic | Yolo:
    """Kind of the network's outputs, by its answer to a drawn face."""
    semantic = Semantic(network, network_map)
    outputs = wrap.raw_outputs(network, semantic.to_image, _faces()[0])
    if network_map.output is not None or not is_yolo(outputs):
        semantic.check(outputs)
        if thresholds is not None:
            raise ConfigurationError(f"{network.path} is no YOLO network: leave --confidence and --overlap out.")
        return semantic
    if replace(network_map, size=None) != NetworkMap(network_map.path, network_map.classes):
        raise ConfigurationError(
            f"{network.path} is a YOLO network, whose input and output are known: leave all but [classes] and the "
            f"input's size out of {network_map.path}."
        )
    yolo = Yolo(network, thresholds or Thresholds())
    yolo.check(wrap.raw_outputs(network, yolo.to_image, _faces()[0]))
    return yolo


def _prove(path: Path) -> Json:
    """Load the network as a server does, and see that it labels drawn faces alike, one by one and as a batch."""
    network, faces = Network(path), _faces()
    try:
        labels, confidence = network.segment(faces[:, None])
        alone = [network.segment(face[None, None])[0][0] for face in faces]
    except Exception as exc:  # ONNX Runtime's errors share no base class
        raise ConfigurationError(
            f"The network fails on a drawn face: check that the map names every class number that it gives. ({exc})"
        ) from exc
    if not np.array_equal(labels, alone):
        raise ConfigurationError("The network labels a face otherwise when asked again: nothing in it may be random.")
    found = np.bincount(labels[confidence >= OUTLINE], minlength=len(Label))
    return {"faces": FACES, "labelled_px": {label.name.lower(): int(found[label]) for label in list(Label)[1:]}}


@cache
def _faces() -> NDArray[np.uint8]:
    """Drawn faces, uint8 (N, 512, 512)."""
    return np.stack([draw_square(_SEED, index)[0] for index in range(FACES)])
