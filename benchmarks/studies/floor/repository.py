"""Model repositories with less and less around the stages, made from the one that is served."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from endface import contract

_MODELS: Final = Path(__file__).with_name("models")
_CONFIG: Final = "config.pbtxt"


def without_bounds(served: Path, folder: Path) -> None:
    """A copy of a repository whose queues have neither a length nor a time limit."""
    shutil.copytree(served, folder)
    config = read(folder / contract.PREPROCESS.name)
    config.dynamic_batching.ClearField("default_queue_policy")
    _write(config, folder)


def three_stages(served: Path, folder: Path, parameters: Mapping[str, str], workers: int) -> None:
    """The ensemble around models that call the pure stages.

    Args:
        served: the repository whose configurations are taken; no queue has bounds.
        folder: where it is made.
        parameters: of each model: ``profile`` and ``network``, the ONNX file.
        workers: processes of each stage.
    """
    _write(read(served / contract.ENSEMBLE.name), folder)
    (folder / contract.ENSEMBLE.name / "1").mkdir()
    for stage in (contract.PREPROCESS, contract.SEGMENT, contract.POSTPROCESS):
        config = read(served / stage.name)
        config.dynamic_batching.ClearField("default_queue_policy")
        config.ClearField("model_warmup")
        _add_model(config, stage.name, folder, parameters, workers)


def one_model(served: Path, folder: Path, parameters: Mapping[str, str], workers: int) -> None:
    """As ``three_stages``, with all of them in one model of the ensemble's name."""
    config = read(served / contract.ENSEMBLE.name)
    for name in ("platform", "ensemble_scheduling", "output"):
        config.ClearField(name)
    config.backend = "python"
    config.output.add(name=contract.REPORT.name, data_type="TYPE_STRING", dims=[1])
    config.dynamic_batching.preferred_batch_size.append(1)
    _add_model(config, "fused", folder, parameters, workers)


def read(model: Path) -> ModelConfig:
    """The configuration of a model, by its folder."""
    return text_format.Parse((model / _CONFIG).read_text(encoding="utf-8"), ModelConfig())


def _add_model(config: ModelConfig, program: str, folder: Path, parameters: Mapping[str, str], workers: int) -> None:
    config.ClearField("instance_group")
    config.instance_group.add(count=workers, kind="KIND_CPU")
    for name, value in parameters.items():
        config.parameters[name].string_value = value
    _write(config, folder)
    version = folder / config.name / "1"
    version.mkdir()
    shutil.copy(_MODELS / f"{program}.py", version / "model.py")


def _write(config: ModelConfig, folder: Path) -> None:
    """Write a model's configuration into its folder of the repository, which is made."""
    (folder / config.name).mkdir(parents=True, exist_ok=True)
    (folder / config.name / _CONFIG).write_text(text_format.MessageToString(config), encoding="utf-8")
