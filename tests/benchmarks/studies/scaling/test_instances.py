"""Instances of a model repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from benchmarks.common.errors import BenchmarkError
from benchmarks.studies.scaling.instances import STAGES, Instances, grid, read, write
from endface import contract


def config_of(repository: Path, stage: contract.ModelSpec) -> model_config_pb2.ModelConfig:
    """A model's configuration."""
    text = (repository / stage.name / "config.pbtxt").read_text(encoding="utf-8")
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def test_copy_differs_in_its_instances_alone(project: Path, tmp_path: Path) -> None:
    """What was written is read again, the door fits its stage; all else is the source's, which is untouched."""
    source, copy = project / "model_repository", tmp_path / "copy"
    before = read(source)

    write(source, copy, Instances(4, 5, 6))

    assert read(copy) == Instances(4, 5, 6)
    assert read(source) == before
    assert config_of(copy, contract.PREPROCESS).dynamic_batching.default_queue_policy.max_queue_size == 4
    for stage in STAGES:
        ours, theirs = config_of(copy, stage), config_of(source, stage)
        if stage is contract.PREPROCESS:
            theirs.dynamic_batching.default_queue_policy.max_queue_size = 4
        for config in (ours, theirs):
            del config.instance_group[:]
        assert ours == theirs
    assert (copy / "endface" / "1").is_dir()
    assert (copy / "segment" / "1" / "model.py").read_bytes() == (source / "segment" / "1" / "model.py").read_bytes()


def test_threads_come_with_a_door_of_their_own(project: Path, tmp_path: Path) -> None:
    """The configuration says how many, and the model's door reads it."""
    write(project / "model_repository", tmp_path / "copy", Instances(1, 1, 1, threads=2))

    assert config_of(tmp_path / "copy", contract.SEGMENT).parameters["threads"].string_value == "2"
    assert '["threads"]' in (tmp_path / "copy" / "segment" / "1" / "model.py").read_text(encoding="utf-8")


def test_a_part_leaves_no_stage_without_a_process() -> None:
    """Half of one is one."""
    assert Instances(1, 4, 3, threads=2).share(1 / 2) == Instances(1, 2, 2, threads=2)
    assert Instances(1, 2, 1).share(1.0) == Instances(1, 2, 1)


def test_grid_begins_with_the_baseline_and_repeats_nothing() -> None:
    """On two cores it is 1/1/1 to 3/3/3, and one network of two threads; on one core there are no such threads."""
    assert [str(each) for each in grid(Instances(2, 2, 1), 2)] == [
        "2/2/1",
        "1/1/1",
        "1/1/1, 2 threads",
        "1/2/1",
        "2/2/2",
        "3/3/3",
    ]
    assert [str(each) for each in grid(Instances(1, 1, 1), 1)] == ["1/1/1", "2/2/2"]


def test_what_is_no_repository_is_named(tmp_path: Path) -> None:
    """A configuration that is missing, or none of Triton's."""
    with pytest.raises(BenchmarkError, match=r"preprocess/config.pbtxt is no configuration of a model"):
        read(tmp_path)
    (tmp_path / "preprocess").mkdir()
    (tmp_path / "preprocess" / "config.pbtxt").write_text("no such field: 1", encoding="utf-8")
    with pytest.raises(BenchmarkError, match=r"name a repository of endface"):
        read(tmp_path)
