"""A network from outside: an ONNX file that somebody else's tool wrote, as far as it must be known to be wrapped."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnx
import onnx.inliner
import onnx.version_converter
from google.protobuf.message import DecodeError

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
    """

    name: str
    datatype: str
    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class Foreign:
    """A network from outside.

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


def read_foreign(path: Path, network_map: NetworkMap, *, usual_px: int | None = None) -> Foreign:
    """Read a network from outside.

    Args:
        path: Its ``.onnx`` file.
        network_map: Gives the input's size where the network leaves it open.
        usual_px: Side of the input where nothing says it; None to insist on being told.

    Raises:
        ConfigurationError: It is no ONNX file, cannot be brought to a newer operator set, or takes something else than
            one picture [1, 1 or 3, height, width] of a size that can be known.
    """
    model = _modern(_load(path), path)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    size = network_map.size or _exported_size(properties, path) or (usual_px and (usual_px, usual_px)) or None
    image = _image(model.graph, size, path)
    if network_map.size not in (None, (image.height, image.width)):
        raise ConfigurationError(
            f"{path} takes {image.height} x {image.width} pixels, {network_map.path} says {network_map.size}: "
            "take the size out of the map."
        )
    return Foreign(path, model, image, _names(properties, path))


def _load(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (OSError, DecodeError, ValueError, onnx.checker.ValidationError) as exc:
        if not path.is_file():
            raise ConfigurationError(f"There is no file {path}: name the network's .onnx file.") from exc
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
    constant = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constant]
    shapes = {value.name: _dims(value) for value in inputs}
    batch, channels, height, width = next(iter(shapes.values())) if _is_one_picture(shapes) else (None, 0, None, None)
    datatype = onnx.TensorProto.DataType.Name(inputs[0].type.tensor_type.elem_type) if inputs else ""
    if channels not in (1, 3) or datatype not in INPUT_TYPES:
        raise ConfigurationError(
            f"{path} takes {shapes}; wanted is one input [1, 1 or 3, height, width] of float32, float16 or uint8."
        )
    if batch not in (None, 1):
        raise ConfigurationError(f"{path} takes {batch} pictures at a time: export it with batch=1, or dynamic.")
    if height is None or width is None:
        if size is None:
            raise ConfigurationError(
                f"{path} leaves its input's size open: write [input] and size = [height, width] into the map, "
                "the size that it was trained on."
            )
        height, width = height or size[0], width or size[1]
    return ImageInput(inputs[0].name, datatype, channels, height, width)


def _is_one_picture(shapes: dict[str, list[int | None]]) -> bool:
    return len(shapes) == 1 and all(len(shape) == 4 for shape in shapes.values())


def _dims(value: onnx.ValueInfoProto) -> list[int | None]:
    """Lengths of a tensor's axes; None for those that are open."""
    return [dim.dim_value if dim.dim_value > 0 else None for dim in value.type.tensor_type.shape.dim]


def _exported_size(properties: dict[str, str], path: Path) -> tuple[int, int] | None:
    """The size that YOLO's exporter notes under ``imgsz``, height first."""
    match _literal(properties, "imgsz", path):
        case None:
            return None
        case [int(height), int(width)]:
            return height, width
        case int(side):
            return side, side
    raise ConfigurationError(f"{path} notes imgsz as {properties['imgsz']}: give the size in the map's [input].")


def _names(properties: dict[str, str], path: Path) -> dict[int, str]:
    """The classes that YOLO's exporter notes under ``names``: a dictionary or list in Python's spelling."""
    noted = _literal(properties, "names", path)
    if isinstance(noted, (list, tuple)):
        noted = dict(enumerate(noted))
    if noted is None:
        return {}
    if not isinstance(noted, dict) or sorted(noted) != list(range(len(noted))):
        raise ConfigurationError(f"{path} notes the names of its classes as {noted}: export it again.")
    return {number: str(name) for number, name in noted.items()}


def _literal(properties: dict[str, str], key: str, path: Path) -> Any:
    if key not in properties:
        return None
    try:
        return ast.literal_eval(properties[key])
    except (ValueError, SyntaxError) as exc:
        raise ConfigurationError(f"{path} notes {key} as {properties[key]!r}, which cannot be read.") from exc
