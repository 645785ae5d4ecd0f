"""Hostile pictures and parameters: each gets a typed answer, in bounded time and memory."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from endface import stages
from endface.errors import BadParameterError, EndfaceError, RequestError, UnknownProfileError
from endface.frame import Frame
from endface.options import Options
from tests.security import fuzz, mutations

VALUES = st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.booleans())
NAMES = st.one_of(st.sampled_from(["profile", "cladding_um", "um_per_px", "serial", "name", "meta.a"]), st.text())


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_picture_is_answered(number: int) -> None:
    """Damaged files and sound ones of anything end in a report or in a refusal that blames the request."""
    assert fuzz.inspect(mutations.picture(1, number))


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_every_parameter_is_answered(parameters: dict[str, str | int | float | bool]) -> None:
    """Whatever a request says beside its picture is understood, or refused by name."""
    try:
        options = Options.from_parameters(parameters, "mm-pc")
    except (BadParameterError, UnknownProfileError):
        return
    Frame.from_json(stages.refuse(b"x", options, EndfaceError("no"))[1].to_json())


@pytest.mark.parametrize("parameters", [{"serial": "x" * 70_000}, {f"meta.{n}": "y" * 100 for n in range(700)}])
def test_long_parameters_are_refused(parameters: dict[str, str]) -> None:
    """They would travel with the picture through every stage; the sentence does not repeat them."""
    with pytest.raises(BadParameterError, match=r"characters, at most 65,536 are taken") as refused:
        Options.from_parameters(parameters, "mm-pc")
    assert len(str(refused.value)) < 200


def test_profile_is_no_path() -> None:
    """A name from a request is never looked for outside the folders of profiles."""
    for name in ("../profiles/mm-pc", "/etc/passwd", "mm-pc\0", "mm-pc.toml", "." * 5000):
        with pytest.raises(RequestError, match="no profile") as refused:
            Options.from_parameters({"profile": name})
        assert len(str(refused.value)) < 250


@pytest.mark.parametrize("size", [(1, 1), (1, 480), (670, 1), (480, 2)])
def test_strip_holds_no_fiber(size: tuple[int, int]) -> None:
    """Sound files of nearly no picture are invalid."""
    assert fuzz.inspect(mutations.saved(Image.new("L", size, 90), "PNG")) == "no_fiber"


def test_fuzzing_counts_what_it_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command answers for each picture, and keeps none where nothing is wrong."""
    status = fuzz.CAMPAIGN.main(fuzz.run, ["--pictures=60", "--workers=2", f"--keep={tmp_path}"])
    said = capsys.readouterr().out

    assert status == 0, said
    assert "60 pictures of seed 0" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGPROF, "hang"), (signal.SIGSEGV, "died with status -11")])
def test_death_while_inspecting_is_a_finding(number: signal.Signals, code: str) -> None:
    """The picture that was under way is named, and the rest of the series is left for another process."""
    worker = fuzz.Worker.start(0, range(0, 10**9, 2))
    assert worker.answers.poll(60)
    os.kill(worker.process.pid or 0, number)
    outcomes = []
    while not worker.has_ended:
        worker.answers.poll(60)
        outcomes += list(worker.outcomes())
    worker.answers.close()

    assert [outcome.code for outcome in outcomes if outcome.is_finding] == [code]
    assert outcomes[-1].number == 2 * (len(outcomes) - 1)
    assert worker.numbers[0] == 2 * len(outcomes)
