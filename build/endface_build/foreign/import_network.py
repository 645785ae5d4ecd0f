"""Networks from outside become versions: wrapped, proven on drawn faces, and written as ``promote`` takes them."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from endface import contract
from endface.contract import Label
from endface.engines.onnx_network import Network
from endface.errors import ConfigurationError
from endface.files import sha256_of, write_whole
from endface_build.drawing.squares import draw_square
from endface_build.foreign import semantic_head, wrap, yolo_heads, yolo_labels
from endface_build.foreign.class_map import NetworkMap, read_map
from endface_build.foreign.read_network import Foreign, read_foreign
from endface_build.manifest import MODEL_FILE, provenance, write_manifest

FACES: Final = 3
"""Drawn faces that a network must label alike one by one and together."""

_SEED: Final = 20_007

Json = dict[str, Any]


def import_yolo(path: Path, classes: Path, folder: Path, settings: yolo_labels.Settings, *, name: str = "") -> Json:
    """Let a YOLO segmentation network stand in for ours.

    Args:
        path: Its ``.onnx`` file, as its usual exporter writes it.
        classes: The map.
        folder: Where ``model.onnx`` and ``manifest.json`` go.
        settings: Which candidates count.
        name: What reports call it; empty for the file's name.

    Returns:
        The manifest.

    Raises:
        ConfigurationError: File, map and network do not fit together; nothing was written.
    """
    network_map = read_map(classes)
    if replace(network_map, size=None) != NetworkMap(network_map.path, network_map.classes):
        raise ConfigurationError(
            f"{classes} may hold [classes] and the input's size; the rest is for import-segmentation."
        )
    network = read_foreign(path, network_map)
    before = yolo_heads.from_square(network)
    heads = yolo_heads.find_heads(network, wrap.raw_outputs(network, before, _faces()[0]))
    codes = network_map.codes(network.names, heads.classes)
    after = yolo_labels.to_labels(network, heads, codes, settings)
    links = {heads.candidates: "candidates", heads.prototypes: "prototypes"}
    model = wrap.wrap(network, before, after, links)
    return _write(
        model, network, folder, name, {"kind": "yolo", **asdict(settings), "classes": _spoken(network, codes)}
    )


def import_segmentation(path: Path, classes: Path, folder: Path, *, name: str = "") -> Json:
    """Let any semantic segmentation network stand in for ours.

    Args:
        path: Its ``.onnx`` file.
        classes: The map.
        folder: Where ``model.onnx`` and ``manifest.json`` go.
        name: What reports call it; empty for the file's name.

    Returns:
        The manifest.

    Raises:
        ConfigurationError: File, map and network do not fit together; nothing was written.
    """
    network_map = read_map(classes)
    network = read_foreign(path, network_map, usual_px=contract.SQUARE_PX)
    before = semantic_head.from_square(network, network_map)
    head = semantic_head.find_head(network, wrap.raw_outputs(network, before, _faces()[0]), network_map)
    codes = network_map.codes(network.names, head.classes)
    model = wrap.wrap(network, before, semantic_head.to_labels(head, codes, network_map), {head.name: "said"})
    return _write(model, network, folder, name, {"kind": "segmentation", "classes": _spoken(network, codes)})


def _write(model: onnx.ModelProto, network: Foreign, folder: Path, name: str, source: Json) -> Json:
    """Prove the wrapped network as a server would load it, then let its files appear."""
    with TemporaryDirectory() as aside:
        path = Path(aside) / MODEL_FILE
        onnx.save_model(model, path)
        manifest = {
            "name": name or network.path.stem,
            "version": "1",
            "file": MODEL_FILE,
            "sha256": sha256_of(path),
            "opset": network.opset,
            "inputs": [_spec(tensor) for tensor in contract.SEGMENT.inputs],
            "outputs": [_spec(tensor) for tensor in contract.SEGMENT.outputs],
            "source": {"file": network.path.name, "sha256": sha256_of(network.path), **source},
            "metrics": {},
            **provenance(),
        }
        write_manifest(path.parent, manifest)
        manifest["proof"] = _prove(path)
        write_whole(folder / MODEL_FILE, path.read_bytes())
    write_manifest(folder, manifest)
    return manifest


def _prove(path: Path) -> Json:
    """Load the network as a server does, and see that it labels drawn faces alike, one by one and as a batch."""
    network, faces = Network(path), _faces()
    try:
        labels, _ = network.segment(faces[:, None])
        alone = [network.segment(face[None, None]) for face in faces]
    except Exception as exc:  # ONNX Runtime's errors share no base class
        raise ConfigurationError(
            f"The network fails on a drawn face: check that the map names every class number that it gives. ({exc})"
        ) from exc
    if not all(np.array_equal(labels[k], alone[k][0][0]) for k in range(FACES)):
        raise ConfigurationError("The network labels a face otherwise when asked again: nothing in it may be random.")
    found = np.bincount(labels.ravel(), minlength=len(Label))
    return {"faces": FACES, "labelled_px": {label.name.lower(): int(found[label]) for label in list(Label)[1:]}}


@cache
def _faces() -> NDArray[np.uint8]:
    """Drawn faces, uint8 (N, 512, 512)."""
    return np.stack([draw_square(_SEED, index)[0] for index in range(FACES)])


def _spoken(network: Foreign, codes: tuple[int, ...]) -> dict[str, str]:
    """Their classes and ours by name."""
    return {network.names.get(number, str(number)): Label(code).name.lower() for number, code in enumerate(codes)}


def _spec(tensor: contract.TensorSpec) -> Json:
    """A tensor as JSON, with the batch axis."""
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": [-1, *tensor.dims]}
