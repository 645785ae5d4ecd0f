"""RESULTS.md from its records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import PAGE, RESULTS, Json
from benchmarks.page import newest, page_text, write_page


def keep(folder: Path, name: str, record: Json) -> None:
    """Write a record."""
    (folder / name).write_text(json.dumps(record), encoding="utf-8")


def test_newest_of_each_kind(tmp_path: Path) -> None:
    """The date in the name decides; records of other kinds are left alone."""
    for name in ("2026-11-01-load.json", "2026-11-20-load.json", "2026-11-09-stages.json", "2026-11-30-accuracy.json"):
        keep(tmp_path, name, {"name": name})

    assert {kind: record["name"] for kind, record in newest(tmp_path).items()} == {
        "load": "2026-11-20-load.json",
        "stages": "2026-11-09-stages.json",
    }


def test_page_says_where_it_comes_from_and_what_was_found(load_record: Json, stages_record: Json) -> None:
    """Machine, commit, network, the ratio that is the claim, the tables and what was not kept."""
    text = page_text({"load": load_record, "stages": stages_record})

    assert "Measured on 2026-11-22 at commit `0123456789ab` with the network" in text
    assert "on Abacus, 2 cores" in text
    assert "Served over limit: **0.833**. Knee: 2 stations." in text
    assert "Serving adds 2.5 ms to a picture" in text
    assert "| - decode | 3.00 (2.00, 4.00) | 3.50 (2.50, 4.50) |" in text
    assert "| served over limit | 0.9 (0.89, 0.91) |" in text
    assert "| tritonserver | 1.60 |" in text
    assert "| 2 stations | 50.0 | 39 | 48 | 55 | 500 | 0 | 0 | 0 | 1.60 | 0.20 | 650 |" in text
    assert "2 limits of `slo.toml`, 1 not kept." in text
    assert "| ramp, 2 stations | p99_ms | 10 | 55 |" in text


def test_local_changes_are_said(load_record: Json) -> None:
    """A record of files that no commit holds says so."""
    text = page_text({"load": load_record | {"commit": load_record["commit"] + "-dirty"}})

    assert "at commit `0123456789ab` with local changes" in text


def test_fairness_stands_under_the_ramp(load_record: Json) -> None:
    """What the stations got, and the p99 in turns."""
    assert "| 2 stations | 240 | 260 | 1.08 | 1.38 | 0.000 |" in page_text({"load": load_record})


@pytest.mark.parametrize(("again_s", "said"), [(3.0, "**3 s** after it."), (None, "not within 10 s.")])
def test_overload_in_words(again_s: float | None, said: str, load_record: Json) -> None:
    """What came of an open stream, how much of the capacity was served, and when all was as before."""
    row = {"phase": "overload", "seconds": 10.0, "sent": 1000, "answered": 470, "refused": 530, "failed": 0}
    row |= {"p50_ms": 1300.0, "p99_ms": 1500.0, "refusal_p99_ms": 6.0}
    overload = {"capacity": 50.0, "rows": [row], "served_per_s": 47.5, "unserved_share": 0.05}

    text = page_text({"load": load_record | {"overload": overload | {"normal_again_s": again_s}}})

    assert "| overload | 100.0 | 470 | 1300 | 1500 | 530 | 6 | 0 |" in text
    assert f"47.5 pictures/s, **0.95** of the capacity. As before the overload: {said}" in text


def test_caveats_stand_beside_the_figures(load_record: Json) -> None:
    """What speaks against a measurement is on its page, and where nothing does, that is said."""
    weak = load_record | {"generator_busy": ["8 stations"]}

    assert "- **Locust was the bottleneck in 8 stations: run it with more `--processes`.**" in page_text({"load": weak})
    assert "Nothing was noticed that speaks against this." in page_text({"load": load_record})


def test_page_with_plots(load_record: Json, tmp_path: Path) -> None:
    """The page and its plots are written, and written again the same."""
    keep(tmp_path, "2026-11-22-load.json", load_record)
    page = tmp_path / "RESULTS.md"

    write_page(tmp_path, page)
    first = {path.name: path.read_bytes() for path in (tmp_path / "plots").iterdir()}
    write_page(tmp_path, page)

    assert set(first) == {"load.png", "stages.png"}
    assert {path.name: path.read_bytes() for path in (tmp_path / "plots").iterdir()} == first
    assert all(f"plots/{name}" in page.read_text(encoding="utf-8") for name in first)


def test_what_was_measured_once_keeps_its_text(load_record: Json) -> None:
    """It stands in its place as it was written; its record is not read."""
    text = page_text({"traces": "## Traces\n\nOnce.\n", "load": load_record})

    assert text.endswith("\n## Traces\n\nOnce.\n")


def test_no_records(tmp_path: Path) -> None:
    """Without a record there is no page."""
    with pytest.raises(BenchmarkError, match=r"no records in .*; make one with `make bench`"):
        write_page(tmp_path, tmp_path / "RESULTS.md")


def test_broken_record(tmp_path: Path) -> None:
    """A record that is no JSON is named."""
    (tmp_path / "2026-11-22-load.json").write_text("{", encoding="utf-8")

    with pytest.raises(BenchmarkError, match="cannot be read"):
        newest(tmp_path)


def test_committed_page_is_that_of_the_committed_records() -> None:
    """The page in the repository says what its records say, if there are any."""
    if not PAGE.exists():
        pytest.skip("no results are committed yet")

    assert PAGE.read_text(encoding="utf-8") == page_text(newest(RESULTS))
