"""``endface inspect --connector``."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from endface.connector import ConnectorReport
from endface_client.testing import FakeServer
from tests.endface_client.connectors import connector_of

Run = Callable[..., Result]


@pytest.fixture
def inspect(run: Run) -> Run:
    """Runs the command by mm-pc."""
    return lambda *arguments: run("inspect", "--connector", *arguments, "--profile", "mm-pc")


def test_a_connector_has_one_verdict_and_a_row_for_each_fiber(
    inspect: Run, fake_server: FakeServer, pictures: Path
) -> None:
    """The worst fiber's verdict is the exit code's."""
    fake_server.answer = connector_of(3, failing=2)
    result = inspect(pictures / "a.png", pictures / "b.png")

    assert result.exit_code == 1, result.stderr
    assert "2 connectors: 2 fail" in result.stdout
    assert [line.split()[:4] for line in result.stdout.splitlines() if "a.png, fiber" in line] == [
        ["a.png,", "fiber", "1", "pass"],
        ["a.png,", "fiber", "2", "fail"],
        ["a.png,", "fiber", "3", "pass"],
    ]


def test_a_folder_is_a_connector_of_one_picture_a_fiber(inspect: Run, pictures: Path) -> None:
    """In the order of the numbers in their names; one line of JSON holds the reports of all."""
    for old, new in (("a", "fiber-10"), ("b", "fiber-9"), ("c", "fiber-1")):
        (pictures / f"{old}.png").rename(pictures / f"{new}.png")
    result = inspect(pictures, "--json", "--fiber-count", "3")
    (connector,) = map(ConnectorReport.from_json, result.stdout.splitlines())

    assert result.exit_code == 0, result.stderr
    assert [fiber.image.name for fiber in connector.fibers] == ["fiber-1.png", "fiber-9.png", "fiber-10.png"]


def test_files_page_and_record_hold_every_fiber(
    inspect: Run, run: Run, fake_server: FakeServer, pictures: Path, tmp_path: Path
) -> None:
    """A face each in the page's row, an entry each in the record; the next run takes the files away."""
    fake_server.answer = connector_of(3, failing=2)
    out, record = tmp_path / "out", tmp_path / "record"
    inspect(pictures / "a.png", "--serial", "A1", "--out", out, "--record", record)

    page = (out / "index.html").read_text(encoding="utf-8")
    shown = run("record", "show", record, "A1").stdout
    rows = list(csv.DictReader(run("record", "export", record).stdout.splitlines()))
    files = {f"a.fiber-{number}.{kind}" for number in (1, 2, 3) for kind in ("json", "overlay.png")}
    assert {path.name for path in out.iterdir()} == files | {"a.connector.json", "index.html"}
    assert json.loads((out / "a.connector.json").read_text(encoding="utf-8"))["verdict"] == "fail"
    assert page.count('<use href="#face') == 3
    assert "A1" in page.partition('<section class="connector fail"')[2].partition("</section>")[0]
    assert "fiber 2 of 3 of a connector: fail" in shown
    assert [(row["fiber"], row["fibers"], row["verdict"], row["connector"]) for row in rows] == [
        ("1", "3", "pass", "fail"),
        ("2", "3", "fail", "fail"),
        ("3", "3", "pass", "fail"),
    ]
    assert run("record", "verify", record).exit_code == 0

    inspect(pictures / "b.png", "--out", out)
    assert [path.name for path in out.glob("a.*")] == []


def test_a_connector_with_a_lost_fiber_is_not_inspected(
    inspect: Run, fake_server: FakeServer, pictures: Path, tmp_path: Path
) -> None:
    """A part of the fibers is no verdict, neither where a request fails nor where a picture cannot be read."""
    fake_server.answer = connector_of(4, failing=1, lost=2)
    (pictures / "d.webp").touch()

    for path in (pictures / "a.png", pictures, tmp_path / "gone"):
        result = inspect(path)
        assert result.exit_code == 2
        assert "1 connector: 1 not inspected" in result.stdout


def test_a_file_of_somebody_else_is_not_replaced(
    inspect: Run, fake_server: FakeServer, pictures: Path, tmp_path: Path
) -> None:
    """A fiber's files get their names during the run; the connector then has no result that could be lost."""
    fake_server.answer = connector_of(2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.fiber-2.json").write_text("mine")
    result = inspect(pictures / "a.png", "--out", tmp_path / "out")

    assert result.exit_code == 2
    assert "was not written by endface" in " ".join(result.stdout.split())
    assert (tmp_path / "out" / "a.fiber-2.json").read_text() == "mine"


@pytest.mark.parametrize(
    "options", [("--fiber-count", "2"), ("--connector", "--fiber", "1"), ("--connector", "--recursive")]
)
def test_options_that_contradict_each_other_are_refused(run: Run, pictures: Path, options: tuple[str, ...]) -> None:
    """A count belongs to a connector; a connector has all its fibers asked for."""
    assert run("inspect", pictures, *options).exit_code == 2


def test_one_fiber_of_a_picture_may_be_asked_for(run: Run, fake_server: FakeServer, pictures: Path) -> None:
    """Its number stands in the report."""
    fake_server.answer = connector_of(3, failing=2)
    result = run("inspect", pictures / "a.png", "--fiber", "2", "--json", "--profile", "mm-pc")

    assert json.loads(result.stdout)["fiber_number"] == 2
    assert result.exit_code == 1
