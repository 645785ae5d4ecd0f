"""The page's section of scaling."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common.origin import Json
from benchmarks.studies.scaling import section


def test_section_says_what_was_measured(scaling_record: Json) -> None:
    """Instances with their queues, cores beside the limit, and how two servers shared the calls."""
    text = section.text(scaling_record)

    assert text.startswith("## Scaling\n\nMeasured on 2026-11-22")
    assert text.endswith("\n")
    assert "8 stations without a pause, 10 s a point; 24 pictures of 90 kB on average." in text
    assert "the repository's own are 1/2/1." in text
    assert "| 1/1/1 | 2.6 | 150 | 210 | 1.5 | 4.0 | 0.5 | 0.10 | 450 | 0 | 0 |" in text
    assert "| 1 | 1/1/1 | 2.5 | 1.5 | 0.600 | on another core | 0.10 |" in text
    assert "| 2 | 1/2/1 | 4.0 | 3.2 | 0.800 | on the same cores | 0.10 |" in text
    assert "`round_robin`: 0.500 and 0.500" in text


def test_drift_is_said(scaling_record: Json) -> None:
    """The same point, measured twice, says whether the machine was the same."""
    assert "The machine was not the same" not in section.text(scaling_record)

    scaling_record["cores"][-1]["images_per_s"] = 2.9

    assert "1/2/1 served 3.2 pictures/s at the beginning and 2.9 later" in section.text(scaling_record)


def test_plot_is_written_the_same_again(scaling_record: Json, tmp_path: Path) -> None:
    """The section shows it."""
    section.plot(scaling_record, tmp_path)
    (plot,) = tmp_path.iterdir()
    first = plot.read_bytes()
    section.plot(scaling_record, tmp_path)

    assert plot.read_bytes() == first
    assert f"plots/{plot.name}" in section.text(scaling_record)
