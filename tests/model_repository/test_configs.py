"""The hand-written ``config.pbtxt`` files against the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from endface import contract
from endface.engines.catalog import SERVED, Engine, named
from endface_client._base_client import DEFAULT_DEADLINE_S

STAGES = (contract.PREPROCESS, contract.SEGMENT, contract.POSTPROCESS)
_DATATYPES = {"BYTES": "TYPE_STRING", "UINT8": "TYPE_UINT8"}


@pytest.fixture(params=contract.MODELS, ids=lambda model: model.name)
def model(request: pytest.FixtureRequest) -> contract.ModelSpec:
    """Every model of the contract in its turn."""
    spec: contract.ModelSpec = request.param
    return spec


@pytest.fixture(params=STAGES, ids=lambda stage: stage.name)
def stage(request: pytest.FixtureRequest) -> contract.ModelSpec:
    """Every stage in its turn."""
    spec: contract.ModelSpec = request.param
    return spec


@pytest.fixture(params=SERVED, ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every engine in its turn."""
    spec: Engine = request.param
    return spec


def _read(project: Path, name: str, file: str = "config.pbtxt") -> Any:
    text = (project / "model_repository" / name / file).read_text(encoding="utf-8")
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def _segment(project: Path, engine: Engine) -> Any:
    """The network's configuration for an engine."""
    return _read(project, "segment", "config.pbtxt" if engine == SERVED[0] else f"configs/{engine.name}.pbtxt")


def _tensors(tensors: Any) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(t.name, model_config_pb2.DataType.Name(t.data_type), tuple(t.dims)) for t in tensors]


def _expected(specs: tuple[contract.TensorSpec, ...]) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(spec.name, _DATATYPES[spec.datatype], spec.dims) for spec in specs]


def test_repository_holds_the_contracts_models_and_nothing_else(project: Path) -> None:
    """Triton exits over a folder that is no model, so there is none."""
    folders = {entry.name for entry in (project / "model_repository").iterdir() if entry.is_dir()}

    assert folders == {spec.name for spec in contract.MODELS}


def test_tensors_are_the_contracts(project: Path, model: contract.ModelSpec) -> None:
    """Names, types and shapes, in the contract's order."""
    config = _read(project, model.name)

    assert config.name == model.name
    assert _tensors(config.input) == _expected(model.inputs)
    assert _tensors(config.output) == _expected(model.outputs)


def test_batches_are_alike(project: Path) -> None:
    """A batch that the ensemble takes fits through every step."""
    assert {_read(project, spec.name).max_batch_size for spec in contract.MODELS} == {8}


def test_first_queue_is_bounded_by_time_and_length(project: Path) -> None:
    """It refuses what it cannot hold, or has held for too long; a request may shorten its own wait.

    A core that inspects ten pictures a second reaches the last one within half of a client's deadline.
    """
    config = _read(project, "preprocess")
    policy = config.dynamic_batching.default_queue_policy
    processes = sum(group.count for group in config.instance_group)

    assert policy.max_queue_size == 32 * processes
    assert policy.max_queue_size / (10 * processes) < DEFAULT_DEADLINE_S / 2
    assert policy.default_timeout_microseconds == DEFAULT_DEADLINE_S * 1e6
    assert policy.timeout_action == model_config_pb2.ModelQueuePolicy.REJECT
    assert policy.allow_timeout_override


@pytest.mark.parametrize("name", ["segment", "postprocess"])
def test_what_has_been_begun_is_not_refused(project: Path, name: str) -> None:
    """No queue behind the first one has a bound, with which Triton would also keep free processes waiting."""
    assert not _read(project, name).dynamic_batching.HasField("default_queue_policy")


def test_stages_run_on_the_cpu_two_by_two(project: Path, stage: contract.ModelSpec) -> None:
    """The repository's own engine runs anywhere; no instance stands alone.

    Behind a bounded queue, a picture that comes while the only instance is finishing may wait half a second.
    """
    config = _read(project, stage.name)
    (group,) = config.instance_group

    assert config.backend == "python"
    assert group.kind == model_config_pb2.ModelInstanceGroup.KIND_CPU
    assert group.count >= 2


def test_ensemble_leads_each_tensor_under_its_own_name(project: Path) -> None:
    """Every step gets its tensors from a step before it, and the ensemble its outputs from a step."""
    known = {spec.name for spec in contract.ENSEMBLE.inputs}

    steps = _read(project, "endface").ensemble_scheduling.step
    for step, stage in zip(steps, STAGES, strict=True):
        assert (step.model_name, step.model_version) == (stage.name, -1)
        assert dict(step.input_map) == {spec.name: spec.name for spec in stage.inputs}
        assert dict(step.output_map) == {spec.name: spec.name for spec in stage.outputs}
        assert set(step.input_map.values()) <= known
        known |= set(step.output_map.values())

    assert {spec.name for spec in contract.ENSEMBLE.outputs} <= known


