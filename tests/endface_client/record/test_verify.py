"""What a record shows of tampering, and what it cannot show."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

import pytest

from endface.files import sha256
from endface.report import ImageInfo
from endface_client import Record, RecordError
from endface_client.cli.recording import recording
from endface_client.record.copy import copy
from endface_client.record.entry import GENESIS, Mark, RecordBroken, canonical, seal
from endface_client.record.pictures import Pictures
from endface_client.record.verify import check
from endface_client.testing import PASS

PICTURES = [b"\x89PNG" + bytes([number]) * 100 for number in range(5)]
KEY = b"k" * 32


def fill(folder: Path, **settings: object) -> Mark:
    """A record of five failures, serials 0 to 4."""
    with Record(folder, **settings) as record:
        for number, data in enumerate(PICTURES):
            report = dataclasses.replace(
                PASS, verdict="fail", serial=str(number), image=ImageInfo("face.png", sha256(data))
            )
            record.add(data, report)
        return Mark.parse(record.head)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Its folder."""
    fill(tmp_path / "record")
    return tmp_path / "record"


def edit(folder: Path, sql: str, *values: object) -> None:
    """Change the database behind endface's back."""
    with closing(sqlite3.connect(folder / "record.db")) as db, db:
        db.execute(sql, values)


def text_of(folder: Path, number: int) -> str:
    """The text of an entry."""
    with closing(sqlite3.connect(folder / "record.db")) as db:
        return str(db.execute("SELECT text FROM entry WHERE number = ?", (number,)).fetchone()[0])


def picture(folder: Path, number: int) -> Path:
    """The file of an entry's picture."""
    return folder / "pictures" / f"{sha256(PICTURES[number - 1])}.png"


def rewrite(folder: Path, key: bytes | None, sealed: str, times: Mapping[int, str] = MappingProxyType({})) -> None:
    """Make every failure a pass and seal the whole chain anew, as somebody would who knows the format."""
    previous = GENESIS
    for number in range(1, 6):
        values = json.loads(text_of(folder, number))
        values["report"]["verdict"] = "pass"
        values |= {"previous": previous, "sealed": sealed, "time": times.get(number, values["time"])}
        text = canonical(values)
        previous = seal(text, key)
        edit(
            folder,
            "UPDATE entry SET text = ?, seal = ?, time = ? WHERE number = ?",
            text,
            previous,
            values["time"],
            number,
        )


def resealed(folder: Path) -> None:
    """Change entry 3 and give it a seal that fits."""
    text = text_of(folder, 3).replace('"fail"', '"pass"')
    edit(folder, "UPDATE entry SET text = ?, seal = ? WHERE number = 3", text, seal(text, None))


def swapped(folder: Path) -> None:
    """The pictures of entries 2 and 3 change places."""
    two, three = picture(folder, 2).read_bytes(), picture(folder, 3).read_bytes()
    picture(folder, 2).write_bytes(three)
    picture(folder, 3).write_bytes(two)


def sql(statement: str) -> Callable[[Path], None]:
    """A statement as a way to tamper."""
    return lambda folder: edit(folder, statement)


TAMPERED = {
    "changed report": (
        sql("""UPDATE entry SET text = replace(text, '"verdict":"fail"', '"verdict":"pass"') WHERE number = 3"""),
        "entry 3 was changed",
    ),
    "changed and sealed anew": (resealed, "entry 4 does not follow entry 3"),
    "no JSON": (sql("UPDATE entry SET text = 'lost' WHERE number = 2"), "entry 2 was changed: it is no JSON"),
    "no text": (sql("UPDATE entry SET text = x'ff00' WHERE number = 2"), "entry 2 was changed: it is no JSON"),
    "damaged byte": (
        sql("UPDATE entry SET text = CAST(replace(text, '575.5', x'ff') AS TEXT) WHERE number = 2"),
        "entry 2 was changed",
    ),
    "removed in the middle": (sql("DELETE FROM entry WHERE number IN (2, 3)"), "entries 2 to 3 are missing"),
    "removed at the beginning": (
        sql("DELETE FROM entry WHERE number = 1"),
        "entry 1 is missing, and not by the size limit",
    ),
    "moved": (sql("UPDATE entry SET number = 6 WHERE number = 5"), "entry 5 is missing"),
    "renumbered": (sql("UPDATE entry SET number = number + 100"), "filed under another"),
    "filed under another part": (sql("UPDATE entry SET serial = 'X' WHERE number = 4"), "entry 4 is filed under"),
    "picture not asked for": (sql("UPDATE entry SET picture = NULL WHERE number = 4"), "entry 4 is filed under"),
    "swapped pictures": (swapped, "entry 2: its picture .* was changed"),
    "removed picture": (lambda folder: picture(folder, 4).unlink(), "entry 4: its picture .* is missing"),
    "invented end": (
        sql("INSERT INTO entry SELECT 6, text, seal, serial, time, picture, picture_bytes FROM entry WHERE number = 5"),
        "entry 6 does not follow entry 5",
    ),
}


