"""How many processes serve each stage: read from a model repository, and changed in a copy of it."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from benchmarks.common.errors import BenchmarkError
from endface import contract

STAGES: Final = (contract.PREPROCESS, contract.SEGMENT, contract.POSTPROCESS)

_CONFIG: Final = "config.pbtxt"
_DOOR: Final = Path(__file__).with_name("door.py")
"""Triton's door to the network where it has several threads."""


@dataclass(frozen=True)
class Instances:
    """Processes of each stage.

    Attributes:
        preprocess: Of the first stage.
        segment: Of the network.
        postprocess: Of the last stage.
        threads: Of each network.
    """

    preprocess: int
    segment: int
    postprocess: int
    threads: int = 1

    def __str__(self) -> str:
        counts = f"{self.preprocess}/{self.segment}/{self.postprocess}"
        return counts if self.threads == 1 else f"{counts}, {self.threads} threads"

    def share(self, part: float) -> Self:
        """A part of these processes, rounded up: no stage is left without one.

        Args:
            part: above 0, at most 1.
        """
        preprocess, segment, postprocess = (
            math.ceil(part * count) for count in (self.preprocess, self.segment, self.postprocess)
        )
        return type(self)(preprocess, segment, postprocess, self.threads)


def grid(baseline: Instances, cores: int) -> tuple[Instances, ...]:
    """What is worth trying on so many cores, the baseline first, none twice."""
    tried = (
        baseline,
        Instances(1, 1, 1),
        Instances(1, 1, 1, threads=cores),
        Instances(1, cores, 1),
        Instances(cores, cores, 1),
        Instances(cores, cores, cores),
        Instances(cores + 1, cores + 1, cores + 1),
    )
    return tuple(dict.fromkeys(tried))


def read(repository: Path) -> Instances:
    """The instances that a repository asks for.

    Raises:
        BenchmarkError: one of its configurations cannot be read.
    """
    counts = (sum(max(group.count, 1) for group in _config(repository, stage).instance_group) for stage in STAGES)
    return Instances(*(count or 1 for count in counts))


def write(source: Path, target: Path, instances: Instances) -> None:
    """Copy a repository, with other instances.

    Args:
        source: the repository; it is only read.
        target: folder for the copy; it does not exist yet.
        instances: of the copy.

    Raises:
        BenchmarkError: one of the configurations cannot be read.
    """
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    counts = (instances.preprocess, instances.segment, instances.postprocess)
    for stage, count in zip(STAGES, counts, strict=True):
        config = _config(target, stage)
        del config.instance_group[1:]
        group = config.instance_group[0] if config.instance_group else config.instance_group.add()
        group.count = count
        if stage is contract.PREPROCESS:  # the repository's rule: as many wait at the door as are worked on
            config.dynamic_batching.default_queue_policy.max_queue_size = count
        if stage is contract.SEGMENT and instances.threads != 1:
            config.parameters["threads"].string_value = str(instances.threads)
            for door in (target / stage.name).glob("[0-9]*/model.py"):
                shutil.copyfile(_DOOR, door)
        (target / stage.name / _CONFIG).write_text(text_format.MessageToString(config), encoding="utf-8")


def _config(repository: Path, model: contract.ModelSpec) -> Any:
    path = repository / model.name / _CONFIG
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), model_config_pb2.ModelConfig())
    except (OSError, text_format.ParseError) as exc:
        raise BenchmarkError(f"{path} is no configuration of a model ({exc}); name a repository of endface") from exc
