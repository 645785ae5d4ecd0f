from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from endface.frame import Frame
from endface.options import Options
from endface.stages import preprocess


@given(
    serial=st.text(max_size=20),
    name=st.text(max_size=20),
    meta=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
def test_frame_survives_its_json(serial: str, name: str, meta: dict[str, str]) -> None:
    """Whatever a caller echoes through, the frame comes back equal."""
    _, frame = preprocess(b"no picture", Options("mm-pc", serial=serial, name=name, meta=meta))

    assert Frame.from_json(frame.to_json()) == frame


def test_when_a_request_was_taken_up_is_no_timing() -> None:
    """The time stamp travels beside the durations, and reports show only these."""
    _, frame = preprocess(b"no picture", Options("mm-pc"))

    stamped = Frame.from_json(replace(frame, taken_ms=12.5).to_json())

    assert stamped.taken_ms == 12.5
    assert stamped.timings_ms == frame.timings_ms