def test_every_engine_has_its_configuration(project: Path) -> None:
    """And there is none without an engine."""
    names = {path.stem for path in (project / "model_repository" / "segment" / "configs").iterdir()}

    assert {"onnxruntime", *names} == {engine.name for engine in SERVED}


def test_engines_speak_the_same_contract(project: Path, engine: Engine) -> None:
    """Names, types and shapes are the same whatever runs the network, and a request of the ensemble fits."""
    config = _segment(project, engine)

    assert config.name == "segment"
    assert _tensors(config.input) == _expected(contract.SEGMENT.inputs)
    assert _tensors(config.output) == _expected(contract.SEGMENT.outputs)
    assert config.max_batch_size >= _read(project, "endface").max_batch_size


def test_only_a_gpu_has_a_queue_with_bounds(project: Path, engine: Engine) -> None:
    """On the cores the first queue holds the wait; a card gets pictures from cores that it does not slow down."""
    batching = _segment(project, engine).dynamic_batching

    assert batching.HasField("default_queue_policy") == bool(engine.runtime)
    if engine.runtime:
        assert batching.default_queue_policy == _read(project, "preprocess").dynamic_batching.default_queue_policy
    assert not batching.preserve_ordering  # it would make a fast answer wait for a slow one


@pytest.mark.parametrize(
    ("name", "served_by", "file"),
    [
        ("onnxruntime", "python", ""),
        ("onnxruntime_native", "onnxruntime_onnx", "model.onnx"),
        ("tensorrt", "tensorrt_plan", "model.plan"),
        ("tensorrt_rtx", "python", ""),
    ],
)
def test_engine_is_run_by_its_backend(project: Path, name: str, served_by: str, file: str) -> None:
    """Triton's own backends load the file itself; the Python backend is told which engine it is."""
    config = _segment(project, named(name))

    assert (config.backend or config.platform) == served_by
    assert config.default_model_filename == file
    told = config.parameters["engine"].string_value if "engine" in config.parameters else ""
    assert told == (name if served_by == "python" else "")


def test_plans_run_once_on_each_gpu(project: Path, engine: Engine) -> None:
    """An instance each: two on one card would only hold its memory twice; ONNX Runtime stays on the CPU.

    Pictures are put together on a GPU alone: on a core a batch is no faster than its pictures one by one, and all of
    them wait for the last.
    """
    config = _segment(project, engine)
    (group,) = config.instance_group

    if engine.runtime:
        assert (group.count, group.kind) == (1, model_config_pb2.ModelInstanceGroup.KIND_GPU)
        assert not group.gpus  # all that there are
    else:
        assert group.kind == model_config_pb2.ModelInstanceGroup.KIND_CPU
    assert list(config.dynamic_batching.preferred_batch_size) == ([] if engine.runtime else [1])


def test_recorded_batches_are_ones_that_come(project: Path) -> None:
    """A CUDA graph is replayed for exactly its batch, on the plan's profile that covers it."""
    config = _segment(project, named("tensorrt"))
    graphs = config.optimization.cuda

    assert list(config.instance_group[0].profile) == ["0"]
    assert graphs.graphs
    assert {spec.batch_size for spec in graphs.graph_spec} <= set(range(1, config.max_batch_size + 1))
    assert [{name: tuple(shape.dim) for name, shape in spec.input.items()} for spec in graphs.graph_spec] == [
        {contract.SQUARE.name: contract.SQUARE.dims}
    ] * len(graphs.graph_spec)


def test_warm_up_square_is_there(project: Path, engine: Engine) -> None:
    """Triton warms the network up, alone and as the largest batch, with a file of exactly one square."""
    config = _segment(project, engine)

    assert [warmup.batch_size for warmup in config.model_warmup] == [1, config.max_batch_size]
    for warmup in config.model_warmup:
        file = project / "model_repository" / "segment" / "warmup" / warmup.inputs["SQUARE"].input_data_file
        assert file.stat().st_size == contract.SQUARE_PX**2


def test_no_absolute_paths(project: Path, stage: contract.ModelSpec) -> None:
    """The repository may lie anywhere: beside the sources, or in a container."""
    folder = project / "model_repository" / stage.name
    files = [folder / "config.pbtxt", folder / "1" / "model.py", *folder.glob("configs/*.pbtxt")]
    texts = [file.read_text(encoding="utf-8") for file in files]

    assert not [text for text in texts if '"/' in text]
