from __future__ import annotations

from pathlib import Path

import pytest

from endface.engines import catalog
from endface.server.instances import changed, choose


@pytest.mark.parametrize(
    ("cores", "shared_mib", "processes"),
    [
        (1, None, (2, 2, 2)),  # never one alone
        (2, None, (2, 2, 2)),
        (3, None, (3, 3, 2)),
        (8, None, (8, 8, 4)),
        (8, 4096, (8, 8, 4)),
        (8, 316, (2, 2, 2)),  # as Compose and Kubernetes give for two
        (8, 64, (2, 2, 2)),  # Docker's own
        (8, 632, (4, 4, 2)),
    ],
)
def test_processes_of_each_stage(cores: int, shared_mib: int | None, processes: tuple[int, int, int]) -> None:
    """One a core for locating and the network, half of that for measuring, as far as shared memory reaches."""
    chosen = choose(cores, None if shared_mib is None else shared_mib << 20)

    assert chosen == dict(zip(("preprocess", "segment", "postprocess"), processes, strict=True))


@pytest.mark.parametrize(
    ("engine", "expected"),
    [("onnxruntime", {"preprocess": 4, "segment": 4}), ("tensorrt_rtx", {"preprocess": 4})],
)
def test_shipped_numbers_are_changed_where_they_differ(project: Path, engine: str, expected: dict[str, int]) -> None:
    """The repository's own numbers are two; a network on a GPU keeps its one process."""
    found = changed(project / "model_repository", catalog.named(engine), choose(4))

    assert found == expected
    assert changed(project / "model_repository", catalog.named(engine), choose(2)) == {}


def test_configuration_of_somebody_elses_form_is_left_alone(tmp_path: Path) -> None:
    """Who wrote it knows what it is for."""
    (tmp_path / "segment").mkdir()
    (tmp_path / "segment" / "config.pbtxt").write_text("instance_group { count: 7 }")

    assert changed(tmp_path, catalog.named("onnxruntime"), {"segment": 4}) == {}
