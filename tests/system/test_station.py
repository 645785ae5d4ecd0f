"""``make station``: the played microscope on a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.endface_station.conftest import entries_of
from tests.servers import free_ports
from tests.waiting import WITHIN_S, wait_until

COMMAND = "import endface_commands; endface_commands.endface()"


@pytest.mark.triton
def test_connector_of_twelve_fibers_is_inspected_cleaned_and_finished(project: Path, tmp_path: Path) -> None:
    """As the Makefile starts it: a dirty face is cleaned twice, a blurred one seen again, and the connector passes."""
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    assert 'endface station --demo "$(IMAGES)" --profile "$(PROFILE)" --fibers 12 --data "$(OUT)/station"' in makefile
    assert '--data "$(OUT)/station" --review "$(OUT)/cases"' in makefile
    port = free_ports()["http_port"]
    options = ["--demo", "samples", "--profile", "mm-pc", "--fibers", "12", "--data", str(tmp_path / "station")]
    options += ["--review", str(tmp_path / "cases")]
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, "station", *options, "--port", str(port)],
        cwd=project,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            lines = [process.stdout.readline() for _ in range(2)]
            assert f"http://127.0.0.1:{port}/" in lines[1], lines
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=WITHIN_S) as web:
                web.post("/begin", data={"serial": "MPO-1"})
                verdicts, cleanings = [], []
                for _ in range(15):
                    fiber = web.post("/capture").json()["fiber"]
                    wait_until(lambda: web.get("/state").json()["waiting"] == 0)
                    state = web.get("/state").json()
                    verdicts.append((fiber, state["verdict"]))
                    cleanings.append(state["cleaning"])
                cases = web.get("/review/").text
            process.send_signal(signal.SIGINT)
            assert process.wait(WITHIN_S) == 128 + signal.SIGINT
        finally:
            process.kill()

    assert verdicts[:4] == [(1, "pass"), (2, "pass"), (3, "fail"), (3, "fail")]
    assert verdicts[4] == (3, "pass")
    assert cleanings[3].endswith("4 stayed, 1 new: clean again")
    assert cleanings[4] == "2 of 5 marks gone, 3 stayed"
    assert cases.count("MPO-1") >= 3  # dirty, wiped, out of focus
    assert verdicts[8:10] == [(7, "invalid"), (7, "pass")]
    assert (state["part_verdict"], state["faces"]) == ("pass", ["pass"] * 12)
    assert entries_of(tmp_path / "station" / "record")[-1].values["connector"]["verdict"] == "pass"
