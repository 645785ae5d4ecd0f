"""The commands that write, verify and read a record."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from click.testing import Result

from endface.files import sha256
from endface.report import ImageInfo, Report
from endface_client import Record, ServerUnavailable
from endface_client.record.verify import check
from endface_client.testing import PASS, Failure, FakeServer, Received
from tests.endface_client.faces import FOUND

Run = Callable[..., Result]

ATTACK = "=HYPERLINK(A1)"
DATA = b"\x89PNG"
FILE = f"{sha256(DATA)}.png"


@pytest.fixture
def judging(fake_server: FakeServer) -> None:
    """The fake server: it passes a.png, fails b.png and refuses c.png."""

    def answer(received: Received) -> Report | Failure:
        refused = Failure(grpc.StatusCode.INVALID_ARGUMENT, "bad_parameter: refused")
        return {"a.png": PASS, "b.png": FOUND, "c.png": refused}[received.parameters["name"]]

    fake_server.answer = answer


@pytest.fixture
def folder(tmp_path: Path, found: Report) -> Path:
    """A record of four parts: A123 failed, a pass, one that was not inspected, and one that attacks a spreadsheet."""
    image = ImageInfo("face.png", sha256(DATA))
    with Record(tmp_path / "record") as record:
        record.add(DATA, dataclasses.replace(found, image=image), server="line-3:8001", attempts=2)
        record.add(DATA, dataclasses.replace(PASS, image=image, serial="Größe 5"))
        record.add(None, ServerUnavailable("no server"), name="lost.png", serial="A125")
        record.add(DATA, dataclasses.replace(PASS, image=image, serial=ATTACK, meta={"note": "line 1\nline 2"}))
    return tmp_path / "record"


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.usefixtures("judging")
def test_a_run_is_written_down(run: Run, pictures: Path, tmp_path: Path) -> None:
    """Each picture, those that were not inspected and those that are not there included."""
    record = tmp_path / "record"
    result = run("inspect", pictures, pictures / "gone.png", "--profile", "mm-pc", "--record", record)
    written = {row["name"]: row for row in rows(run("record", "export", record).stdout)}

    assert result.exit_code == 2
    assert {name: (row["verdict"], row["error_code"]) for name, row in written.items()} == {
        "a.png": ("pass", ""),
        "b.png": ("fail", ""),
        "c.png": ("not inspected", "bad_parameter"),
        "gone.png": ("not inspected", "unreadable_picture"),
    }
    assert written["b.png"]["reasons"] == "; ".join(FOUND.reasons)
    assert all(row["server"] for row in written.values())
    assert [path.read_bytes() for path in (record / "pictures").iterdir()] == [(pictures / "b.png").read_bytes()]
    assert run("record", "verify", record).exit_code == 0


@pytest.mark.parametrize("name", ["gone.png", "empty.png"])
def test_part_without_a_picture_is_written_down(run: Run, tmp_path: Path, name: str) -> None:
    """Under its serial number, so that it is found."""
    (tmp_path / "empty.png").touch()
    options = ("--profile", "mm-pc", "--record", tmp_path / "record", "--serial", "A123")

    assert run("inspect", tmp_path / name, *options).exit_code == 2
    assert f"{name} " in run("record", "show", tmp_path / "record", "A123").stdout


def test_a_run_that_cannot_be_written_down_stops(
    run: Run, fake_server: FakeServer, pictures: Path, tmp_path: Path
) -> None:
    """Nothing is inspected past the record."""
    (tmp_path / "record").write_text("a file in the place of the folder")
    result = run("inspect", pictures, "--profile", "mm-pc", "--record", tmp_path / "record")

    assert result.exit_code == 2
    assert "check disk" in " ".join(result.stderr.split())
    assert fake_server.requests == []


def test_a_run_seals_with_a_key(run: Run, pictures: Path, tmp_path: Path) -> None:
    """Then it verifies with that key only."""
    record, key, other = (tmp_path / name for name in ("record", "key", "other"))
    key.write_text("k" * 32)
    other.write_text("o" * 32)
    run("inspect", pictures / "a.png", "--profile", "mm-pc", "--record", record, "--record-key", key)

    assert run("record", "verify", record, "--key", key).exit_code == 0
    assert run("record", "verify", record, "--key", other).exit_code == 1
    assert run("record", "verify", record).exit_code == 2


def test_verify_says_what_is_there_and_where_it_ends(run: Run, folder: Path) -> None:
    """Exit 0, the number of inspections and the head, and what a chain without a key does not prove."""
    result = run("record", "verify", folder)

    assert result.exit_code == 0
    assert "intact: 4 inspections in entries 1 to 4" in result.stdout
    assert f"head {check(folder).head}" in result.stdout
    assert "no key" in result.stdout


def test_verify_warns_of_one_picture_for_two_parts(run: Run, tmp_path: Path) -> None:
    """The record is intact: exit 0, and the warnings on stderr, not without end."""
    with Record(tmp_path) as record:
        for serial in range(30):
            record.add(DATA, dataclasses.replace(PASS, image=ImageInfo("a.png", sha256(DATA)), serial=str(serial)))
    result = run("record", "verify", tmp_path)

    assert result.exit_code == 0
    assert result.stderr.count("warning: entry") == 20
    assert "and 9 more" in result.stderr


@pytest.mark.parametrize("text", ["'lost'", "'[]'", "'{}'", "replace(text, 'pass', 'fail')"])
def test_a_changed_entry_is_named_and_never_shown_or_skipped(run: Run, folder: Path, text: str) -> None:
    """Verify says which one with exit 1; an export that showed it or left it out would lie."""
    with closing(sqlite3.connect(folder / "record.db")) as db, db:
        db.execute(f"UPDATE entry SET text = {text} WHERE number = 2")
    verified, exported = run("record", "verify", folder), run("record", "export", folder)

    assert (verified.exit_code, exported.exit_code) == (1, 2)
    assert "broken: entry 2 was " in verified.stderr
    assert "entry 2 was changed" in exported.stderr


@pytest.mark.parametrize(
    "command", [["verify", "{}"], ["export", "{}"], ["show", "{}", "A"], ["copy", "{}", "{}/copy"]]
)
def test_a_folder_without_a_record_is_exit_2(run: Run, tmp_path: Path, command: list[str]) -> None:
    """It is told, and nothing is made there."""
    result = run("record", *(word.format(tmp_path / "gone") for word in command))

    assert result.exit_code == 2
    assert "gone holds no record: there is no such folder" in result.stderr
    assert not (tmp_path / "gone").exists()


def test_what_holds_no_record_is_told_apart(run: Run, tmp_path: Path) -> None:
    """An empty folder, and a file that was named in the folder's place."""
    (tmp_path / "record.db").touch()
    (tmp_path / "empty").mkdir()

    assert "holds no record: it is a file; name the folder" in run("record", "verify", tmp_path / "record.db").stderr
    assert "holds no record: there is no record.db in it" in run("record", "verify", tmp_path / "empty").stderr


