"""Serial numbers and fibers as a scanner, a person or a file's name gives them."""

from __future__ import annotations

import pytest

from endface_station.arrival import Arrival, RefusedInput, clean_fiber, clean_serial, new_id


@pytest.mark.parametrize(
    ("scanned", "serial"),
    [
        ("A123", "A123"),
        (" A123\r\n", "A123"),
        ("\x02A1\x1d23\x03", "A123"),
        ("A-1 / 2", "A-1 / 2"),
        ("\u202eA123\u200b", "A123"),
        ("größe-7", "größe-7"),
        ("", ""),
        ("\t \x00", ""),
    ],
)
def test_serial_is_what_the_label_says(scanned: str, serial: str) -> None:
    """Trimmed, without control characters and those that nobody sees."""
    assert clean_serial(scanned) == serial


def test_serial_that_no_label_holds_is_refused() -> None:
    """A scanner that reads a whole document."""
    with pytest.raises(RefusedInput, match="101 characters, at most 100"):
        clean_serial("x" * 101)


@pytest.mark.parametrize("text", ["0", "13", "-1", "1.5", "", "one", "\u0662", "1" * 5000])
def test_fiber_is_one_of_the_connector(text: str) -> None:
    """From 1 to the number of fibers, in plain digits."""
    assert clean_fiber("12", 12) == 12
    with pytest.raises(RefusedInput, match="a number from 1 to 12"):
        clean_fiber(text, 12)


def test_arrival_survives_its_file() -> None:
    """What is written is read back; something else is named as such."""
    arrival = Arrival("größe.png", "A123", "A123", 3, 12, new_id())

    assert Arrival.from_json(arrival.to_json()) == arrival
    with pytest.raises(ValueError, match="no accepted picture"):
        Arrival.from_json(b'{"name": "x"}')
