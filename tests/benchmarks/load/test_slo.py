"""What a server must keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.common.origin import Json
from benchmarks.load.shapes import SHAPES
from benchmarks.load.slo import FairLimits, Limits, judge, read_limits
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


def test_fairness_and_overload_have_limits_of_their_own() -> None:
    """A station that got nothing has no share, and a server that does not recover no time: neither keeps its limit."""
    fair = {"phase": "64 stations", "lost_share": 0.02, "p99_over_turn": 1.3, "most_over_fewest": None}
    overload = {"phase": "overload", "unserved_share": 0.05, "p99_ms": 2000.0, "refusal_p99_ms": 8.0}
    overload |= {"failed_share": 0.0, "wrong_verdicts": 0, "normal_again_s": None}

    checks = judge(read_limits(), {"fair": [fair], "overload": [overload]})

    assert [str(check) for check in checks if not check.kept] == [
        "fair, 64 stations: there is no most_over_fewest, at most 2 allowed",
        "overload, overload: there is no normal_again_s, at most 5 allowed",
    ]


def test_broken_limit_reads_as_a_sentence() -> None:
    """Where, what and how much."""
    slow, silent = (judge({"takt": STRICT}, {"takt": [phase(p99_ms=ms)]})[0] for ms in (250.0, None))

    assert str(slow) == "takt, 4 stations: p99_ms 250, at most 100 allowed"
    assert str(silent) == "takt, 4 stations: there is no p99_ms, at most 100 allowed"


def test_shape_without_limits() -> None:
    """Nothing is passed for want of a limit."""
    with pytest.raises(ConfigurationError, match=r"no limits for the shape soak; add a section \[soak\]"):
        judge({"ramp": STRICT}, {"soak": [phase()]})


def test_own_file_covers_every_shape() -> None:
    """The project's limits name every shape, and none of them lets a wrong verdict through."""
    limits = read_limits()

    assert set(limits) == {*SHAPES, "fair"}
    assert {each.wrong_verdicts for each in limits.values() if not isinstance(each, FairLimits)} == {0}


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
