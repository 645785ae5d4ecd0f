"""The network in the forms that OpenCV and LiteRT run, each compared with the network in float before it is written.

They are made from the ONNX file, so no checkpoint is needed; where they lie is ``endface.engines.catalog``'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from endface.engines import graph_ends
from endface.engines.catalog import ENGINES, LITERT, OPENCV, VARIANTS, named
from endface.engines.load import open_network
from endface.engines.manifest import MADE_FROM
from endface.engines.onnx_network import open_graph
from endface.errors import ConfigurationError, EngineError
from endface.files import sha256_of, write_together
from endface_build.evaluation import golden
from endface_build.evaluation.agreement import compare
from endface_build.evaluation.golden import Golden
from endface_build.export.cut_convolutions import cut_convolutions, ranges_of
from endface_build.export.quantize import CALIBRATION_COUNT, CALIBRATION_SEED, calibration_squares, source_of
from endface_build.manifest import MANIFEST_FILE, as_bytes, read_manifest, write_manifest
from endface_build.provenance import provenance

ENGINE_OF: Final[Mapping[str, str]] = {engine.format: engine.name for engine in VARIANTS}
"""The engine that each format is for."""

PARITY: Final[Mapping[str, float]] = {OPENCV: 0.9995, LITERT: 0.995}
"""Share of pixels that must have the label of the network in float: OpenCV only sums in another order, eight bits
round."""


def export_variant(
    engine: str, folder: Path, *, pictures: Iterable[Golden] | None = None, least_equal: float | None = None
) -> dict[str, Any]:
    """Write the network of a version in the form that an engine runs, once it agrees with the network in float.

    Args:
        engine: OpenCV or LiteRT.
        folder: The version's, with its network and manifest.
        pictures: What it must see as the network in float does; None for the demo's faces.
        least_equal: Share of pixels that must have the same label; None for the engine's in ``PARITY``.

    Returns:
        The manifest beside the new file.

    Raises:
        ConfigurationError: There is no network in float, it is not one of ours, or the engine disagrees with it.
        EngineError: The engine's package is not installed.
    """
    manifest = read_manifest(folder)
    source = source_of(folder, manifest)
    content = _litert_file(source) if engine == LITERT else cut_convolutions(source).SerializeToString()
    target = folder / named(engine, ENGINES).file
    with TemporaryDirectory() as aside:
        path = Path(aside) / target.name
        path.write_bytes(content)
        made = {
            "name": manifest["name"],
            "version": manifest["version"],
            "file": target.name,
            "sha256": sha256_of(path),
            MADE_FROM: sha256_of(source),
            **_METHODS[engine],
            **provenance(),
        }
        write_manifest(path.parent, made)
        chosen = golden.drawn() if pictures is None else pictures
        parity = compare(open_graph(source), open_network(engine, path).segment, chosen).parity
        least = PARITY[engine] if least_equal is None else least_equal
        if parity.labels_equal < least or parity.flips:
            raise ConfigurationError(
                f"In the engine {engine} {parity.labels_equal:.5f} of the labels are those of the network in float (at "
                f"least {least} wanted), and these verdicts change: {', '.join(parity.flips) or 'none'}. Nothing was "
                "written; inspect with ONNX Runtime, or train a better network."
            )
        made["parity"] = asdict(parity) | {"flips": list(parity.flips)}
    write_together({target: content, target.with_name(MANIFEST_FILE): as_bytes(made)})
    return made


def _litert_file(source: Path) -> bytes:
    """The network as a TensorFlow Lite file."""
    try:
        from endface_build.export.to_litert import to_tflite
    except ModuleNotFoundError as exc:
        raise EngineError(
            f"Files for LiteRT need the package {exc.name}: install it in the checkout with `pip install '.[litert]'`."
        ) from exc

    model = cut_convolutions(source)
    planes = (graph_ends.to_planes(square[None, None]) for square in calibration_squares())
    return to_tflite(model, ranges_of(model, planes))


_METHODS: Final[Mapping[str, dict[str, Any]]] = {
    OPENCV: {"precision": "fp32"},
    LITERT: {
        "precision": "int8",
        "activations": "int8 per tensor",
        "weights": "int8 per channel; the last convolution in float",
        "calibration": {"seed": CALIBRATION_SEED, "squares": CALIBRATION_COUNT, "ranges": "minmax"},
    },
}
"""How each is made, for its manifest."""
