"""The study of what the serving path costs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.common.asyncio_load import Span, ask
from benchmarks.common.origin import Json, network_file
from benchmarks.common.pictures import Picture
from benchmarks.studies.floor import repository
from benchmarks.studies.floor.arrangements import arrangements
from benchmarks.studies.floor.measure import Turn, rows
from benchmarks.studies.floor.section import text
from benchmarks.studies.peers.environment import Environment
from benchmarks.studies.peers.launch import running
from benchmarks.studies.peers.peer import Peer, Serving
from endface.server.ports import free_ports

SERVED = network_file().parents[2]
PARAMETERS = {"profile": "mm-pc", "network": "/models/segment/2/model.onnx"}


def test_a_copy_without_bounds_differs_in_nothing_else(tmp_path: Path) -> None:
    """Every other file is the served one, and the queue still hands out one picture at a time."""
    copy = tmp_path / "copy"
    repository.without_bounds(SERVED, copy)

    differing = {
        path.relative_to(copy) for path in copy.rglob("*")
        if path.is_file() and path.read_bytes() != (SERVED / path.relative_to(copy)).read_bytes()
    }  # fmt: skip
    batching = repository.read(copy / "preprocess").dynamic_batching
    assert differing == {Path("preprocess/config.pbtxt")}
    assert not batching.HasField("default_queue_policy")
    assert list(batching.preferred_batch_size) == [1]


def test_three_stages_keep_the_ensemble_and_the_tensors(tmp_path: Path) -> None:
    """The models take and give what the served ones do, in as many processes as asked, from queues without bounds."""
    repository.three_stages(SERVED, tmp_path, PARAMETERS, workers=3)

    assert repository.read(tmp_path / "endface") == repository.read(SERVED / "endface")
    for name in ("preprocess", "segment", "postprocess"):
        made, served = repository.read(tmp_path / name), repository.read(SERVED / name)
        assert (made.input, made.output) == (served.input, served.output)
        assert made.instance_group[0].count == 3
        assert made.parameters["profile"].string_value == "mm-pc"
        assert not made.dynamic_batching.HasField("default_queue_policy")
        assert (tmp_path / name / "1" / "model.py").is_file()


def test_one_model_stands_in_for_the_ensemble(tmp_path: Path) -> None:
    """It has the ensemble's name, takes its picture, and gives its report."""
    repository.one_model(SERVED, tmp_path, PARAMETERS, workers=2)
    config = repository.read(tmp_path / "endface")

    assert [path.name for path in tmp_path.iterdir()] == ["endface"]
    assert (config.backend, config.platform) == ("python", "")
    assert [tensor.name for tensor in (*config.input, *config.output)] == ["IMAGE", "REPORT"]


def arrangement_of(name: str, folder: Path) -> Peer:
    """One of the arrangements."""
    return next(each for each in arrangements(folder, SERVED) if each.name == name)


@pytest.mark.triton
@pytest.mark.parametrize("name", ["bare-client", "no-bounds", "three", "one"])
def test_each_arrangement_gives_the_verdicts_of_the_served_stages(
    name: str, pictures: list[Picture], tmp_path: Path
) -> None:
    """What does less does no other work: a real Triton's verdicts are those of one process."""
    first, second, third = free_ports(3)
    serving = Serving((first, second, third), 1, network_file(), "mm-pc")
    arrangement = arrangement_of(name, tmp_path / "made")
    with running(arrangement, serving, Environment(Path(sys.executable), tmp_path / name), pictures[0]):
        found = ask(lambda: arrangement.station(serving), pictures, Span(users=2, seconds=1.0, settle_s=2.0))

    assert found["answered"]
    assert found["failed"] == found["wrong_verdicts"] == 0


def turn(images_per_s: float) -> Turn:
    """A turn with a throughput."""
    return Turn(images_per_s, p99_ms=200.0, server_ms=30.0, generator_ms=2.0)


def test_rows_hold_each_turn_against_the_same_round() -> None:
    """A machine that slows down by half leaves the ratio as it is."""
    turns = {"endface": [turn(60), turn(30), turn(50)], "one": [turn(66), turn(33), turn(55)]}
    endface, one = rows({"endface": "endface", "one": "one model"}, turns)

    assert endface["of_endface"] == {"q1": 1.0, "median": 1.0, "q3": 1.0}
    assert one["of_endface"] == {"q1": 1.1, "median": 1.1, "q3": 1.1}
    assert (one["title"], one["images_per_s"], one["server_ms"]) == ("one model", 55.0, 30.0)


def test_the_page_says_what_each_step_costs(origin: Json) -> None:
    """The throughput without a thing over that with it, beside what it is."""

    def row(name: str, ratio: float) -> Json:
        spread = {"q1": ratio - 0.01, "median": ratio, "q3": ratio + 0.01}
        figures = {"images_per_s": 60 * ratio, "p99_ms": 150.4, "server_ms": 28.04, "generator_ms": 1.66}
        return {"name": name, "title": f"the {name}", "of_endface": spread, **figures}

    plan = {"rounds": 10, "seconds": 3.0, "settle_s": 0.5, "users": 8, "workers": 2}
    shown = [row("endface", 1.0), row("bare-client", 1.02), row("no-bounds", 1.02), row("three", 1.0506)]
    page = text(origin | {"plan": plan, "pictures": 24, "rows": shown})

    assert page.startswith("## The floor\n")
    assert "| the three | 63.0 | 1.05 (1.04, 1.06) | 150 | 28.0 | 1.7 |" in page
    assert "- 1.00: a queue that is bounded" in page
    assert "- 1.03: metrics" in page
