"""The study of a GPU, tried on a CPU."""

from __future__ import annotations

import pytest

from benchmarks.common.limit import Work
from benchmarks.common.origin import Json, network_file
from benchmarks.common.pictures import Picture
from benchmarks.studies.gpu.measure import Budget, Plan, measure_networks, measure_servers
from benchmarks.studies.gpu.networks import Source, contenders
from benchmarks.studies.gpu.section import text
from endface.engines.tensorrt_library import Machine
from endface_build.drawing.squares import draw_square
from endface_build.evaluation.golden import drawn

HOUR_S = 3600.0
PLAN = Plan(seconds=0.2, batches=(1, 2), users=(1,))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The served network on the CPU, with one golden picture and two squares to calibrate on."""
    squares = [draw_square(7, index)[0] for index in range(2)]
    golden = (next(iter(drawn())),)
    return Source(network_file().parent, tmp_path_factory.mktemp("gpu"), "cpu", golden, squares)


def test_every_network_is_measured_or_says_why_not(source: Source) -> None:
    """ONNX Runtime and PyTorch run here and agree with the network in float; a plan needs a GPU."""
    parts = {part["name"]: part for part in measure_networks(source, PLAN, Budget(HOUR_S), print)}

    assert set(parts) == {f"{runtime} {precision}" for runtime, precision in contenders()}
    for name, part in parts.items():
        if name.startswith("tensorrt_rtx"):
            assert _has_gpu() or part["refused"].startswith(("EngineError", "ConfigurationError", "PlanError")), part
        else:
            assert part["parity"]["labels_equal"] > (0.999 if "fp32" in name else 0.99), part
            assert part["parity"]["flips"] == []
            assert set(part["batches"]) == {"1", "2"}
            assert all(cell["squares_per_s"] > 0 for cell in part["batches"].values())


@pytest.mark.triton
def test_servers_are_measured_or_say_why_not(source: Source, pictures: list[Picture]) -> None:
    """The ensemble serves on the CPU; on a card it needs one."""
    work = Work(pictures, network_file(), "mm-pc")

    cpu, card = measure_servers(source, work, PLAN, Budget(HOUR_S), print)

    assert cpu["name"] == "server onnxruntime"
    assert [(each["users"], each["failed"], each["wrong_verdicts"]) for each in cpu["stations"]] == [(1, 0, 0)]
    assert _has_gpu() or "refused" in card


def test_what_fails_or_comes_late_takes_nothing_with_it() -> None:
    """The reason is in the record; what has no time left is named."""
    now_s = iter([0.0, 1.0, 1.0, 3.0, 20.0]).__next__

    def breaks() -> Json:
        raise RuntimeError("CUDA error: out of memory\nmore")

    budget = Budget(10.0, now_s)

    assert budget.part("large", breaks, print) == {
        "name": "large",
        "seconds": 2.0,
        "refused": "RuntimeError: CUDA error: out of memory",
    }
    assert budget.part("late", breaks, print) == {"name": "late", "not_begun": "the time was over"}


def test_record_in_words(origin: Json) -> None:
    """Times by batch, flips, servers, and what was not measured."""
    cell = {"median_ms": 1.5}
    network = {"name": "onnxruntime fp16", "parity": {"labels_equal": 0.9999, "flips": ["a"]}}
    network |= {"batches": {"1": cell, "8": cell, "32": cell}}
    stations = [{"users": 8, "images_per_s": 90.0, "p99_ms": 80.0, "wrong_verdicts": 0}]
    record = origin | {"gpu": {"name": "NVIDIA L4"}, "networks": [network, {"name": "x", "refused": "no card"}]}

    said = text(record | {"servers": [{"name": "server onnxruntime", "stations": stations}]})

    assert "## On NVIDIA L4" in said
    assert "| onnxruntime fp16 | 1.50 | 1.50 | 1.50 | 0.99990 | 1 |" in said
    assert "| server onnxruntime | 8 | 90.0 | 80.0 | 0 |" in said
    assert "- x: no card" in said


def _has_gpu() -> bool:
    return Machine.here("tensorrt_rtx").gpu is not None
