"""The network in the forms that OpenCV and LiteRT run, each proven against the network in float before it is written.

They are made from the ONNX file, so no checkpoint is needed; where they lie is ``endface.engines.variant``'s to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from endface.engines import graph_ends, variant
from endface.errors import ConfigurationError, EngineError
from endface.files import sha256_of, write_whole
from endface.offline import ENGINES
from endface_build.drawing.squares import draw_square
from endface_build.engine import Engine
from endface_build.evaluation import golden
from endface_build.evaluation.agreement import compare
from endface_build.evaluation.golden import Golden
from endface_build.export.cut_convolutions import cut_convolutions, ranges_of
from endface_build.export.quantize import CALIBRATION_COUNT, CALIBRATION_SEED, source_of
from endface_build.manifest import provenance, read_manifest, write_manifest

ENGINE_OF: Final[Mapping[str, str]] = {name: engine for engine, name in variant.FORMATS.items()}
"""The engine that each format is for."""

PARITY: Final[Mapping[str, float]] = {variant.OPENCV: 0.9995, variant.LITERT: 0.995}
"""Share of pixels that must have the label of the network in float: OpenCV only sums in another order, eight bits
round for good."""


def export_variant(engine: str, folder: Path, *, pictures: Iterable[Golden] | None = None) -> dict[str, Any]:
    """Write the network of a version in the form that an engine runs, once it has proven itself.

    Args:
        engine: OpenCV or LiteRT.
        folder: The version's, with its network and manifest.
        pictures: What it must see as the network in float does; None for the demo's faces.

    Returns:
        The manifest beside the new file.

    Raises:
        ConfigurationError: There is no network in float, it is not one of ours, or the engine disagrees with it.
        EngineError: The engine's package is not installed.
    """
    manifest = read_manifest(folder)
    source = source_of(folder, manifest)
    content = make(engine, source)
    target = folder / variant.FILES[engine]
    with TemporaryDirectory() as aside:
        path = Path(aside) / target.name
        path.write_bytes(content)
        made = {
            "name": manifest["name"],
            "version": manifest["version"],
            "file": target.name,
            "sha256": sha256_of(path),
            variant.MADE_FROM: sha256_of(source),
            **_METHODS[engine],
            **provenance(),
        }
        write_manifest(path.parent, made)
        made["parity"] = _prove(engine, path, source, golden.drawn() if pictures is None else pictures)
    write_whole(target, content)
    write_manifest(target.parent, made)
    return made


def make(engine: str, source: Path) -> bytes:
    """The bytes of an engine's file.

    Args:
        engine: OpenCV or LiteRT.
        source: The network in float, as ONNX.

    Raises:
        ConfigurationError: The file is no network of ours.
        EngineError: The engine's package is not installed.
    """
    return _MAKERS[engine](source)


def _make_opencv(source: Path) -> bytes:
    return cut_convolutions(source).SerializeToString()


def _make_litert(source: Path) -> bytes:
    try:
        from endface_build.export.to_litert import to_tflite
    except ModuleNotFoundError as exc:
        raise EngineError(
            f"Files for LiteRT need the package {exc.name}: install it with `pip install 'endface[litert]'`."
        ) from exc

    model = cut_convolutions(source)
    squares = (draw_square(CALIBRATION_SEED, index)[0] for index in range(CALIBRATION_COUNT))
    return to_tflite(model, ranges_of(model, (graph_ends.to_planes(square[None, None]) for square in squares)))


def _prove(engine: str, path: Path, source: Path, pictures: Iterable[Golden]) -> dict[str, Any]:
    """Both networks on the same pictures, the new one as a user will run it."""
    parity = compare(Engine(source), ENGINES[engine](path).segment, pictures).parity
    if parity.labels_equal < PARITY[engine] or parity.flips:
        raise ConfigurationError(
            f"In the engine {engine} {parity.labels_equal:.5f} of the labels are those of the network in float (at "
            f"least {PARITY[engine]} wanted), and these verdicts change: {', '.join(parity.flips) or 'none'}. Nothing "
            "was written; inspect with ONNX Runtime, or train a better network."
        )
    return asdict(parity) | {"flips": list(parity.flips)}


_MAKERS: Final[Mapping[str, Callable[[Path], bytes]]] = {
    variant.OPENCV: _make_opencv,
    variant.LITERT: _make_litert,
}

_METHODS: Final[Mapping[str, dict[str, Any]]] = {
    variant.OPENCV: {"precision": "fp32"},
    variant.LITERT: {
        "precision": "int8",
        "activations": "int8 per tensor",
        "weights": "int8 per channel; the last convolution in float",
        "calibration": {"seed": CALIBRATION_SEED, "squares": CALIBRATION_COUNT, "ranges": "minmax"},
    },
}
"""How each is made, for its manifest."""
