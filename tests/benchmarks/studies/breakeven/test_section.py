"""The page's section, from a record that was made by hand."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common.origin import Json
from benchmarks.studies.breakeven import figures, section
from benchmarks.studies.breakeven.arrangements import ENSEMBLE_SHARED


def test_table(record: Json) -> None:
    """Throughput of several stations with the spread of its ratio, times, processor time and bytes of one."""
    text = section.text(record)

    assert text.startswith("## ")
    assert text.endswith("\n")
    assert "| ensemble | 121.2 | 1.00 (1.00, 1.00) | 33.0 | 99.0 | 8.2 | 1.0 | 30.0 | 100 | 2 | 0 | 0 |" in text
    assert (
        "| pre/post in the client | 110.2 | 0.91 (0.91, 0.91) | 36.3 | 108.9 | 13.2 | 10.0 | 20.0 | 256 | 512 |" in text
    )
    assert "machine was not ours" not in text


def test_every_question_is_answered(record: Json) -> None:
    """Who wins by how much, and from which network on the hops do not matter."""
    text = section.text(record)

    assert "costs the server 20.0 ms of its processor instead of 30.0, the client 10.0 ms instead of 1.0" in text
    assert "could answer 1.50 times as many pictures: with these 2 cores at most 100 instead of 67 a second" in text
    assert "carries 768 KiB a picture instead of 102, so a gigabit of it is full at 238 pictures a second" in text
    assert "predicts 2.5 ms for the two steps and 768 KiB" in text
    assert "less than 10% where the network takes 17 ms or more and 5% where the network takes 42 ms or more" in text
    assert "The fused model: the time of a picture is 0.90-fold (0.90 to 0.90)" in text
    assert "3072 KiB instead of 768: +3.3 ms a picture, +2.0 ms of the client's processor and +1.0 ms" in text
    assert "would be 5 MiB back instead of 2" in text
    assert "raw gray (100 KiB) takes -1.1 ms a picture and +0.0 ms of the server's processor" in text


def test_no_effect_is_said(record: Json) -> None:
    """Shared memory that changed nothing is reported as that."""
    assert (
        "An encoded picture: the time of a picture is 1.00-fold (1.00 to 1.00), so no effect was seen"
        in section.text(record)
    )


def test_a_server_that_is_not_relieved(record: Json) -> None:
    """Where pre- and post-processing in the client save the server nothing, the page does not recommend it."""
    for rows in record["rounds"]:
        for row in rows:
            if row.get("arrangement") == "pre/post in the client":
                row["server_ms"] = 31.0

    text = section.text(record)

    assert "Moving them does not relieve the server: they belong in it." in text
    assert "Moving them pays" not in text


def test_missing_figures_are_left_out(record: Json) -> None:
    """An arrangement without answers has dashes, and nothing is claimed of it."""
    for row in figures.phases(record, ENSEMBLE_SHARED, 1) + figures.phases(record, ENSEMBLE_SHARED, 4):
        row.update(dict.fromkeys(("p50_ms", "p99_ms", "client_ms", "server_ms", "sent", "received", "shared")))
        row.update(images_per_s=0.0, by_picture_ms={})

    text = section.text(record)

    assert "| ensemble, shared memory | 0.0 | - | - | - | - | - | - | - | - | - | 0 |" in text
    assert "An encoded picture: the time of a picture is not known, the throughput is not known." in text


def test_a_busy_machine_is_said(record: Json) -> None:
    """What something else took stands beside the figures."""
    record["rounds"][1][3]["other_cores"] = 0.8

    assert "**The machine was not ours alone: something else kept up to 0.8 cores busy.**" in section.text(record)


def test_plot(record: Json, tmp_path: Path) -> None:
    """The text shows the picture that is drawn, and the same record draws the same bytes."""
    section.plot(record, tmp_path)
    (picture,) = tmp_path.iterdir()
    drawn = picture.read_bytes()
    section.plot(record, tmp_path)

    assert f"](plots/{picture.name})" in section.text(record)
    assert picture.read_bytes() == drawn