def test_verify_compares_a_head(run: Run, folder: Path) -> None:
    """Exit 0 while its entry is there, 1 once it was cut off, 2 if it is no head."""
    head = str(check(folder).head)
    assert run("record", "verify", folder, "--head", head).exit_code == 0
    with closing(sqlite3.connect(folder / "record.db")) as db, db:
        db.execute("DELETE FROM entry WHERE number = 4")

    result = run("record", "verify", folder, "--head", head)
    assert (result.exit_code, "the end was cut off" in result.stderr) == (1, True)
    assert run("record", "verify", folder, "--head", "latest").exit_code == 2


def test_export_has_a_row_an_inspection(run: Run, folder: Path) -> None:
    """Verdict, part, limits, network, and the defects by type and zone."""
    failed, passed, lost, _ = rows(run("record", "export", folder).stdout)

    expected = {
        "serial": "A123", "name": "face.png", "verdict": "fail", "borderline": "yes", "profile": "mm-pc",
        "network": "segment", "network_version": "1", "network_sha256": "ab" * 32, "server": "line-3:8001",
        "attempts": "2", "pit_A": "1", "scratch_B": "1", "scratch_A": "0", "contamination_outside": "1",
        "largest_um": "20.6", "meta": "line=3", "picture_file": FILE,
    }  # fmt: skip
    assert {key: failed[key] for key in expected} == expected
    assert (passed["serial"], passed["pit_A"], passed["picture_file"]) == ("Größe 5", "0", "")
    assert (lost["verdict"], lost["error_code"], lost["reasons"]) == (
        "not inspected",
        "server_unavailable",
        "no server",
    )
    assert lost["pit_A"] == ""  # not measured is not none


