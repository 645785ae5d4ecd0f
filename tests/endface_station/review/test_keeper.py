"""What a station hands its pictures to."""

from __future__ import annotations

from pathlib import Path

from endface.options import Options
from endface.report import Report
from endface.review.cases import Cases
from endface.review.keeper import Keeper, ReviewSettings, keeping


def test_pictures_to_review_are_kept_and_offered(
    tmp_path: Path, inspected: dict[str, tuple[Report, bytes]], repository: Path
) -> None:
    """Failures are kept, a candidate judges each picture, and where nothing was answered nothing is kept."""
    said: list[str] = []
    candidate = repository / "segment" / "1" / "model.onnx"
    settings = ReviewSettings(tmp_path / "cases", candidate, everything=False)
    with keeping(settings, Options(""), said.append) as keep:
        assert keep
        keep(*inspected["chipped.jpg"])
        keep(None, b"picture")

    assert [case.report.image.name for case in Cases(tmp_path / "cases")] == ["chipped.jpg"]
    assert keep.problem == ""
    assert ["the candidate judged 1 picture " in each for each in said] == [True]


def test_full_disk_does_not_stop_the_station(tmp_path: Path, inspected: dict[str, tuple[Report, bytes]]) -> None:
    """A picture that cannot be kept is a problem to show, which is gone with the next one that is kept."""
    (tmp_path / "cases").write_text("a file")
    keep = Keeper(Cases(tmp_path / "cases"))
    keep(*inspected["chipped.jpg"])
    assert "cannot be kept for review" in keep.problem
    assert keep.tally == ""

    (tmp_path / "cases").unlink()
    keep(*inspected["chipped.jpg"])
    assert keep.problem == ""
