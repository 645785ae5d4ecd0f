"""The measurement under load: what is worked out from it, and the whole of it on a real server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

import benchmarks.__main__ as command
from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import Work
from benchmarks.common.origin import Json
from benchmarks.common.pictures import Picture, save
from benchmarks.common.target import Target, serving
from benchmarks.load import load, run_locust
from benchmarks.load.load import Plan, compare, served_over_limit
from benchmarks.load.shapes import AFTER_S, SHAPES, Line
from endface.server.process import EmbeddedServer

SHORT = ["--faces=4", "--most=2", "--seconds=1", "--settle-s=1", "--limit-s=0.2"]
FAILED = {"shape": "soak", "error": "Locust did not end the shape soak"}
ASYNCIO: Json = {"users": 4, "images_per_s": 50.0, "p50_ms": 20.0, "p99_ms": 30.0, "by_picture_ms": {}}
LENIENT = "p99_ms = 1e9\nfailed_share = 0.0\nrefused_share = 0.0\nwrong_verdicts = 0\n"


def metrics_of(server: EmbeddedServer) -> str:
    """Where a server tells its counters."""
    return server.metrics_address


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


def test_unknown_shape_is_refused_before_anything_runs() -> None:
    """A plan names shapes that exist."""
    with pytest.raises(BenchmarkError, match="no load shape 'flood'"):
        Plan(shapes=("flood",))


def test_shape_that_fails_takes_nothing_with_it(
    pictures: list[Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: Json
) -> None:
    """The others are measured and kept; which one failed, and why, is in the record."""

    def run(shape: str, *_: object, **__: object) -> list[Json]:
        if shape == "takt":
            raise BenchmarkError("Locust died")
        return [phase]

    monkeypatch.setattr(run_locust, "run", run)
    monkeypatch.setattr(load.asyncio_load, "run", lambda *_: ASYNCIO)
    monkeypatch.setattr(load, "one_client", lambda *_, **__: {"p99_ms": 30.0})
    work = Work(pictures, command.network_file(), "mm-pc")
    plan = Plan(Line(seconds=0.1), shapes=("takt", "soak"), limit_s=0.1)

    record = load.measure(Target("", "", "mm-pc", tmp_path), work, plan, out=tmp_path, progress=lambda _: None)

    assert record["shapes"] == {"soak": [phase]}
    assert record["failed"] == [{"shape": "takt", "error": "Locust died"}]


def test_server_needs_both_addresses() -> None:
    """A server whose metrics nobody names would give half a record."""
    with pytest.raises(BenchmarkError, match="name both --server and --metrics"), serving("a:1", "", "onnxruntime"):
        pass


@pytest.mark.parametrize(("p99_ms", "failed", "status"), [(1000, [], 0), (10, [], 1), (10, [FAILED], 2)])
def test_limits_give_the_exit_status(  # noqa: PLR0917 - a table's columns and pytest's fixtures
    p99_ms: float,
    failed: list[Json],
    status: int,
    load_record: Json,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """0 where every limit is kept, 1 and the broken one in words where not, 2 where a shape failed; it is recorded."""
    measured = {key: value for key, value in load_record.items() if key != "checks"} | {"failed": failed}
    slo = tmp_path / "slo.toml"
    limits = LENIENT.replace("1e9", str(p99_ms))
    slo.write_text(f"[ramp]\n{limits}[takt]\n{LENIENT}", encoding="utf-8")
    monkeypatch.setattr(command, "pictures_of", lambda *_: [Picture("face.jpg", b"", 1152, 864, "pass")])
    monkeypatch.setattr(command, "warm_up", lambda *_: "onnxruntime")
    monkeypatch.setattr(command, "measure", lambda *_, **__: measured)
    options = ["--server=a:1", "--metrics=a:2", "--shape=ramp", "--shape=takt", f"--slo={slo}"]

    result = CliRunner().invoke(command.app, ["load", *options, f"--results={tmp_path}", f"--out={tmp_path / 'out'}"])

    assert result.exit_code == status, result.output
    assert ("not kept: ramp, 2 stations: p99_ms 55, at most 10 allowed" in result.output) == bool(status)
    (record,) = tmp_path.glob("*-load.json")
    written = json.loads(record.read_text())
    assert all(check["kept"] for check in written["checks"]) == (not status)
    assert written["failed"] == failed


def test_what_cannot_be_measured_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It must not be taken for a limit that was not kept; the reason is one sentence."""
    monkeypatch.setattr("sys.argv", ["benchmarks", "load", "--shape=flood"])

    with pytest.raises(SystemExit) as ended:
        command.main()

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("benchmarks: there is no load shape 'flood'; choose from takt,")


@pytest.mark.triton
@pytest.mark.slow
def test_measurement_of_a_real_server(server: EmbeddedServer, tmp_path: Path) -> None:
    """From the limit to the judgement: the record joins what Locust counted with what the server says."""
    slo = tmp_path / "slo.toml"
    slo.write_text(f"[ramp]\n{LENIENT}", encoding="utf-8")
    addresses = [f"--server={server.grpc_address}", f"--metrics={metrics_of(server)}"]
    options = [*SHORT, "--shape=ramp", f"--slo={slo}", f"--results={tmp_path}", f"--out={tmp_path / 'out'}"]

    result = CliRunner().invoke(command.app, ["load", *addresses, *options])

    assert result.exit_code == 0, result.output
    (path,) = tmp_path.glob("*-load.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    assert [phase["users"] for phase in record["shapes"]["ramp"]] == [1, 2]
    assert all(phase["answered"] > 0 and phase["split_ms"] for phase in record["shapes"]["ramp"])
    assert record["served_over_limit"] > 0
    assert record["one_client"]["passes"] > 0


@pytest.mark.triton
@pytest.mark.slow
def test_every_other_shape_on_a_real_server(server: EmbeddedServer, pictures: list[Picture], tmp_path: Path) -> None:
    """Each runs for seconds, all at once here; its CSV, HTML and JSON are there, and every verdict was right."""
    save(pictures, tmp_path / "pictures")
    target = Target(server.grpc_address, metrics_of(server), "mm-pc", tmp_path / "pictures")
    line = Line(stations=2, connector_ms=500, knee=1, seconds=2, settle_s=1, slices=2)
    shapes = [shape for shape in SHAPES if shape != "ramp"]

    with ThreadPoolExecutor(len(shapes)) as pool:
        found = list(pool.map(lambda shape: run_locust.run(shape, line, target, tmp_path / shape), shapes))

    assert [len(row) for row in found] == [1, 2, 2, AFTER_S + 5]
    for shape, row in zip(shapes, found, strict=True):
        names = {path.name for path in (tmp_path / shape).iterdir()}
        assert {"locust_stats.csv", "locust_stats_history.csv", "locust.html", "locust.json"} <= names
        assert sum(phase["wrong_verdicts"] + phase["failed"] for phase in row) == 0
        assert all(phase["server_mib"] > 50 for phase in row)  # the server's processes were found
    assert sum(phase["answered"] for row in found for phase in row) > 0
