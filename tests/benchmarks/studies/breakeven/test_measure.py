"""The run of the study, from the pictures to the record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import benchmarks.__main__ as command
from benchmarks.common.pictures import Picture
from benchmarks.studies.breakeven import section
from benchmarks.studies.breakeven.arrangements import ARRANGEMENTS, ENDINGS
from benchmarks.studies.breakeven.measure import recode
from endface.picture.decode import decode


@pytest.mark.parametrize("ending", ENDINGS)
def test_encodings_hold_the_same_picture(pictures: list[Picture], ending: str) -> None:
    """Only bytes differ: what is compared is the way, not the picture."""
    for before, after in zip(pictures, recode(pictures, ending), strict=True):
        assert (after.name, after.verdict) == (before.name, before.verdict)
        assert np.array_equal(decode(after.data).gray, decode(before.data).gray)


@pytest.mark.triton
@pytest.mark.slow
def test_whole_run(tmp_path: Path) -> None:
    """From the pictures to the record: every arrangement answered, no verdict was wrong, no shared memory is left."""
    options = ["--faces=4", "--seconds=0.2", "--settle-s=0.1", "--rounds=1", "--stations=2", f"--results={tmp_path}"]

    result = CliRunner().invoke(command.app, ["breakeven", *options])

    assert result.exit_code == 0, result.output
    (path,) = tmp_path.glob("*-breakeven.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    (rows,) = record["rounds"]
    assert [row["arrangement"] for row in rows if "arrangement" in row] == [
        each.name for each in ARRANGEMENTS for _ in range(2)
    ]
    assert sum(row["wrong_verdicts"] for row in rows) == 0
    assert sum(row["answered"] for row in rows) > 0
    assert section.text(record)
    assert not list(Path("/dev/shm").glob("endface-breakeven-*"))
