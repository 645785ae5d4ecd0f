"""Networks from outside, built by hand: what they see is known by construction."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
import torch

from endface.engines.manifest import newest_version
from endface.files import sha256_of
from endface_build.data.drawn_pictures import encode
from endface_build.data.labelled import Labelled
from endface_build.evaluation.golden import Golden
from endface_build.manifest import MANIFEST_FILE, MODEL_FILE
from endface_build.rollout.versions import Versions

MASKS = 32

STEPS = """steps (uint8[N,1,512,512] SQUARE) => (uint8[N,512,512] LABELS, uint8[N,512,512] CONFIDENCE)
<float[8,1,3,3] spread, float[8,8,3,3] through, float[1,8,1,1] join, float scale, float low, float high,
 float full, int64[1] zero, int64[1] one, int64[1] two>
{
    gray = Cast <to = 1> (SQUARE)
    scaled = Mul (gray, scale)
    first = Conv <pads = [1, 1, 1, 1]> (scaled, spread)
    positive = Relu (first)
    second = Conv <pads = [1, 1, 1, 1]> (positive, through)
    both = Add (second, positive)
    third = Conv (both, join)
    clipped = Clip (third, low, high)
    level = Floor (clipped)
    sure = Mul (level, full)
    certain = Min (sure, full)
    ends = Concat <axis = 1> (level, certain)
    values = Cast <to = 2> (ends)
    upper = Slice (values, zero, one, one)
    LABELS = Squeeze (upper, one)
    lower = Slice (values, one, two, one)
    CONFIDENCE = Squeeze (lower, one)
}"""
"""A network in ONNX's text; ``write_steps`` says what it sees."""


def _save(text: str, path: Path, opset: int, properties: dict[str, str]) -> Path:
    graph = onnx.parser.parse_graph(text)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)
    onnx.helper.set_model_props(model, properties)
    onnx.save_model(model, path)
    return path


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """One thread for PyTorch: on a busy machine several wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def serving(repository: Path) -> Path:
    """The folder of the network that serves: the newest version of the repository under test."""
    segment = repository / "segment"
    return segment / str(newest_version(segment))


@pytest.fixture(scope="session")
def golden(samples: list[Path]) -> list[Golden]:
    """One golden picture, which a network that labels by brightness fails."""
    picture = next(path for path in samples if path.name == "multimode-clean.jpg")
    return [Golden("face.png", picture.read_bytes(), "mm-pc")]


@pytest.fixture(scope="session")
def wall() -> Labelled:
    """A labelled picture that cannot be judged: there is no fiber in it."""
    return Labelled("wall.png", encode(np.full((300, 300), 90, np.uint8)), np.zeros((300, 300), np.uint8))


@pytest.fixture(scope="session")
def write_yolo() -> Callable[..., Path]:
    """Write a network with YOLO's two outputs: its objects, each as sure as the picture is bright.

    An object is (class, score, box, coefficients): the box is (left, top, right, bottom) in pixels of the input, and
    the coefficients are those of the first prototypes.  Other candidates have a score of 0.  ``prototypes`` are the
    first ones, (n, H / 4, W / 4); where none are given there is one, high everywhere.
    """

    def write(  # noqa: PLR0917 - the knobs of a network
        path: Path,
        objects: list[tuple[int, float, tuple[float, float, float, float], list[float]]],
        names: tuple[str, ...] = ("dust", "scratch"),
        prototypes: np.ndarray | None = None,
        size: tuple[int, int] = (64, 64),
        opset: int = 17,
        batch: str = "1",
        kind: str = "float",
        declared: str | None = None,
        properties: dict[str, str] | None = None,
        candidates: int = 84,
        filler: float = 3.0,
    ) -> Path:
        height, width = size
        basis = np.zeros((1, MASKS, height // 4, width // 4), np.float32)
        given = np.full((1, height // 4, width // 4), 8.0) if prototypes is None else prototypes
        basis[0, : len(given)] = given
        boxes = np.full((1, 4, candidates), filler, np.float32)
        scores = np.zeros((1, len(names), candidates), np.float32)
        weights = np.zeros((1, MASKS, candidates), np.float32)
        for number, (theirs, score, (left, top, right, bottom), coefficients) in enumerate(objects):
            boxes[0, :, number] = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
            scores[0, theirs, number] = score
            weights[0, : len(coefficients), number] = coefficients
        open_size = declared or f"{height},{width}"
        text = f"""
        yolo ({kind}[{batch},3,{open_size}] images)
            => ({kind}[{batch},rows,candidates] output0, {kind}[{batch},m,h,w] output1)
        {{
            as_float = Cast <to = 1> (images)
            brightness = ReduceMean <keepdims = 0> (as_float)
            sure = Mul (scores, brightness)
            all_of_it = Concat <axis = 1> (boxes, sure, weights)
            nothing = Mul (brightness, zero)
            mask_basis = Add (basis, nothing)
            output0 = Cast <to = {10 if kind == "float16" else 1}> (all_of_it)
            output1 = Cast <to = {10 if kind == "float16" else 1}> (mask_basis)
        }}"""
        _save(text, path, opset, {"names": str(dict(enumerate(names)))} if properties is None else properties)
        model = onnx.load(path)
        tensors = {"boxes": boxes, "scores": scores, "weights": weights, "basis": basis, "zero": np.float32(0)}
        model.graph.initializer.extend(
            onnx.numpy_helper.from_array(np.asarray(values), name) for name, values in tensors.items()
        )
        onnx.save_model(model, path)
        return path

    return write


@pytest.fixture(scope="session")
def write_segmenter() -> Callable[..., Path]:
    """Write a network with one picture as its input and ``nodes``, in ONNX's text, between ``image`` and ``out``."""

    def write(  # noqa: PLR0917 - the knobs of a network
        path: Path,
        nodes: str,
        takes: str = "float[1,3,64,64]",
        gives: str = "float[1,c,h,w]",
        opset: int = 17,
        properties: dict[str, str] | None = None,
    ) -> Path:
        text = f"segmenter ({takes} image) => ({gives} out) {{ {nodes} }}"
        return _save(text, path, opset, properties or {})

    return write


