from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from endface.engines.catalog import ENGINES, OFFLINE, SERVED, Engine, check, named, network_file
from endface.engines.plan import PLAN_FILE
from endface.engines.tensorrt_library import Machine
from endface.errors import ConfigurationError, EngineError, PlanError

Write = Callable[..., Path]
WritePlan = Callable[..., object]

RTX = named("tensorrt_rtx")


@pytest.fixture
def network(tmp_path: Path, write_network: Write, project: Path) -> Path:
    """Version 1 of a network in a model's folder with the project's configurations."""
    (tmp_path / "configs").symlink_to(project / "model_repository" / "segment" / "configs")
    return write_network(tmp_path)


def test_engines_are_found_by_name() -> None:
    """A server takes its own engines only; the message names them."""
    assert [named(engine.name) for engine in SERVED] == list(SERVED)
    assert [named(engine.name, ENGINES) for engine in ENGINES] == list(ENGINES)
    with pytest.raises(EngineError, match=r"no engine 'opencv'; choose one of onnxruntime, .*tensorrt_rtx$"):
        named("opencv")


def describe(folder: Path, file: str, **manifest: object) -> None:
    """A network's file, and a manifest with what is given."""
    folder.mkdir(exist_ok=True)
    (folder / file).write_bytes(b"network")
    identity = {"name": "segment", "version": "1", "sha256": "a"}
    (folder / "manifest.json").write_text(json.dumps(identity | manifest), encoding="utf-8")


@pytest.mark.parametrize(
    "version", [{"sha256": "a"}, {"sha256": "b", "quantization": {"from_sha256": "a"}}], ids=["float", "quantized"]
)
def test_variants_lie_in_folders_of_their_own(tmp_path: Path, version: dict[str, object]) -> None:
    """They go by the network in float, so quantizing anew does not make them old."""
    describe(tmp_path, "model.onnx", **version)
    describe(tmp_path / "opencv", "model.onnx", from_sha256="a")
    describe(tmp_path / "litert", "model.tflite", from_sha256="a")

    found = {name: network_file(tmp_path, name).relative_to(tmp_path) for name in OFFLINE}

    assert found == {
        "onnxruntime": Path("model.onnx"),
        "opencv": Path("opencv/model.onnx"),
        "litert": Path("litert/model.tflite"),
    }


def test_missing_variant_says_how_to_make_it(tmp_path: Path) -> None:
    """The sentence holds the command, ready to be copied."""
    describe(tmp_path, "model.onnx")

    with pytest.raises(ConfigurationError, match=rf"export --format tflite --model {tmp_path}"):
        network_file(tmp_path, "litert")


@pytest.mark.parametrize("source", [{"from_sha256": "old"}, {}], ids=["of another network", "of no network"])
def test_variant_of_another_network_is_refused(tmp_path: Path, source: dict[str, object]) -> None:
    """After a new training the old network must not go on judging unseen."""
    describe(tmp_path, "model.onnx", sha256="new")
    describe(tmp_path / "opencv", "model.onnx", **source)

    with pytest.raises(ConfigurationError, match=r"made from another network.*export --format opencv"):
        network_file(tmp_path, "opencv")


def test_plan_that_fits_is_taken(network: Path, tmp_path: Path, gpu: Machine, write_plan: WritePlan) -> None:
    """Built here, from this network, for batches as large as the configuration's."""
    write_plan(network, gpu)

    check(tmp_path, RTX)


@pytest.mark.parametrize("name", ["onnxruntime", "onnxruntime_native"])
def test_engines_without_a_plan_need_nothing(network: Path, tmp_path: Path, name: str) -> None:
    """ONNX Runtime runs the network's own file, on a machine without a GPU as well."""
    assert not network.with_name(PLAN_FILE).exists()

    check(tmp_path, named(name))


@pytest.mark.parametrize("engine", SERVED, ids=lambda engine: engine.name)
def test_network_of_an_older_contract_is_refused(tmp_path: Path, write_network: Write, engine: Engine) -> None:
    """Also where Triton's own backend would load it, or a plan would be made from it."""
    write_network(tmp_path, properties={"contract": "endface.segment/1"})

    with pytest.raises(ConfigurationError, match=r"speaks the contract endface\.segment/1"):
        check(tmp_path, engine)


@pytest.mark.usefixtures("network", "gpu")
@pytest.mark.parametrize("name", ["tensorrt", "tensorrt_rtx"])
def test_missing_plan_says_how_to_build_it(tmp_path: Path, name: str) -> None:
    """The command in the message names runtime and folder, ready to be run."""
    with pytest.raises(
        PlanError, match=rf"no plan in .*`endface-build plan --runtime {name} --model {tmp_path / '1'}`"
    ):
        check(tmp_path, named(name))


def test_plan_of_another_network_is_refused(
    network: Path, tmp_path: Path, gpu: Machine, write_plan: WritePlan, write_network: Write
) -> None:
    """A report names the network's file, so a plan made from another one must not answer."""
    write_plan(network, gpu)
    newer = write_network(tmp_path, version=2, tensors={"LABELS": "OTHERS"})
    for name in ("model.plan", "plan.json"):
        network.with_name(name).rename(newer.with_name(name))

    with pytest.raises(PlanError, match="from another network"):
        check(tmp_path, RTX)


@pytest.mark.parametrize("batches", [{"max_batch": 8}, {"min_batch": 4}], ids=str)
def test_plan_for_other_batches_is_refused(
    network: Path, tmp_path: Path, gpu: Machine, write_plan: WritePlan, batches: dict[str, int]
) -> None:
    """Triton would hand over batches that the plan cannot take."""
    write_plan(network, gpu, **batches)

    with pytest.raises(PlanError, match=r"takes batches of \d to \d+, the server needs 1 to 32; .*--batch 1,8,32"):
        check(tmp_path, RTX)


def test_machine_without_a_gpu_is_told_so(
    network: Path, tmp_path: Path, gpu: Machine, write_plan: WritePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No command builds a plan that helps: the message names the engine that runs anywhere."""
    write_plan(network, gpu)
    monkeypatch.setattr(Machine, "here", lambda runtime: Machine(runtime, "1.7.1.116"))

    with pytest.raises(EngineError, match=r"tensorrt_rtx needs an NVIDIA GPU.*--engine onnxruntime"):
        check(tmp_path, RTX)


def test_missing_runtime_is_told(network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the runtime the message says how to install it, not how to build a plan."""
    assert network.exists()
    monkeypatch.setattr("endface.engines.tensorrt_library.importlib.util.find_spec", lambda _: None)

    with pytest.raises(ConfigurationError, match=r"not installed here.*\.\[rtx\]"):
        check(tmp_path, RTX)
