"""Points of a curve on real servers."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.common.asyncio_load import Span
from benchmarks.common.limit import Work
from benchmarks.common.options import network_file
from benchmarks.common.origin import Json
from benchmarks.common.pictures import Picture
from benchmarks.common.usage import server_processes
from benchmarks.studies.scaling import command, instances, point
from benchmarks.studies.scaling.cores import available
from benchmarks.studies.scaling.instances import Instances
from benchmarks.studies.scaling.measure import Bench, Plan
from benchmarks.studies.scaling.point import Place

SPAN = Span(users=3, seconds=1.5, settle_s=0.5)


@pytest.fixture(scope="module")
def work(pictures: list[Picture]) -> Work:
    """Drawn pictures and the committed network."""
    return Work(pictures, network_file(), "mm-pc")


def test_command_keeps_the_record(
    scaling_record: Json, pictures: list[Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options make the plan; the record is that of its kind."""
    plans: list[Plan] = []

    def measure(_work: Work, plan: Plan, _progress: object) -> Json:
        plans.append(plan)
        return scaling_record

    monkeypatch.setattr(command, "measure", measure)
    monkeypatch.setattr(command, "pictures_of", lambda *_: pictures)

    result = CliRunner().invoke(app, ["scaling", "--seconds=3", "--stations=5", f"--results={tmp_path}"])

    assert result.exit_code == 0, result.output
    assert plans == [Plan(seconds=3.0, settle_s=2.0, stations=5)]
    (record,) = tmp_path.glob("*-scaling.json")
    assert json.loads(record.read_text(encoding="utf-8")) == scaling_record


@pytest.mark.triton
def test_point_of_a_confined_server(work: Work, project: Path, tmp_path: Path) -> None:
    """Server and models run on the first core alone, the network in two threads; every verdict was right."""
    counts = Instances(1, 1, 1, threads=2)
    place = Place(available()[:1], available()[1:] or available())
    instances.write(project / "model_repository", tmp_path / "repository", counts)

    with point.started(tmp_path / "repository", work, place.server) as targets:
        processes = server_processes(int(targets[0].server.rpartition(":")[2]))
        allowed = [psutil.Process(process.pid).cpu_affinity() for process in processes]
        found = point.described(counts, place) | point.measure(targets, work, SPAN, place)

    assert len(processes) == 4  # Triton and a process for each stage
    assert allowed == [list(place.server)] * 4
    assert (found["name"], found["server_on"]) == ("1/1/1, 2 threads", 1)
    assert found["answered"] > 0
    assert (found["failed"], found["wrong_verdicts"]) == (0, 0)
    assert min(found["server_cpu_ms"], found["generator_cpu_ms"], found["server_mib"]) > 0
    assert found["servers"][0]["segment"]["queue_ms"] is not None


@pytest.mark.triton
def test_two_servers_behind_one_client(work: Work, project: Path, tmp_path: Path) -> None:
    """Both answer calls of the clients that name them, and as many as the other one, more or less."""
    said: list[str] = []
    bench = Bench(
        work, Plan(SPAN.seconds, SPAN.settle_s, SPAN.users), project / "model_repository", tmp_path, said.append
    )

    found = bench.point(Instances(1, 1, 1), Place(available(), available()), servers=2)

    calls = [server["endface"]["answered"] for server in found["servers"]]
    assert said == [f"1/1/1, cores: {len(available())}, servers: 2"]
    assert len(calls) == 2
    assert min(calls) > 0
    assert (found["failed"], found["wrong_verdicts"]) == (0, 0)
