"""The one reader of foreign networks: ONNX files that somebody else's tool wrote."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnx
import onnx.inliner
import onnx.version_converter
from google.protobuf.message import DecodeError

from endface.contract import SQUARE_PX
from endface.errors import ConfigurationError
from endface_build.foreign.class_map import NetworkMap

OLDEST_OPSET: Final = 13
"""From this operator set on, what is put around the network is spelled the same way; older ones are converted."""

INPUT_TYPES: Final = ("FLOAT", "FLOAT16", "UINT8")
"""Types that a network's input may have, as ONNX names them."""


@dataclass(frozen=True)
class ImageInput:
    """The picture that a network takes.

    Attributes:
        name: Name of the tensor.
        datatype: One of ``INPUT_TYPES``.
        channels: 1 or 3; the square's gray levels go into each of them.
        height: Pixels.
        width: Pixels.
        is_size_assumed: Whether nothing says the size, so that the square's is taken.
    """

    name: str
    datatype: str
    channels: int
    height: int
    width: int
    is_size_assumed: bool = False

    @property
    def takes_bytes(self) -> bool:
        """Whether gray levels go in as they are."""
        return self.datatype == "UINT8"

    @property
    def onnx_type(self) -> int:
        """The type as ONNX numbers it."""
        return int(onnx.TensorProto.DataType.Value(self.datatype))


@dataclass(frozen=True)
class Foreign:
    """A foreign network.

    Attributes:
        path: Its file.
        model: Its graph, without functions of its own and in an operator set of at least ``OLDEST_OPSET``.
        image: What it takes.
        names: The names of its classes by number; empty where the file does not say.
    """

    path: Path
    model: onnx.ModelProto
    image: ImageInput
    names: dict[int, str]

    @property
    def opset(self) -> int:
        """The operator set."""
        return _opset(self.model)


def read_foreign(path: Path, network_map: NetworkMap) -> Foreign:
    """Read a foreign network.

    Args:
        path: Its ``.onnx`` file.
        network_map: Gives the input's size where the network leaves it open.

    Raises:
        ConfigurationError: It is no ONNX file, cannot be brought to a newer operator set, or takes something else than
            one picture [1, 1 or 3, height, width].
    """
    model = _modern(_load(path), path)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    image = _image(model.graph, network_map.size or _exported_size(properties, path), path)
    if network_map.size not in (None, (image.height, image.width)):
        raise ConfigurationError(
            f"{path} takes {image.height} x {image.width} pixels, {network_map.path} says {network_map.size}: "
            "take the size out of the map."
        )
    return Foreign(path, model, image, _names(properties, path))


def _load(path: Path) -> onnx.ModelProto:
    if not path.is_file():
        raise ConfigurationError(f"There is no file {path}: name the network's .onnx file.")
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (OSError, DecodeError, ValueError, onnx.checker.ValidationError) as exc:
        raise ConfigurationError(
            f"{path} is not a whole ONNX network: export it as ONNX, and keep a .data file beside it. ({exc})"
        ) from exc
    return model


def _modern(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """The network without functions of its own, in an operator set that is new enough."""
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    if _opset(model) >= OLDEST_OPSET:
        return model
    try:
        return onnx.version_converter.convert_version(model, OLDEST_OPSET)
    except Exception as exc:  # the converter's errors share no base class
        raise ConfigurationError(
            f"{path} is in operator set {_opset(model)}, and cannot be converted to {OLDEST_OPSET}: "
            f"export it again with opset={OLDEST_OPSET} or newer. ({exc})"
        ) from exc


def _opset(model: onnx.ModelProto) -> int:
    return next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)


def _image(graph: onnx.GraphProto, size: tuple[int, int] | None, path: Path) -> ImageInput:
    """The one input, its size taken from the graph where that says it."""
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in weights]
    shapes = [
        [dim.dim_value if dim.dim_value > 0 else None for dim in entry.type.tensor_type.shape.dim] for entry in inputs
    ]
    types = [onnx.TensorProto.DataType.Name(entry.type.tensor_type.elem_type) for entry in inputs]
    match shapes, types:
        case [[batch, (1 | 3) as channels, height, width]], [datatype] if datatype in INPUT_TYPES:
            if batch not in (None, 1):
                raise ConfigurationError(
                    f"{path} takes {batch} pictures at a time: export it with batch=1, or dynamic."
                )
            is_assumed = size is None and None in (height, width)
            usual = size or (SQUARE_PX, SQUARE_PX)
            return ImageInput(inputs[0].name, datatype, channels, height or usual[0], width or usual[1], is_assumed)
    raise ConfigurationError(
        f"{path} takes {shapes} as {', '.join(types)}; wanted is one input [1, 1 or 3, height, width] of float32, "
        "float16 or uint8."
    )


def _exported_size(properties: dict[str, str], path: Path) -> tuple[int, int] | None:
    """The size that YOLO's exporter notes under ``imgsz``, height first."""
    match _note(properties, "imgsz", path):
        case None:
            return None
        case [int(height), int(width)]:
            return height, width
        case int(side):
            return side, side
    raise ConfigurationError(f"{path} notes imgsz as {properties['imgsz']}: give the size in the map's [input].")


def _names(properties: dict[str, str], path: Path) -> dict[int, str]:
    """The classes that YOLO's exporter notes under ``names``: a dictionary or list in Python's spelling."""
    noted = _note(properties, "names", path)
    if noted is None:
        return {}
    if isinstance(noted, (list, tuple)):
        noted = dict(enumerate(noted))
    if not isinstance(noted, dict) or sorted(noted) != list(range(len(noted))):
        raise ConfigurationError(f"{path} notes the names of its classes as {noted}: export it again.")
    return {number: str(name) for number, name in noted.items()}


def _note(properties: dict[str, str], key: str, path: Path) -> Any:
    """What the exporter noted in Python's spelling; None where it noted nothing."""
    try:
        return ast.literal_eval(properties[key]) if key in properties else None
    except (ValueError, SyntaxError) as exc:
        raise ConfigurationError(f"{path} notes {key} as {properties[key]!r}, which cannot be read.") from exc
