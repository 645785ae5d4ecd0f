"""What a server must keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.common.origin import Json
from benchmarks.load.shapes import SHAPES
from benchmarks.load.slo import Limits, judge, read_limits
from endface.errors import ConfigurationError

STRICT = Limits(p99_ms=100, failed_share=0.0, refused_share=0.1, wrong_verdicts=0)


def phase(**found: float | None) -> Json:
    """Figures of a phase that keeps every limit of ``STRICT``, except for what is named."""
    return {"phase": "4 stations", "p99_ms": 100, "failed_share": 0, "refused_share": 0.1, "wrong_verdicts": 0} | found


@pytest.mark.parametrize(
    "broken",
    [{}, {"p99_ms": 100.1}, {"failed_share": 0.001}, {"refused_share": 0.2}, {"wrong_verdicts": 1}, {"p99_ms": None}],
    ids=str,
)
def test_each_limit_can_be_broken(broken: dict[str, float | None]) -> None:
    """A figure above its limit breaks that limit and no other, and so does a missing p99; one at its limit keeps it."""
    checks = judge({"ramp": STRICT}, {"ramp": [phase(**broken)]})

    assert [check.what for check in checks] == ["p99_ms", "failed_share", "refused_share", "wrong_verdicts"]
    assert [check.what for check in checks if not check.kept] == list(broken)


def test_phase_with_limits_of_its_own() -> None:
    """A phase is held against the section of its name, where there is one, instead of its shape's."""
    patient = Limits(p99_ms=1e9, failed_share=1, refused_share=1, wrong_verdicts=0)
    figures = [phase(p99_ms=200), phase(p99_ms=200) | {"phase": "recovery"}]

    checks = judge({"overload": patient, "recovery": STRICT}, {"overload": figures})

    assert [check.phase for check in checks if not check.kept] == ["recovery"]


def test_broken_limit_reads_as_a_sentence() -> None:
    """Where, what and how much."""
    slow, silent = (judge({"takt": STRICT}, {"takt": [phase(p99_ms=ms)]})[0] for ms in (250.0, None))

    assert str(slow) == "takt, 4 stations: p99_ms 250, at most 100 allowed"
    assert str(silent) == "takt, 4 stations: nothing was answered, p99_ms at most 100 allowed"


def test_shape_without_limits() -> None:
    """Nothing is passed for want of a limit."""
    with pytest.raises(ConfigurationError, match=r"no limits for the shape soak; add a section \[soak\]"):
        judge({"ramp": STRICT}, {"soak": [phase()]})


def test_own_file_covers_every_shape() -> None:
    """The project's limits name every shape, and none of them lets a wrong verdict through."""
    limits = read_limits()

    assert set(SHAPES) <= set(limits)
    assert {each.wrong_verdicts for each in limits.values()} == {0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("[takt", "cannot be read"),
        ("[takt]\np99_ms = 5", "must hold exactly failed_share, p99_ms, refused_share, wrong_verdicts"),
        ("takt = 5", "must hold exactly"),
        (
            "[takt]\np99_ms = '5'\nfailed_share = 0\nrefused_share = 0\nwrong_verdicts = 0",
            r"\[takt\] p99_ms is '5'; it must be a number, not negative",
        ),
        (
            "[takt]\np99_ms = 5\nfailed_share = -1\nrefused_share = 0\nwrong_verdicts = 0",
            "failed_share is -1; it must be a number, not negative",
        ),
    ],
)
def test_wrong_file(text: str | None, message: str, tmp_path: Path) -> None:
    """What is wrong with the file is said with the file's name."""
    path = tmp_path / "slo.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=message) as caught:
        read_limits(path)
    assert str(path) in str(caught.value)