def test_export_is_for_excel(run: Run, folder: Path, tmp_path: Path) -> None:
    """The file begins with the mark of UTF-8, appears whole, and holds no formula."""
    result = run("record", "export", folder, "--csv", tmp_path / "out.csv")
    data = (tmp_path / "out.csv").read_bytes()

    assert data.startswith(b"\xef\xbb\xbf")
    assert rows(data.decode("utf-8-sig"))[3]["serial"] == "'" + ATTACK
    assert "wrote 4 inspections" in result.stderr
    assert not list(tmp_path.glob(".endface-*"))


def test_every_serial_number_is_exported_as_a_text(run: Run, tmp_path: Path) -> None:
    """What a spreadsheet would compute, or take for a number or a date, has an apostrophe; what it shows has none."""
    spoiled = ["=1+1", "+1", "-1", "@A1", "\t1", " =1", "\r1", "\uff1d1"]  # formulas
    spoiled += [
        "00123",
        "123456789012",
        "1E5",
        "12e-3",
        "1-2",
        "2026-01-31",
        "3/4/26",
        "12:30",
        "MAR1",
        "1-Sep",
        "TRUE",
        "12.50",
        "1,234",
        "(5)",
        "5%",
        "$12",
        "1 1/2",
        "10 AM",
        "10:30p",
    ]
    plain = ["A123", "12345", "0", "SN-0012-7", "MARK7B", "1.2.3a", "7 amps"]
    with Record(tmp_path) as record:
        for serial in spoiled + plain:
            record.add(None, ServerUnavailable("no server"), serial=serial)

    exported = [row["serial"] for row in rows(run("record", "export", tmp_path).stdout)]
    assert exported == [f"'{serial}" for serial in spoiled] + plain


def test_exported_text_stays_in_its_cell(run: Run, tmp_path: Path) -> None:
    """Excel parts cells at semicolons in some countries, where the second half of a text would be a formula."""
    with Record(tmp_path) as record:
        record.add(None, ServerUnavailable("no server"), serial='A;=1+1,"B"\t=2')
    text = run("record", "export", tmp_path).stdout

    for delimiter in (",", ";", "\t"):
        _, values = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        assert not any(value.startswith("=") for value in values)
    assert rows(text)[0]["serial"] == "A;'=1+1,\"B\"\t'=2"


def test_export_chooses_part_and_day(run: Run, folder: Path) -> None:
    """By serial number, and from a day on."""
    part = rows(run("record", "export", folder, "--serial", "A123").stdout)

    assert [row["serial"] for row in part] == ["A123"]
    assert len(rows(run("record", "export", folder, "--since", "2020-01-01").stdout)) == 4
    assert rows(run("record", "export", folder, "--since", "2999-01-01").stdout) == []
    assert run("record", "export", folder, "--since", "yesterday").exit_code == 2


@pytest.mark.parametrize(
    ("target", "reason"),
    [("gone/out.csv", "No such file or directory"), (".", "Is a directory"), ("a/b", "a file stands where a folder")],
    ids=["no folder", "a folder", "a file's"],
)
def test_export_that_cannot_be_written_is_told(
    run: Run, folder: Path, tmp_path: Path, target: str, reason: str
) -> None:
    """Exit 2 and the name that was given, no traceback, no number and no name of a file aside."""
    (tmp_path / "a").touch()
    result = run("record", "export", folder, "--csv", tmp_path / target)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"endface record: {tmp_path / target} cannot be written: {reason}")
    assert not list(tmp_path.rglob(".endface-*"))


def test_export_to_a_full_standard_output_names_it(folder: Path) -> None:
    """It is another trouble than one with the record."""
    command = [sys.executable, "-m", "endface_client", "record", "export", str(folder)]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)

    assert ended.returncode == 2
    assert ended.stderr == "endface: the standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("part", ["A123", "A123\r\n", "face.png"])
