"""The profile `bench`: Locust's master and workers in containers."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.containers


def test_master_and_workers_load_the_server(server: Any, tmp_path: Path) -> None:
    """A short ramp ends by itself: each phase is recorded, every verdict was right."""
    server.compose("build", "bench")
    server.compose("up", "--detach", "bench", "bench-worker")
    ended = server.execute("docker", "wait", server.container("bench")).strip()
    server.execute("docker", "cp", f"{server.container('bench')}:/srv/bench/out", str(tmp_path))
    server.compose("rm", "--stop", "--force", "bench", "bench-worker")
    phases = json.loads((tmp_path / "out" / "phases.json").read_text())
    with (tmp_path / "out" / "locust_stats.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if row["Name"] != "Aggregated"]

    assert ended == "0"
    assert [phase["users"] for phase in phases] == [1, 2]
    assert {row["Type"].partition(" ")[0] for row in rows} == {"answered", "station"}
    assert all(int(row["Request Count"]) > 0 and row["Failure Count"] == "0" for row in rows)
