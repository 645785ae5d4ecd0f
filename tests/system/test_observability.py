"""The stages' own metrics and log lines, as a real Triton gives them out."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tritonclient.grpc
from prometheus_client.parser import text_string_to_metric_families

from endface import contract
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface.telemetry import metrics
from endface_client import Client, InvalidRequest
from tests.servers import free_ports, running
from tests.system.tensors import image_tensor
from tests.waiting import wait_until

pytestmark = pytest.mark.triton

_FAILURES = "nv_inference_request_failure_total"  # as prometheus_client calls it

Samples = dict[tuple[str, tuple[str, ...]], float]


def scrape(server: EmbeddedServer) -> Samples:
    """Our own series, by name and values of the labels."""
    address = f"http://127.0.0.1:{server.settings.metrics_port}/metrics"
    with urllib.request.urlopen(address, timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    order = {name: (*each.labels, "le") for each in metrics.FAMILIES for name in each.series}
    return {
        (name, tuple(labels[key] for key in order[name] if key in labels)): value
        for family in families
        for name, labels, value, *_ in (_as_written(sample) for sample in family.samples)
        if name in order
    }


def _as_written(sample: Any) -> Any:
    """prometheus_client appends _total to counters that have none."""
    name = sample.name.removesuffix("_total")
    written = {each for family in metrics.FAMILIES for each in family.series}
    return sample._replace(name=name) if name in written else sample


def wait_for(server: EmbeddedServer, condition: Callable[[Samples], bool]) -> Samples:
    """Scrape until something holds."""
    found: Samples = {}

    def holds() -> bool:
        found.update(scrape(server))
        return condition(found)

    wait_until(holds)
    return found


@pytest.fixture
def talkative(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    """A server of a test's own, for numbers come a second late; it logs each inspection."""
    monkeypatch.setenv("ENDFACE_LOG", "inspections")
    with running(Settings(repository, **free_ports())) as server:
        yield server


def test_every_series_is_there_before_the_first_picture(server: EmbeddedServer) -> None:
    """Two processes of a stage share their series; nothing is missing, and the network that serves is named."""
    found = wait_for(
        server,
        lambda found: {name for name, _ in found} == {name for family in metrics.FAMILIES for name in family.series},
    )

    assert found["endface_errors_total", ("preprocess", "bad_parameter")] >= 0
    assert found["endface_defects_total", ("mm-pc", "A", "scratch")] >= 0
    assert [value for (name, _), value in found.items() if name == "endface_info"].count(1) == 1


def test_inspections_are_counted(talkative: EmbeddedServer, png: bytes) -> None:
    """Verdicts, codes and times are of what was sent; a bad request is an error of its stage, a health check apart."""
    with Client(talkative.grpc_address, profile="mm-pc", repeat=False) as client:
        client.health()
        for _ in range(5):
            client.inspect(png)
        client.inspect(b"no picture")
        with pytest.raises(InvalidRequest):
            client.inspect(png, profile="no-such-profile")

    expected = {
        ("endface_verdicts_total", ("mm-pc", "pass")): 5.0,
        ("endface_verdicts_total", ("mm-pc", "invalid")): 1.0,
        ("endface_invalid_total", ("undecodable",)): 1.0,
        ("endface_errors_total", ("preprocess", "unknown_profile")): 1.0,
        ("endface_probes_total", ("health",)): 1.0,
        ("endface_stage_seconds_bucket", ("preprocess", "+Inf")): 6.0,
        ("endface_stage_seconds_count", ("segment",)): 6.0,
        ("endface_inspection_seconds_count", ()): 6.0,
    }
    found = wait_for(talkative, lambda found: {key: found.get(key) for key in expected} == expected)

    assert found["endface_inspection_seconds_sum", ()] > found["endface_stage_seconds_sum", ("segment",)] > 0


def failures(server: EmbeddedServer, model: str) -> float:
    """Triton's own count of a model's failed requests."""
    address = f"http://127.0.0.1:{server.settings.metrics_port}/metrics"
    with urllib.request.urlopen(address, timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    samples = (sample for family in families for sample in family.samples)
    return sum(each.value for each in samples if each.name == _FAILURES and each.labels["model"] == model)


def test_asking_again_is_no_failure_of_a_stage(repository: Path, png: bytes, tmp_path: Path) -> None:
    """The alerts rely on it: Triton counts a refusal for a full queue twice, for the ensemble, and for no stage."""
    models = shutil.copytree(repository, tmp_path / "models", ignore=shutil.ignore_patterns("__pycache__"))
    config = models / contract.PREPROCESS.name / "config.pbtxt"
    config.write_text(config.read_text(encoding="utf-8").replace("max_queue_size: 64", "max_queue_size: 2"))
    with running(Settings(models, **free_ports())) as server:
        with Client(server.grpc_address, profile="mm-pc") as client, ThreadPoolExecutor(16) as pool:
            refused = sum(reply.attempts - 1 for reply in pool.map(lambda _: client.ask(png), range(64)))

        assert refused > 0
        wait_until(lambda: failures(server, contract.ENSEMBLE.name) == 2 * refused)
        assert [failures(server, stage.name) for stage in contract.MODELS if stage != contract.ENSEMBLE] == [0, 0, 0]


def test_numbers_survive_new_processes(talkative: EmbeddedServer, png: bytes) -> None:
    """Processes that are made anew go on counting, and leave a trace of their start."""
    passes, started = (
        ("endface_verdicts_total", ("mm-pc", "pass")),
        ("endface_started_timestamp_seconds", ("postprocess",)),
    )
    with Client(talkative.grpc_address, profile="mm-pc") as client:
        client.inspect(png)
        before = wait_for(talkative, lambda found: found.get(passes) == 1 and started in found)
        talkative.control.reload(contract.POSTPROCESS.name, 30)
        client.inspect(png)
        after = wait_for(talkative, lambda found: found.get(started, 0) > before[started] and found.get(passes, 0) >= 1)

    assert after[passes] in (1, 2)  # begun anew or gone on: Prometheus understands both


def test_line_of_the_log_has_request_id_and_serial(talkative: EmbeddedServer, png: bytes) -> None:
    """One line of JSON for each inspection and each refused request, without a prefix."""
    with tritonclient.grpc.InferenceServerClient(talkative.grpc_address) as client:
        tensor = image_tensor(png)
        wishes = {"serial": "A123", "meta.password": "secret"}
        client.infer("endface", [tensor], request_id="r-1", parameters={"profile": "mm-pc", **wishes})
        with pytest.raises(tritonclient.grpc.InferenceServerException):
            client.infer("endface", [tensor], request_id="r-2", parameters={"profile": "nothing", **wishes})

    def entries() -> list[dict[str, Any]]:
        found = (json.loads(line) for line in talkative.log if line.startswith("{"))
        return [entry for entry in found if entry["serial"] == "A123"]

    wait_until(lambda: len(entries()) == 2, message=talkative.log)
    done, refused = sorted(entries(), key=lambda entry: entry["request_id"])  # two processes wrote them

    assert (done["request_id"], done["serial"], done["verdict"]) == ("r-1", "A123", "pass")
    assert {"preprocess", "postprocess", "total"} == set(done["timings_ms"])
    assert (refused["request_id"], refused["serial"], refused["code"]) == ("r-2", "A123", "unknown_profile")
    assert not any("secret" in line for line in talkative.log)