def test_show_says_what_is_known_of_a_part(run: Run, folder: Path, part: str) -> None:
    """Verdict, limits, network, server and the kept picture, by serial number or by the picture's name."""
    text = run("record", "show", folder, part).stdout

    assert "entry 1: fail borderline by mm-pc" in text
    assert "serial A123, name face.png" in text
    assert "scratch 2 is 5.0 um wide" in text
    assert f"network segment 1 on onnxruntime, SHA-256 {'ab' * 32}" in text
    assert "server line-3:8001" in text
    assert f"picture {folder / 'pictures' / FILE}" in text
    assert (folder / "pictures" / FILE).read_bytes() == DATA
    assert "server_unavailable: no server" in run("record", "show", folder, "A125").stdout  # it was not inspected


@pytest.mark.parametrize("part", ["A999", "gone.png", 'x","serial":"A123'])
def test_show_of_an_unknown_part_is_exit_1(run: Run, folder: Path, part: str) -> None:
    """Nobody has inspected it."""
    result = run("record", "show", folder, part)

    assert result.exit_code == 1
    assert f"no inspection of {part!r}" in result.stderr


def test_a_copy_of_a_record_in_use_is_a_record(run: Run, tmp_path: Path) -> None:
    """While another thread writes and the bound drops, each copy verifies, and a second one adds what is new."""
    stop = threading.Event()

    def write() -> None:
        with Record(tmp_path / "record", limit_bytes=1_000_000) as record:
            number = 0
            while not stop.is_set():
                number += 1
                data = b"\x89PNG" + number.to_bytes(4, "big") * 10_000
                record.add(data, dataclasses.replace(FOUND, image=ImageInfo("a", sha256(data))))
                if number > 40:
                    full.set()

    full = threading.Event()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert full.wait(60)
        results = [run("record", "copy", tmp_path / "record", tmp_path / "copy") for _ in range(3)]
        checked = run("record", "verify", tmp_path / "copy")
    finally:
        stop.set()
        writer.join()

    assert [result.exit_code for result in results] == [0, 0, 0]
    assert checked.exit_code == 0, checked.stderr
    assert check(tmp_path / "record").inspections > 5


def test_a_copy_replaces_no_other_record(run: Run, folder: Path, tmp_path: Path) -> None:
    """Neither one that began elsewhere, nor a copy that has gone on; an older copy is brought up to date."""
    run("record", "copy", folder, tmp_path / "copy")
    with Record(folder) as record, Record(tmp_path / "other") as other:
        record.add(None, ServerUnavailable("no server"), serial="A126")
        other.add(None, ServerUnavailable("no server"), serial="B1")
    assert run("record", "copy", folder, tmp_path / "copy").exit_code == 0
    with Record(tmp_path / "copy") as copy:
        copy.add(None, ServerUnavailable("no server"), serial="A127")

    for target, inspections in (("other", 1), ("copy", 6)):
        result = run("record", "copy", folder, tmp_path / target)
        assert (result.exit_code, "holds another record" in result.stderr) == (2, True)
        assert check(tmp_path / target).inspections == inspections


def test_a_record_is_not_copied_onto_itself(run: Run, folder: Path) -> None:
    """That would replace it by an older state of itself."""
    assert run("record", "copy", folder, folder / ".." / "record").exit_code == 2
    assert check(folder).inspections == 4


def test_drift_says_which_signal_has_changed(run: Run, tmp_path: Path, found: Report) -> None:
    """Exit 0 while too little is known or nothing changes, 1 where the last inspections differ from the first."""
    image = ImageInfo("face.png", sha256(DATA))
    steady = dataclasses.replace(found, image=image)
    dirtier = dataclasses.replace(steady, defects=steady.defects * 3)
    folder = tmp_path / "record"
    results = []
    with Record(folder) as record:
        for report, count in ((steady, 600), (steady, 200), (dirtier, 200)):
            for _ in range(count):
                record.add(DATA, report)
            results.append(run("record", "drift", folder))
    rows = {each["signal"]: each for each in json.loads(run("record", "drift", folder, "--json").stdout)}

    assert [result.exit_code for result in results] == [0, 0, 1]
    assert "not yet: 600 values of 700" in results[0].stdout
    assert "DRIFTS" not in results[1].stdout
    assert "DRIFTS since" in results[2].stdout
    assert "defects a face" in results[2].stdout
    assert (rows["defects"]["reference"], rows["defects"]["now"]) == (3.0, 9.0)
    assert [signal for signal, row in rows.items() if row["since"]] == ["defects"]
    assert run("record", "drift", tmp_path / "nothing").exit_code == 2
