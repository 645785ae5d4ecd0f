"""The network in eight bits: static quantization of its convolutions, and a test of what that costs.

The first convolution and the last two stay in float, and so does what lies before them (normalizing) and behind them
(the probability of a mark): a faint mark is a few hundredths of the input planes' range, and the outline of a mark is
drawn at a probability of one half, between pixels.  On drawn faces that takes a third off the error of the probability
there, for a tenth more time.  What is in float is folded into fewer steps (``fold_ends``).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from endface import contract
from endface.contract import OUTLINE
from endface.engines.manifest import float_sha256
from endface.engines.onnx_network import open_graph
from endface.errors import ConfigurationError
from endface.files import sha256_of, write_together
from endface_build.drawing.squares import Outlined, draw_square
from endface_build.evaluation.square_metrics import SquareTally, within_outlines
from endface_build.export.fold_ends import fold_ends
from endface_build.manifest import MANIFEST_FILE, MODEL_FILE, as_bytes, read_manifest
from endface_build.provenance import provenance

FP32_FILE: Final = "model.fp32.onnx"
"""The network that the served one was made from; GPUs are compiled from it."""

CALIBRATION_SEED: Final = 20_005
"""Seed of the drawn set that fixes the ranges; training and judging use others."""

CALIBRATION_COUNT: Final = 48

FLOAT_FIRST: Final = 1
FLOAT_LAST: Final = 2
"""Convolutions at both ends that stay in float."""

MAX_LOSS: Final = 0.01
"""Recall and precision may each lose this much."""

_NEAR_OUTLINE: Final = 64
"""Steps of confidence around the outline's where it is compared: a quarter of the range."""

_QUANTIZED: Final = frozenset({"Add", "Concat", "Conv", "MaxPool", "Relu", "Resize"})
"""Operators with a kernel for bytes in ONNX Runtime that occur between convolutions."""


def quantize(  # noqa: PLR0913 - all but the first two are by keyword
    folder: Path,
    target: Path,
    *,
    judged: Iterable[Outlined] | None = None,
    calibration: Sequence[NDArray[np.uint8]] | None = None,
    max_loss: float = MAX_LOSS,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Write a network's quantized form, with the network in float beside it as ``model.fp32.onnx``.

    A folder that holds a quantized network already is quantized anew from its ``model.fp32.onnx``.

    Args:
        folder: Holds ``model.onnx`` and ``manifest.json``.
        target: Where the three files go; may be the same folder.
        judged: Squares and true labels, uint8 (512, 512) each, to measure the loss on; None for the held-out set.
        calibration: Squares, uint8 (512, 512), that fix the ranges; None for the usual ones.
        max_loss: What recall and precision may lose.
        progress: Called after each judged square with the number done.

    Returns:
        The new manifest.

    Raises:
        ConfigurationError: The folder holds no network, or quantizing costs too much: nothing was written then.
    """
    manifest = read_manifest(folder)
    source = source_of(folder, manifest)
    recipe = manifest["recipe"]
    if judged is None:
        judged = (draw_square(recipe["held_out_seed"], index).outlined for index in range(recipe["held_out_count"]))
    squares = calibration_squares() if calibration is None else calibration
    with TemporaryDirectory() as aside:
        path = Path(aside) / MODEL_FILE
        _quantize(source, path, squares)
        comparison, metrics = _compare(source, path, judged, progress)
        data, sha256 = path.read_bytes(), sha256_of(path)
    _refuse_loss(comparison["loss"], max_loss)
    manifest |= {"file": MODEL_FILE, "sha256": sha256, "precision": "int8", "metrics": metrics}
    manifest["quantization"] = {
        "from": FP32_FILE,
        "from_sha256": sha256_of(source),
        "calibration": {"seed": CALIBRATION_SEED, "squares": len(squares), "ranges": "minmax"},
        "activations": "uint8 per tensor",
        "weights": "int8 per channel, 7 bits",
        "float": f"the first {FLOAT_FIRST} and last {FLOAT_LAST} convolutions",
        "onnxruntime": onnxruntime.__version__,
        **comparison,
        **provenance(),
    }
    contents = {target / FP32_FILE: source.read_bytes(), target / MODEL_FILE: data}
    write_together(contents | {target / MANIFEST_FILE: as_bytes(manifest)})
    return manifest


def calibration_squares() -> list[NDArray[np.uint8]]:
    """The drawn squares that fix the ranges of eight bits, uint8 (512, 512) each."""
    return [draw_square(CALIBRATION_SEED, index)[0] for index in range(CALIBRATION_COUNT)]


def source_of(folder: Path, manifest: dict[str, Any]) -> Path:
    """The network in float that the folder's network is, or was made from.

    Args:
        folder: Holds ``model.onnx``.
        manifest: The folder's manifest.

    Raises:
        ConfigurationError: The network in float is missing or another one.
    """
    source = folder / (FP32_FILE if "quantization" in manifest else MODEL_FILE)
    if not source.is_file() or sha256_of(source) != float_sha256(manifest):
        raise ConfigurationError(
            f"{source} is not the network in float that the manifest in {folder} speaks of: restore it from version "
            "control, or write it anew with `endface-build export`."
        )
    return source


class CalibrationSquares(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime ships no types
    """Squares that ONNX Runtime takes one by one to fix the ranges."""

    def __init__(self, squares: Sequence[NDArray[np.uint8]]):
        self._squares = iter(squares)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next input, or None at the end."""
        square = next(self._squares, None)
        return None if square is None else {contract.SQUARE.name: square[None, None]}


def _quantize(source: Path, target: Path, squares: Sequence[NDArray[np.uint8]]) -> None:
    """Write the quantized graph with the properties of its source."""
    folded, prepared = target.with_name("folded.onnx"), target.with_name("prepared.onnx")
    onnx.save_model(fold_ends(onnx.load(source)), folded)
    quant_pre_process(str(folded), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(target),
        CalibrationSquares(squares),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        # A CPU without VNNI adds pairs of products in 16 bits; with weights of 7 bits they never overflow there, so
        # every server of a fleet gives the same labels.
        reduce_range=True,
        # Minimum and maximum did as well as entropy here, and better than percentiles: no outlier is cut off.
        calibrate_method=CalibrationMethod.MinMax,
        nodes_to_quantize=between_convolutions(onnx.load(prepared).graph, FLOAT_FIRST, FLOAT_LAST),
    )
    model = onnx.load(target)
    onnx.helper.set_model_props(model, {entry.key: entry.value for entry in onnx.load(source).metadata_props})
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, target)