@pytest.fixture
def write_map(tmp_path: Path) -> Callable[..., Path]:
    """Write the map of a network: its classes, and what else is in the file."""

    def write(classes: dict[str, str], more: str = "") -> Path:
        lines = [f'"{theirs}" = "{ours}"' for theirs, ours in classes.items()]
        (tmp_path / "map.toml").write_text("\n".join(["[classes]", *lines, more]))
        return tmp_path / "map.toml"

    return write


@pytest.fixture(scope="session")
def rtx() -> str:
    """TensorRT for RTX, which compiles without a GPU."""
    if importlib.util.find_spec("tensorrt_rtx_bindings") is None:
        pytest.skip("TensorRT for RTX is not installed; pip install '.[rtx]' does, on Linux x86-64")
    return "tensorrt_rtx"


@pytest.fixture(scope="session")
def write_steps() -> Callable[..., Path]:
    """Write a version of a network of three convolutions that labels by brightness; say its folder.

    A pixel's label is its gray level over 50 without the rest, at most ``high``, and it is certain of it: with a
    ``high`` of 0 it sees no defect anywhere.  ``edit`` may change the model before it is written, ``spread`` its first
    weight.
    """

    def write(
        folder: Path, *, spread: float = 1.0, high: int = 4, edit: Callable[[onnx.ModelProto], None] = lambda _: None
    ) -> Path:
        model = onnx.helper.make_model(
            onnx.parser.parse_graph(STEPS), opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10
        )
        weights = {"spread": np.zeros((8, 1, 3, 3)), "through": np.zeros((8, 8, 3, 3)), "join": np.zeros((1, 8, 1, 1))}
        weights["spread"][:, 0, 1, 1] = spread
        weights["join"][0, 0] = 1 / spread
        numbers = {"scale": 1 / 50, "low": 0, "high": high, "full": 255}
        tensors = {name: np.float32(values) for name, values in (weights | numbers).items()}
        tensors |= {name: np.array([value], np.int64) for value, name in enumerate(("zero", "one", "two"))}
        del model.graph.value_info[:]
        model.graph.initializer.extend(onnx.numpy_helper.from_array(values, name) for name, values in tensors.items())
        edit(model)
        folder.mkdir(parents=True)
        onnx.save_model(model, folder / MODEL_FILE)
        manifest = {"name": "segment", "version": "1", "file": MODEL_FILE, "sha256": sha256_of(folder / MODEL_FILE)}
        (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
        return folder

    return write


@pytest.fixture
def versions(tmp_path: Path, write_steps: Callable[..., Path]) -> Versions:
    """A repository with a blind network, which passes every face, as its version 1."""
    folder = write_steps(tmp_path / "models" / "segment" / "1", high=0)
    (folder / "model.py").write_text("the adapter")
    (folder.parent / "config.pbtxt").touch()
    return Versions(tmp_path / "models")
