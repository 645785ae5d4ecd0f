"""A graph around a network from outside, so that it speaks the contract: squares in, labels and confidence out.

    SQUARE --for each--> picture as the network wants it -> the network -> what its outputs mean -> LABELS, CONFIDENCE

All of it is standard ONNX, so the engine that runs our own network runs this one: no server learns a second format.
The squares of a batch are taken one by one (``Scan``): networks are often exported for one picture, and boxes have to
be sorted out picture by picture anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
import onnx.parser
from numpy.typing import NDArray

from endface.contract import CONFIDENCE, LABELS, SQUARE, SQUARE_PX
from endface.errors import ConfigurationError
from endface_build.foreign.read_network import Foreign, ImageInput

PADDING: Final = 114
"""Gray level beside a letterboxed picture: what YOLO's trainer pads with."""

_BEFORE: Final = "before/"
_THEIRS: Final = "theirs/"
_AFTER: Final = "after/"
"""Put before all names of a part, so that no two parts share one."""


@dataclass(frozen=True)
class Inner:
    """Where in a network's picture the square goes, in pixels."""

    top: int
    left: int
    height: int
    width: int


def stretched(image: ImageInput) -> Inner:
    """The square takes the whole picture."""
    return Inner(0, 0, image.height, image.width)


def letterboxed(image: ImageInput) -> Inner:
    """The square stays square, in the middle of the picture."""
    side = min(image.height, image.width)
    return Inner((image.height - side) // 2, (image.width - side) // 2, side, side)


def wrap(network: Foreign, before: str, after: str, links: dict[str, str]) -> onnx.ModelProto:
    """The whole graph: squares to label maps.

    Args:
        network: The network.
        before: ONNX text of the graph from ``square``, uint8 [1, 512, 512], to ``image``, what the network takes.
        after: ONNX text of the graph from the network's outputs to ``labels`` and ``confidence``, uint8 [512, 512].
        links: The network's outputs and the inputs of ``after`` that they go into.

    Returns:
        A model of the contract's tensors.
    """
    bridges = {_THEIRS + output: _AFTER + own for output, own in links.items()}
    one = _joined(_until_outputs(network, before), _parsed(after, _AFTER), bridges)
    side, uint8 = SQUARE_PX, onnx.TensorProto.UINT8
    scan = onnx.helper.make_node("Scan", [SQUARE.name], [LABELS.name, CONFIDENCE.name], body=one, num_scan_inputs=1)
    graph = onnx.helper.make_graph(
        [scan],
        "segment",
        [onnx.helper.make_tensor_value_info(SQUARE.name, uint8, ["N", *SQUARE.dims])],
        [onnx.helper.make_tensor_value_info(name, uint8, ["N", side, side]) for name in (LABELS.name, CONFIDENCE.name)],
    )
    model = _model(graph, network)
    onnx.helper.set_model_props(model, {"contract": "endface.segment/1"})
    onnx.checker.check_model(model)
    return model


def raw_outputs(network: Foreign, before: str, square: NDArray[np.uint8]) -> dict[str, NDArray[np.generic]]:
    """What a network says of a square, by the names of its outputs: its true shapes, whatever the file declares.

    Args:
        network: The network.
        before: As for ``wrap``.
        square: uint8 (512, 512).

    Raises:
        ConfigurationError: ONNX Runtime cannot run the network on pictures of its size.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is said by the exception
    try:
        model = _model(_until_outputs(network, before), network)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        values = session.run(None, {_BEFORE + "square": square[None]})
    except Exception as exc:  # ONNX Runtime's errors share no base class
        image = network.image
        raise ConfigurationError(
            f"ONNX Runtime cannot run {network.path} on a picture of {image.height} x {image.width} pixels: "
            f"export it with standard operators and for this size. ({exc})"
        ) from exc
    names = [output.name.removeprefix(_THEIRS) for output in session.get_outputs()]
    return dict(zip(names, values, strict=True))


def to_image(image: ImageInput, *, scale: float, mean: tuple[float, ...], std: tuple[float, ...], inner: Inner) -> str:
    """ONNX text of the way from a square to a network's picture.

    Args:
        image: What the network takes.
        scale: Factor on the gray levels.
        mean: Subtracted after that, one number or one a channel.
        std: Divided by after that.
        inner: Where in the picture the square goes.
    """
    height, width = inner.height, inner.width
    whole = "Round" if image.datatype == "UINT8" else "Identity"
    pads = [0, 0, inner.top, inner.left, 0, 0, image.height - height - inner.top, image.width - width - inner.left]
    return f"""
before (uint8{[1, SQUARE_PX, SQUARE_PX]} square)
    => ({image.datatype.lower()}{[1, image.channels, image.height, image.width]} image)
<int64[1] first = {{0}}, int64[4] inner = {{1, 1, {height}, {width}}}, int64[8] pads = {numbers(*pads)},
 float[1] padding = {{{float(PADDING)}}}, float[1] scale = {{{scale!r}}},
 float[1,{len(mean)},1,1] mean = {numbers(*mean)}, float[1,{len(std)},1,1] std = {numbers(*std)},
 int64[4] whole = {numbers(1, image.channels, image.height, image.width)}>
{{
    levels = Cast <to = {onnx.TensorProto.FLOAT}> (square)
    plane = Unsqueeze (levels, first)
    sized = Resize <mode = "linear", coordinate_transformation_mode = "half_pixel"> (plane, , , inner)
    gray = Squeeze (padding, first)
    padded = Pad (sized, pads, gray)
    scaled = Mul (padded, scale)
    centred = Sub (scaled, mean)
    normal = Div (centred, std)
    every = Expand (normal, whole)
    rounded = {whole} (every)
    image = Cast <to = {onnx.TensorProto.DataType.Value(image.datatype)}> (rounded)
}}"""


def numbers(*values: float) -> str:
    """Numbers as the data of a tensor in ONNX's text."""
    return "{" + ", ".join(map(repr, values)) + "}"


def _until_outputs(network: Foreign, before: str) -> onnx.GraphProto:
    """From the square to the network's own outputs."""
    theirs = onnx.GraphProto()
    theirs.CopyFrom(network.model.graph)
    _put_before_names(theirs, _THEIRS)
    return _joined(_parsed(before, _BEFORE), theirs, {_BEFORE + "image": _THEIRS + network.image.name})


def _joined(first: onnx.GraphProto, second: onnx.GraphProto, links: dict[str, str]) -> onnx.GraphProto:
    """One graph of two that share no name: outputs of the first go into inputs of the second."""
    bridges = [onnx.helper.make_node("Identity", [output], [entry]) for output, entry in links.items()]
    return onnx.helper.make_graph(
        [*first.node, *bridges, *second.node],
        "wrapped",
        first.input,
        second.output,
        [*first.initializer, *second.initializer],
        sparse_initializer=[*first.sparse_initializer, *second.sparse_initializer],
    )


def _put_before_names(graph: onnx.GraphProto, prefix: str) -> None:
    """Put a prefix before every name, those in graphs within the graph included (onnx.compose forgets some)."""
    del graph.value_info[:]  # worked out anew by whoever loads the graph
    for value in (*graph.input, *graph.output):
        value.name = prefix + value.name
    for tensor in (*graph.initializer, *(sparse.values for sparse in graph.sparse_initializer)):
        tensor.name = prefix + tensor.name
    for node in graph.node:
        node.name = prefix + node.name if node.name else ""  # an empty name stands for none
        for names in (node.input, node.output):
            names[:] = [prefix + name if name else "" for name in names]
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                _put_before_names(inner, prefix)


def _parsed(text: str, prefix: str) -> onnx.GraphProto:
    """A graph from its text, with a prefix before its names."""
    graph = onnx.parser.parse_graph(text)
    _put_before_names(graph, prefix)
    return graph


def _model(graph: onnx.GraphProto, network: Foreign) -> onnx.ModelProto:
    """A model in the network's own format and operator sets."""
    return onnx.helper.make_model(graph, opset_imports=network.model.opset_import, ir_version=network.model.ir_version)
