"""docs/station.md: its commands run as printed, and what it names exists."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from endface_client.testing import FakeServer
from endface_station.texts import ENGLISH
from tests.endface_station.conftest import by_name, entries_of, picture
from tests.servers import free_ports
from tests.waiting import wait_until

PAGE = "docs/station.md"
COMMAND = "import endface_commands; endface_commands.endface()"

Run = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def run(tmp_path: Path, certificates: Path) -> Iterator[tuple[Run, int]]:
    """Runs a line of the page in a folder with what it names, on a fake server and a free port; and the port."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "face.png").write_bytes(picture(1))
    (tmp_path / "secret").write_text("a secret of sixteen letters")
    for ending in ("pem", "key"):
        shutil.copy(certificates / f"server.{ending}", tmp_path / f"page.{ending}")
    port = free_ports()["http_port"]
    with FakeServer(by_name) as server, ExitStack() as stack:

        def started(line: str) -> subprocess.Popen[str]:
            words = shlex.split(line.replace("line-3:8001", server.address).replace(":8080", f":{port}"))
            if words[:2] == ["endface", "station"]:
                words += ["--port", str(port)]
            if words[0] == "endface":
                words[:1] = [sys.executable, "-c", COMMAND]
            process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield started, port


def first_line(process: subprocess.Popen[str]) -> str:
    """What a command says first, once it is ready."""
    assert process.stdout
    return process.stdout.readline()


def test_station_program_and_record(run: tuple[Run, int], commands: list[str]) -> None:
    """A program's picture is inspected under its serial number, and found in the record."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    start, port = run
    station, curl, show = (next(line for line in commands if word in line) for word in ("--name", "curl", "show"))
    assert f":{port}/" in first_line(start(station))
    wait_until(lambda: start(curl).wait() == 0)

    def state() -> dict[str, object]:
        with urlopen(f"http://127.0.0.1:{port}/state") as answer:
            return json.load(answer)

    wait_until(lambda: state()["verdict"])
    assert {key: state()[key] for key in ("verdict", "fiber", "serial")} == {
        "verdict": "pass",
        "fiber": 3,
        "serial": "A123",
    }
    shown, _ = start(show).communicate()
    assert "pass by mm-pc" in shown


@pytest.mark.parametrize("word", ["--watch", "endface watch"])
def test_watched_folder(run: tuple[Run, int], commands: list[str], tmp_path: Path, word: str) -> None:
    """Names say serial number and fiber."""
    start, _ = run
    assert first_line(start(next(line for line in commands if word in line)))
    (tmp_path / "A123_f03.png").write_bytes(picture(1))
    (tmp_path / "A123_f03.png").rename(tmp_path / "pictures" / "A123_f03.png")
    wait_until((tmp_path / "pictures" / "done" / "A123_f03.png").exists)
    wait_until(lambda: entries_of(tmp_path / "station" / "record"))
    (entry,) = entries_of(tmp_path / "station" / "record")
    fiber = "3" if word == "--watch" else "1"
    assert (entry.values["serial"], entry.values["report"]["meta"]["fiber"]) == ("A123", fiber)


def test_cases_are_kept_behind_the_link(run: tuple[Run, int], commands: list[str]) -> None:
    """The pages of the cases are those of the station."""
    start, port = run
    assert first_line(start(next(line for line in commands if "--review" in line)))

    def answers() -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{port}/review/") as answer:
                return b"No picture has been kept yet" in answer.read()
        except URLError:
            return False

    wait_until(answers)


def test_other_screens(run: tuple[Run, int], commands: list[str]) -> None:
    """With a certificate and a secret the page is there."""
    start, port = run
    assert f"https://line-3.example:{port}/" in first_line(start(next(line for line in commands if "--host " in line)))


def test_make_target_and_commands_are_those_of_the_page(commands: list[str], project: Path) -> None:
    """All of them are run here, but ``make station``, which a test of the system runs."""
    assert "station:" in (project / "Makefile").read_text(encoding="utf-8")
    assert len(commands) == 8
    assert commands[0] == "make station"


def test_options_and_pictures_exist(page: str, project: Path) -> None:
    """What the page sends a reader to is there; pictures are small."""
    commands = (project / "client" / "endface_station" / "settings.py").read_text(encoding="utf-8")
    commands += (project / "client" / "endface_client" / "cli" / "options.py").read_text(encoding="utf-8")
    for option in set(re.findall(r"`--([a-z-]+)", page)):
        assert f'"--{option}"' in commands or f"    {option.replace('-', '_')}: " in commands, option
    for name in re.findall(r"\(([a-z-]+\.png)\)", page):
        assert (project / "docs" / name).stat().st_size < 200_000
    assert (project / "client" / "endface_station" / "texts" / ENGLISH.name).exists()
    words = ENGLISH.read_text(encoding="utf-8")
    for verdict in re.findall(r"^\| ([A-Z ]+) ", page, re.MULTILINE):
        assert f'"{verdict.strip()}"' in words
