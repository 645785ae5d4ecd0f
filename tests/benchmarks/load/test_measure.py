"""The measurement under load: what is worked out from it, and the whole of it on a real server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app, main
from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import Json
from benchmarks.common.pictures import Picture, save
from benchmarks.common.target import LoadTarget, serving
from benchmarks.load import run_locust
from benchmarks.load.command import conclude
from benchmarks.load.measure import LoadPlan, compare, measure_shapes, served_over_limit
from benchmarks.load.shapes import LOCUST, ProductionLine
from benchmarks.load.slo import Limits, read_limits
from endface.server.process import EmbeddedServer

SHORT = ["--faces=2", "--most=2", "--seconds=1", "--settle-s=1", "--limit-s=0.2"]
FAILED = {"shape": "soak", "error": "Locust did not end the shape soak"}
LENIENT = """
[ramp]
p99_ms = 1e9
failed_share = 0.0
refused_share = 0.0
wrong_verdicts = 0
[fair]
lost_share = 1
p99_over_turn = 1e9
most_over_fewest = 1e9
[overload]
unserved_share = 1
p99_ms = 1e9
refusal_p99_ms = 1e9
failed_share = 1
wrong_verdicts = 0
normal_again_s = 1e9
"""


def test_ratio_is_held_against_the_greater_limit() -> None:
    """The best of the ramp over the best without a server, whether that came before or after."""
    ramp = [{"images_per_s": 40.0}, {"images_per_s": 54.0}, {"images_per_s": 50.0}]

    assert served_over_limit(ramp, {"images_per_s": 58.0}, {"images_per_s": 60.0}) == 0.9
    assert served_over_limit([], {"images_per_s": 58.0}) is None


@pytest.mark.parametrize(("second", "ratio", "agree"), [(50.0, 1.0, True), (52.0, 0.962, True), (60.0, 0.833, False)])
def test_generators_are_compared_at_the_same_load(second: float, ratio: float, agree: bool) -> None:
    """Up to 5 % they agree."""
    ramp = [{"users": 1, "images_per_s": 10.0}, {"users": 4, "images_per_s": 50.0}]

    found = compare(ramp, {"users": 4, "images_per_s": second})

    assert found is not None
    assert (found["locust_over_second"], found["agree"]) == (ratio, agree)
    assert compare(ramp, {"users": 8, "images_per_s": 50.0}) is None


def test_shape_that_fails_takes_nothing_with_it(phase: Json) -> None:
    """The others are measured, at the knee of the ramp; which one failed, and why, is said."""
    sizes: dict[str, int] = {}

    def run(shape: str, line: ProductionLine) -> list[Json]:
        sizes[shape] = line.knee
        if shape == "takt":
            raise BenchmarkError("Locust died")
        return [phase, phase | {"users": 8, "images_per_s": 51.0}]

    plan = LoadPlan(ProductionLine(knee=4), shapes=("takt", "ramp", "soak"))
    shapes, failed = measure_shapes(plan, run, progress=lambda _: None)

    assert list(shapes) == ["ramp", "soak"]
    assert failed == [{"shape": "takt", "error": "Locust died"}]
    assert sizes == {"ramp": 4, "takt": 2, "soak": 2}


def test_server_needs_both_addresses() -> None:
    """A server whose metrics nobody names would give half a record."""
    with pytest.raises(BenchmarkError, match="name both --server and --metrics"), serving("a:1", "", "onnxruntime"):
        pass


@pytest.mark.parametrize(("p99_ms", "failed", "status"), [(1000, [], 0), (10, [], 1), (10, [FAILED], 2)])
def test_limits_give_the_exit_status(
    p99_ms: float, failed: list[Json], status: int, load_record: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 where every limit is kept, 1 and the broken one in words where not, 2 where a shape failed."""
    limits = read_limits() | {"ramp": Limits(p99_ms, 0, 0, 0), "takt": Limits(1e9, 0, 0, 0)}

    assert conclude(load_record | {"failed": failed}, limits) == status
    said = capsys.readouterr()
    assert ("not kept: ramp, 2 stations: p99_ms 55, at most 10 allowed" in said.out) == bool(status)
    assert said.err == "".join(f"benchmarks: {each['error']}\n" for each in failed)


def test_what_cannot_be_measured_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It must not be taken for a limit that was not kept; the reason is one sentence."""
    monkeypatch.setattr("sys.argv", ["benchmarks", "load", "--shape=flood"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("benchmarks: there is no load shape 'flood'; choose from takt,")


@pytest.mark.triton
def test_measurement_of_a_real_server(server: EmbeddedServer, tmp_path: Path) -> None:
    """From the limit to the judgement: the record joins what Locust counted with what the server says."""
    slo = tmp_path / "slo.toml"
    slo.write_text(LENIENT, encoding="utf-8")
    addresses = [f"--server={server.grpc_address}", f"--metrics={server.metrics_address}"]
    options = [*SHORT, "--shape=ramp", f"--slo={slo}", f"--results={tmp_path}", f"--out={tmp_path / 'out'}"]

    result = CliRunner().invoke(app, ["load", *addresses, *options])

    assert result.exit_code == 0, result.output
    (path,) = tmp_path.glob("*-load.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    assert [phase["users"] for phase in record["shapes"]["ramp"]] == [1, 2]
    assert all(phase["answered"] > 0 and phase["split_ms"] for phase in record["shapes"]["ramp"])
    assert all(phase["fewest"] > 0 for phase in record["shapes"]["ramp"])
    assert record["served_over_limit"] > 0
    assert all(check["kept"] for check in record["checks"])
    assert record["one_client"]["passes"] > 0


@pytest.mark.triton
@pytest.mark.long
def test_every_other_shape_on_a_real_server(server: EmbeddedServer, pictures: list[Picture], tmp_path: Path) -> None:
    """Each runs for seconds, all at once here; its CSV, HTML and JSON are there, and every verdict was right."""
    save(pictures, tmp_path / "pictures")
    target = LoadTarget(server.grpc_address, server.metrics_address, "mm-pc", tmp_path / "pictures")
    line = ProductionLine(stations=2, connector_ms=500, knee=1, seconds=2, settle_s=1, slices=2)
    shapes = [shape for shape in LOCUST if shape != "ramp"]

    with ThreadPoolExecutor(len(shapes)) as pool:
        found = list(pool.map(lambda shape: run_locust.run(shape, line, target, tmp_path / shape), shapes))

    assert [len(row) for row in found] == [1, 2, 2]
    for shape, row in zip(shapes, found, strict=True):
        names = {path.name for path in (tmp_path / shape).iterdir()}
        assert {"locust_stats.csv", "locust_stats_history.csv", "locust.html", "locust.json"} <= names
        assert sum(phase["wrong_verdicts"] + phase["failed"] for phase in row) == 0
        assert all(phase["server_mib"] > 50 for phase in row)  # the server's processes were found
    assert sum(phase["answered"] for row in found for phase in row) > 0
