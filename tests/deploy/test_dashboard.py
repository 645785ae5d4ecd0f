"""The dashboard: its file, its queries in promtool, and its panels over a Prometheus that scrapes a real Triton."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from http import HTTPStatus
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import yaml

from endface.server.process import EmbeddedServer
from endface_client import Client, InvalidRequest
from tests import prometheus
from tests.waiting import wait_until

Panel = dict[str, Any]

MAY_BE_EMPTY = {"Alerts", "annotations"}
"""Panels that show nothing on a good day."""

SENT = 90
"""Pictures, some of which cannot be judged; the recorded yield wants fifty."""


@pytest.fixture(scope="module")
def grafana(project: Path) -> Path:
    """The folder that Grafana gets."""
    return project / "deploy" / "grafana"


@pytest.fixture(scope="module")
def dashboard(grafana: Path) -> dict[str, Any]:
    """The dashboard."""
    found: dict[str, Any] = json.loads((grafana / "dashboards" / "endface.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def panels(dashboard: dict[str, Any]) -> list[Panel]:
    """Its panels without the rows' titles."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


@pytest.fixture(scope="module")
def queries(dashboard: dict[str, Any], panels: list[Panel]) -> dict[tuple[str, str], str]:
    """All queries by panel and letter, with values for Grafana's variables."""
    written = {(panel["title"], target["refId"]): target["expr"] for panel in panels for target in panel["targets"]}
    written |= {("annotations", each["name"]): each["expr"] for each in dashboard["annotations"]["list"]}
    for variable, value in {"$__rate_interval": "5m", "$__range": "5m", "$instance": ".*"}.items():
        written = {key: expression.replace(variable, value) for key, expression in written.items()}
    return written


@pytest.fixture(scope="module")
def rules_file(project: Path) -> Path:
    """The alerts and recordings."""
    return project / "deploy" / "prometheus" / "rules" / "endface.yml"


@pytest.fixture(scope="module")
def ask(
    server: EmbeddedServer, rules_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Any]]:
    """Ask a real Prometheus, with our rules, that scrapes the shared server every second."""
    folder = tmp_path_factory.mktemp("prometheus")
    target = f"127.0.0.1:{server.settings.metrics_port}"
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules_file)],
        "scrape_configs": [{"job_name": "endface", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    flags = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"]
    with (folder / "log").open("w") as log, subprocess.Popen(["prometheus", *flags], cwd=folder, stderr=log) as process:
        yield lambda query: _answer(address, query)
        process.terminate()


def _answer(address: str, query: str) -> Any:
    """What Prometheus says to a query now; None where it is not ready yet."""
    try:
        return prometheus.query(address, query)
    except URLError as exc:
        if isinstance(exc.reason, ConnectionRefusedError) or getattr(exc, "code", 0) == HTTPStatus.SERVICE_UNAVAILABLE:
            return None
        raise


def wait_for(ask: Callable[[str], Any], query: str) -> None:
    """Ask until there is an answer with numbers."""
    wait_until(lambda: [each for each in ask(query) or [] if each["value"][1] != "NaN"], message=f"no data for {query}")


def test_panels_have_places_of_their_own(dashboard: dict[str, Any]) -> None:
    """No number is used twice, no panel lies over another, all are within Grafana's 24 columns."""
    places = [panel["gridPos"] for panel in dashboard["panels"]]

    assert len({panel["id"] for panel in dashboard["panels"]}) == len(places)
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def test_dashboard_belongs_to_no_grafana(dashboard: dict[str, Any], panels: list[Panel]) -> None:
    """Its data source is a variable, so it can be imported anywhere, and it brings no identity of a database."""
    sources = [panel["datasource"] for panel in panels] + [each["datasource"] for p in panels for each in p["targets"]]

    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    assert "id" not in dashboard


def test_grafana_finds_dashboard_and_prometheus(grafana: Path, project: Path) -> None:
    """The provisioning names the folder that the Compose file mounts, and the service of Prometheus."""
    provisioning = grafana / "provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "endface.yml").read_text(encoding="utf-8"))["providers"]
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))[
        "datasources"
    ]
    services = yaml.safe_load((project / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    mounted = services["grafana"]["volumes"][0].split(":")[1]

    assert provider["options"]["path"] == f"{mounted}/dashboards"
    assert services["grafana"]["environment"]["GF_PATHS_PROVISIONING"] == f"{mounted}/provisioning"
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in services


def test_prometheus_can_read_every_query(
    promtool: Callable[..., str], queries: dict[tuple[str, str], str], tmp_path: Path
) -> None:
    """The tool of Prometheus takes the dashboard's queries as expressions of rules."""
    rules = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries.values())]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))

    promtool(tmp_path, "check", "rules", "queries.yml")


@pytest.mark.triton
@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed")
def test_panels_show_what_happened(
    ask: Callable[[str], Any],
    queries: dict[tuple[str, str], str],
    rules_file: Path,
    server: EmbeddedServer,
    samples: list[Path],
) -> None:
    """After good, bad, unreadable and unwanted pictures every panel has data, and every rule can be asked."""
    wait_for(ask, 'endface_verdicts_total{profile="mm-pc",verdict="pass"}')
    with Client(server.grpc_address, profile="mm-pc") as client:
        client.health()
        verdicts = [report.verdict for report in client.inspect_many((samples * SENT)[:SENT], concurrency=2)]
        client.inspect(b"no picture")
        with pytest.raises(InvalidRequest):
            client.inspect(samples[0], profile="no-such-profile")
    for (panel, _), query in queries.items():
        if panel in MAY_BE_EMPTY:
            assert ask(query) is not None
        else:
            wait_for(ask, query)
    for group in yaml.safe_load(rules_file.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            assert ask(rule["expr"]) is not None
    judged = SENT - verdicts.count("invalid")
    wait_for(ask, f'sum(endface_verdicts_total{{verdict=~"pass|fail"}}) >= {judged}')