@pytest.mark.parametrize(("tamper", "words"), TAMPERED.values(), ids=TAMPERED.keys())
def test_tampering_is_found_and_named(folder: Path, tamper: Callable[[Path], None], words: str) -> None:
    """The first entry that tells is in the message."""
    tamper(folder)

    with pytest.raises(RecordBroken, match=words):
        check(folder)


def test_no_byte_of_an_entry_can_be_changed(folder: Path) -> None:
    """Each place of a text, one after another."""
    text = text_of(folder, 3)
    for place in range(0, len(text), 29):
        changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        edit(folder, "UPDATE entry SET text = ? WHERE number = 3", changed)
        with pytest.raises(RecordBroken, match="entry 3"):
            check(folder)


def test_one_picture_for_two_parts_is_a_warning(tmp_path: Path) -> None:
    """A frozen camera shows; a part that is inspected again does not."""
    data = PICTURES[0]
    with Record(tmp_path) as record:
        for serial in ("A1", "A1", "A2"):
            record.add(data, dataclasses.replace(PASS, serial=serial, image=ImageInfo("face.png", sha256(data))))

    (warning,) = check(tmp_path).warnings
    assert warning.startswith("entry 3: A2 has the very same picture as A1, byte for byte")


def test_clock_that_was_set_back_is_a_warning(folder: Path) -> None:
    """The record is intact, but its times are not what they seem."""
    rewrite(folder, None, "sha256", {4: "2020-01-01T00:00:00.000+00:00"})

    assert check(folder).warnings == ["entry 4 is dated before entry 3: a clock was set back"]


def test_clock_that_is_behind_the_record_is_a_warning_before_the_first_entry(folder: Path) -> None:
    """A run begins with it: what it is about to write would be dated before what is there."""
    ahead = "2999-12-31T23:59:59.000+00:00"
    rewrite(folder, None, "sha256", {5: ahead})
    warnings: list[str] = []
    with recording(folder, "line-3:8001", warnings.append):
        pass

    assert warnings == [f"the last entry of {folder} is dated {ahead}, later than now: check the clock of this machine"]


def test_clock_that_is_right_is_no_warning(folder: Path) -> None:
    """Neither for the next run, nor for one without a record."""
    warnings: list[str] = []
    for used in (folder, None):
        with recording(used, "line-3:8001", warnings.append):
            pass

    assert warnings == []


def test_an_empty_record_is_intact(tmp_path: Path) -> None:
    """Nothing was written, nothing is missing; a head says otherwise."""
    Record(tmp_path).close()

    assert check(tmp_path).head == Mark(0, GENESIS)
    with pytest.raises(RecordBroken, match="entries 1 to 2 are missing: the end was cut off"):
        check(tmp_path, head=Mark(2, GENESIS))


@pytest.mark.parametrize(
    ("tamper", "inspections", "words"),
    [
        (sql("DELETE FROM entry WHERE number > 3"), 3, "entries 4 to 5 are missing: the end was cut off"),
        (lambda folder: rewrite(folder, None, "sha256"), 5, "entry 5 has another seal than the head"),
    ],
    ids=["end cut off", "written anew"],
)
def test_what_a_chain_cannot_know_shows_by_a_head(
    folder: Path, tamper: Callable[[Path], None], inspections: int, words: str
) -> None:
    """A head that was kept elsewhere names an entry: it stays good while the record grows, and tells of the rest."""
    head = check(folder).head
    tamper(folder)
    assert check(folder).inspections == inspections
    with pytest.raises(RecordBroken, match=words):
        check(folder, head=head)


