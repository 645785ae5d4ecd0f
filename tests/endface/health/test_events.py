from __future__ import annotations

import pytest

from endface.health.events import Event, Fault

FAULT = Fault("stub", "1 of segment\nis gone", since_s=10.0, model="segment")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            Event.noticed(FAULT, "reload", 10.1),
            "endface-healing event=noticed kind=stub model=segment action=reload noticed_ms=100 down_ms=100: "
            "1 of segment is gone",
        ),
        (
            Event.serving(FAULT, "restart", 10.1, 12.5),
            "endface-healing event=serving kind=stub model=segment action=restart repaired_ms=2400 down_ms=2500: "
            "1 of segment is gone",
        ),
    ],
)
def test_is_one_line_that_can_be_read(event: Event, line: str) -> None:
    """A person reads it, and so does a program."""
    parsed = Event.parse(line + "\n")

    assert event.line() == line
    assert parsed is not None
    assert parsed.line() == line
    assert parsed.took_ms == event.took_ms


def test_other_lines_are_none() -> None:
    """Triton's own log stands between them."""
    assert Event.parse("E1122 failed to load") is None