def between_convolutions(graph: onnx.GraphProto, first: int = 0, last: int = 0) -> list[str]:
    """Names of the nodes from the first convolution to the last that may be quantized.

    Args:
        graph: Nodes in topological order, as ONNX demands.
        first: Convolutions at the beginning that are left out.
        last: Convolutions at the end that are left out.

    Raises:
        ConfigurationError: No convolution is left.
    """
    convolutions = [node.name for node in graph.node if node.op_type == "Conv"]
    inner = set(convolutions[first : len(convolutions) - last])
    behind = _reached(graph.node, inner, lambda node: (node.input, node.output))
    before = _reached(reversed(graph.node), inner, lambda node: (node.output, node.input))
    names = [
        node.name
        for node in graph.node
        if node.name in behind & before
        and node.op_type in _QUANTIZED
        and (node.op_type != "Conv" or node.name in inner)
    ]
    if not names:
        raise ConfigurationError("The network has no convolution to quantize.")
    return names


def _reached(
    nodes: Iterable[Any], starts: Collection[str], ends: Callable[[Any], tuple[Sequence[str], Sequence[str]]]
) -> set[str]:
    """Names of some nodes and of all that a tensor leads to from one, in the order of ``nodes``."""
    tensors: set[str] = set()
    names = set()
    for node in nodes:
        entry, exit_ = ends(node)
        if node.name in starts or tensors.intersection(entry):
            tensors.update(exit_)
            names.add(node.name)
    return names


def _refuse_loss(loss: dict[str, float], max_loss: float) -> None:
    """Refuse a network that lost too much recall or precision."""
    if max(loss.values()) > max_loss:
        lost = " and ".join(f"{amount:.4f} of the {name}" for name, amount in loss.items())
        raise ConfigurationError(
            f"Eight bits cost {lost}, more than {max_loss}: nothing was written. "
            "Train longer or wider, then export and quantize again."
        )


def _compare(
    source: Path, quantized: Path, judged: Iterable[Outlined], progress: Callable[[int], None] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both networks on the same squares: what is lost and gained, and the quantized one's metrics.

    ``probability_error`` is the mean difference of the probability of a mark where it is 0.25 to 0.75 in float, which
    is where outlines run.
    """
    engines = open_graph(source), open_graph(quantized)
    tallies = SquareTally(), SquareTally()
    same: list[float] = []
    errors: list[NDArray[np.int16]] = []
    seconds: tuple[list[float], list[float]] = ([], [])
    for done, (square, truth) in enumerate(judged, start=1):
        labels, sure = [], []
        for engine, tally, spent in zip(engines, tallies, seconds, strict=True):
            started = time.thread_time()  # one thread of its own: the CPU's other work does not count
            found, confidence = engine(square[None, None])
            spent.append(time.thread_time() - started)
            tally.add(truth, within_outlines(found[0], confidence[0]))
            labels.append(found[0])
            sure.append(confidence[0].astype(np.int16))
        same.append(float((labels[0] == labels[1]).mean()))
        errors.append(np.abs(sure[1] - sure[0])[np.abs(sure[0] - OUTLINE) < _NEAR_OUTLINE])
        if progress is not None:
            progress(done)
    before, after = (tally.metrics() for tally in tallies)
    figures = {
        "squares": len(same),
        "labels_equal": round(statistics.fmean(same), 6),
        "probability_error": round(
            float(np.concatenate([*errors, [0]]).sum() / max(1, sum(map(len, errors)))) / 255, 4
        ),
        "fp32": {name: before[name]["any"] for name in ("recall", "precision", "iou")},
        "loss": {name: _loss(before[name]["any"], after[name]["any"]) for name in ("recall", "precision")},
        "time_ratio": round(statistics.median(seconds[1]) / statistics.median(seconds[0]), 3),
    }
    return figures, {"squares": len(same), **after}


def _loss(before: float | None, after: float | None) -> float:
    """The loss of a share; one that cannot be formed any more has lost everything."""
    return round((before or 0.0) - (after or 0.0), 4)