def test_head_stays_good_while_the_record_grows(folder: Path) -> None:
    """It names an entry, not the end."""
    head = check(folder).head
    fill(folder)

    assert check(folder, head=head).inspections == 10


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A record with a key."""
    (tmp_path / "key").write_bytes(KEY)
    fill(tmp_path / "sealed", key_file=tmp_path / "key")
    return tmp_path / "sealed"


@pytest.mark.parametrize(
    ("forged_with", "claimed"), [(None, "sha256"), (None, "hmac-sha256"), (b"another key", "hmac-sha256")]
)
def test_with_a_key_nobody_else_can_write_it_anew(sealed: Path, forged_with: bytes | None, claimed: str) -> None:
    """Neither without a key, nor with another one, nor by claiming one."""
    assert check(sealed, key=KEY).inspections == 5
    rewrite(sealed, forged_with, claimed)

    with pytest.raises(RecordBroken, match="entry 1"):
        check(sealed, key=KEY)


def test_a_sealed_record_asks_for_its_key(sealed: Path) -> None:
    """It is not called broken because the key was forgotten."""
    with pytest.raises(RecordError, match="give it with --key") as caught:
        check(sealed)
    assert not isinstance(caught.value, RecordBroken)


@pytest.fixture
def dropped(tmp_path: Path) -> Path:
    """A record the oldest entries of which the size limit has dropped."""
    with Record(tmp_path / "dropped", limit_bytes=1_000_000) as record:
        for number in range(40):
            data = b"\x89PNG" + bytes([number]) * 50_000
            record.add(data, dataclasses.replace(PASS, borderline=True, image=ImageInfo("a", sha256(data))))
    assert check(tmp_path / "dropped").dropped.number > 5
    return tmp_path / "dropped"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM entry WHERE number = ?", "is missing, and not by the size limit"),
        (
            "INSERT INTO entry SELECT number - 1, text, seal, serial, time, picture, picture_bytes FROM entry "
            "WHERE number = ?",
            "filed under another",
        ),
    ],
    ids=["one more removed", "one invented"],
)
def test_beginning_after_the_size_limit_is_the_one_in_the_chain(dropped: Path, statement: str, words: str) -> None:
    """An entry says up to which one the oldest were deleted."""
    edit(dropped, statement, check(dropped).first)

    with pytest.raises(RecordBroken, match=words):
        check(dropped)


def test_a_head_that_was_dropped_is_told_and_not_called_broken(dropped: Path) -> None:
    """Nothing can be said of it; a newer one is needed."""
    with pytest.raises(RecordError, match="has been dropped by the size limit") as caught:
        check(dropped, head=Mark(1, GENESIS))
    assert not isinstance(caught.value, RecordBroken)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "pictures/../../secret"])
def test_no_entry_leads_out_of_the_folder(folder: Path, tmp_path: Path, name: str) -> None:
    """A record from elsewhere reads, copies and removes nothing but its own pictures."""
    (tmp_path / "secret").write_text("secret")
    edit(folder, "UPDATE entry SET picture = ? WHERE number = 1", name)

    with pytest.raises(RecordBroken, match="no name of a kept picture"):
        copy(folder, tmp_path / "copy")
    with pytest.raises(RecordBroken, match="no name of a kept picture"):
        Pictures(folder).remove([name])
    assert (tmp_path / "secret").exists()


def test_an_index_that_hides_an_entry_is_found(folder: Path) -> None:
    """A search must find what is there."""
    with closing(sqlite3.connect(folder / "record.db")) as db, db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'entry_serial'").fetchone()
        (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    data = bytearray((folder / "record.db").read_bytes())
    page = slice((root - 1) * page_bytes, root * page_bytes)
    empty = bytes([0x0A, 0, 0, 0, 0]) + page_bytes.to_bytes(2, "big") + b"\0"  # an index's leaf without a cell
    data[page] = empty + bytes(page_bytes - len(empty))
    (folder / "record.db").write_bytes(data)

    with pytest.raises(RecordBroken, match="the database is damaged"):
        check(folder)


@pytest.mark.parametrize("text", ["", "17", "17:short", "x:" + GENESIS, GENESIS])
def test_a_head_is_a_number_and_a_seal(text: str) -> None:
    """Anything else is told before the record is read."""
    with pytest.raises(RecordError, match="is no head"):
        Mark.parse(text)
