"""The server's image, run as the Compose file hardens it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import pytest

import endface
from endface.contract import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS
from endface.report import Report
from endface_client import Client, InvalidRequest

pytestmark = pytest.mark.containers

_STATUS = """
import json
from pathlib import Path
files = [path.read_text().splitlines() for path in Path("/proc").glob("[0-9]*/status")]
print(json.dumps([dict(line.split(":", 1) for line in lines) for lines in files]))
"""

_FILE_SYSTEMS = """
import json, os
shm = os.statvfs("/dev/shm")
places = [place for place, _, _ in os.walk("/") if not place.startswith(("/proc", "/sys"))]
print(json.dumps({
    "read_only": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
    "writable": [place for place in places if os.access(place, os.W_OK)],
    "shm": shm.f_blocks * shm.f_frsize,
    "shm_used": (shm.f_blocks - shm.f_bfree) * shm.f_frsize,
}))
"""

_KILL_SERVE = """
import os, signal
from pathlib import Path
serve = [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"endface\\0serve" in path.read_bytes()]
os.kill(max(int(path.parent.name) for path in serve), signal.SIGKILL)  # the other one is the container's init
"""


@pytest.fixture(scope="module")
def many(samples: list[Path]) -> Callable[[int], list[Path]]:
    """So many samples, in turn."""
    return lambda count: list(islice(cycle(samples), count))


@pytest.fixture(scope="module")
def slow(samples: list[Path]) -> bytes:
    """A picture that takes a second: nearly as many pixels as are taken, in several passes over each."""
    side_px = math.isqrt(MAX_IMAGE_PIXELS)
    face = cv2.imread(str(samples[0]), cv2.IMREAD_GRAYSCALE)
    assert face is not None
    _, data = cv2.imencode(".jpg", cv2.resize(face, (side_px, side_px)), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    return data.tobytes()


def test_verdicts_are_those_of_this_machine(server: Any, project: Path) -> None:
    """`endface inspect` says the same of every sample through the container as offline, a large one included."""

    def reports(option: str) -> dict[str, tuple[object, ...]]:
        command = [sys.executable, "-m", "endface_client", "inspect", "samples", "--profile=mm-pc", "--json", option]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        found = [Report.from_json(line) for line in done.stdout.splitlines()]
        return {report.image.name: (report.verdict, report.borderline, *report.reasons) for report in found}

    served = reports(f"--server={server.address('endface')}")

    assert len(served) == 8
    assert served == reports("--offline")


def test_no_process_has_any_privilege(server: Any) -> None:
    """None is root's, none has a capability or can get one, system calls are filtered."""
    for status in json.loads(server.inside("endface", _STATUS)):
        name = status["Name"].strip()
        assert set(status["Uid"].split()) == {"10001"}, name
        assert {int(status[key], 16) for key in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")} == {0}, name
        assert status["NoNewPrivs"].strip() == "1", name
        assert status["Seccomp"].strip() == "2", name


def test_nothing_can_be_written_but_memory(server: Any) -> None:
    """The root file system is read-only; /tmp and /dev/shm are in memory, and the container's own."""
    places = json.loads(server.inside("endface", _FILE_SYSTEMS))
    host = server.inspected("endface")["HostConfig"]

    assert places["read_only"]
    assert {place.split("/")[1] for place in places["writable"]} <= {"tmp", "dev"}
    assert host["IpcMode"] == "private"
    assert places["shm"] == host["ShmSize"]


def test_only_grpc_is_published(server: Any) -> None:
    """One port of this machine leads to the container, on the loopback."""
    ports = server.inspected("endface")["NetworkSettings"]["Ports"]
    published = {port: [each["HostIp"] for each in places] for port, places in ports.items() if places}

    assert published == {"8001/tcp": ["127.0.0.1"]}


def test_the_image_says_what_it_is(server: Any) -> None:
    """Its labels name the version that is inside, and no command of it needs root."""
    image = json.loads(server.execute("docker", "image", "inspect", "endface:local"))[0]
    inside = server.inside("endface", "import endface; print(endface.__version__)").strip()

    assert image["Config"]["Labels"]["org.opencontainers.image.version"] == inside == endface.__version__
    assert image["Config"]["User"] == "10001:10001"


def test_shared_memory_suffices(server: Any, many: Callable[[int], list[Path]], say: Callable[[str], None]) -> None:
    """Several of the largest pictures that are taken at once: each gets its answer, and the server goes on."""
    largest = b"\x89PNG\r\n\x1a\n" + bytes(MAX_IMAGE_BYTES - 8)
    with Client(server.address("endface"), deadline_s=60) as client:
        _ = list(client.inspect_many(many(64)))
        usual = json.loads(server.inside("endface", _FILE_SYSTEMS))
        reports = list(client.inspect_many([largest] * 4, concurrency=4))
        with pytest.raises(InvalidRequest, match="bytes"):
            client.inspect(largest + b"\0")
        most = json.loads(server.inside("endface", _FILE_SYSTEMS))
        client.health()
    mib = {name: round(value / 2**20) for name, value in (("usual", usual["shm_used"]), ("most", most["shm_used"]))}
    say(f"/dev/shm: {mib['usual']} MiB after samples, {mib['most']} after the largest, {most['shm'] >> 20} there")

    assert {report.verdict for report in reports} == {"invalid"}
    assert most["shm_used"] < most["shm"]
    assert server.inspected("endface")["RestartCount"] == 0


def test_a_stop_answers_what_is_under_way(server: Any, slow: bytes) -> None:
    """`docker stop` while pictures are inspected and wait: each gets its report, and the container ends with 0."""
    with (
        Client(server.address("endface"), deadline_s=30, repeat=False) as client,
        ThreadPoolExecutor(3) as threads,
    ):
        client.health()
        calls = [threads.submit(client.inspect, slow) for _ in range(3)]
        wait(calls, return_when=FIRST_COMPLETED)
        waiting = sum(not call.done() for call in calls)
        server.execute("docker", "stop", server.container("endface"))
        reports = [call.result() for call in calls]
    state = server.inspected("endface")["State"]

    assert waiting > 0
    assert len(reports) == 3
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)


def test_a_killed_server_is_started_again(server: Any, say: Callable[[str], None]) -> None:
    """After kill -9 of `endface serve` engine starts the container again, and it inspects as before."""
    before = server.inspected("endface")["RestartCount"]
    begun_s = time.monotonic()
    server.inside("endface", _KILL_SERVE)
    server.wait_until(lambda: server.inspected("endface")["RestartCount"] > before)
    with Client(server.address("endface"), deadline_s=60) as client:
        client.inspect(b"no picture")
        inspects_s = time.monotonic() - begun_s
    server.wait_until(lambda: server.is_healthy("endface"))
    say(f"after kill -9 it inspects in {inspects_s:.1f} s, is healthy in {time.monotonic() - begun_s:.1f} s")

    assert server.inspected("endface")["State"]["Running"]
