"""The study on a real Triton."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import benchmarks.__main__ as command
from benchmarks.breakeven import section
from benchmarks.breakeven.arrangements import ARRANGEMENTS, ENDINGS, HOPS, hops_model
from benchmarks.breakeven.measure import recode
from benchmarks.breakeven.repository import assemble
from benchmarks.breakeven.station import Station
from benchmarks.breakeven.wire import Wire
from benchmarks.command import network_file
from benchmarks.errors import BenchmarkError
from benchmarks.limit import Work
from benchmarks.pictures import Picture
from benchmarks.target import serving
from endface import contract
from endface.image import decode

PROFILE = "mm-pc"


@pytest.fixture(scope="module")
def study(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Triton with the models of all arrangements, as ``host:port``."""
    folder = tmp_path_factory.mktemp("study")
    assemble(repository, folder)
    with serving("", "", "onnxruntime", folder) as (server, _):
        yield server


@pytest.mark.parametrize("ending", ENDINGS)
def test_encodings_hold_the_same_picture(pictures: list[Picture], ending: str) -> None:
    """Only bytes differ: what is compared is the way, not the picture."""
    for before, after in zip(pictures, recode(pictures, ending), strict=True):
        assert (after.name, after.verdict) == (before.name, before.verdict)
        assert np.array_equal(decode(after.data).gray, decode(before.data).gray)


def test_product_is_served_as_it_is(repository: Path, tmp_path: Path) -> None:
    """Its models are links to the real ones, and nothing is written into them."""
    assemble(repository, tmp_path)

    for model in contract.MODELS:
        assert (tmp_path / model.name).resolve() == (repository / model.name).resolve()
    assert not [name for name in ("fused", "hop", *map(hops_model, HOPS)) if (repository / name).exists()]


@pytest.mark.triton
@pytest.mark.slow
def test_arrangements_agree_in_verdict(study: str, pictures: list[Picture]) -> None:
    """On every picture, each of them says what the same stages say in one process."""
    encoded = {ending: recode(pictures, ending) for ending in ENDINGS}

    with contextlib.closing(Station(study, encoded, Work(pictures, network_file(), PROFILE), 0)) as station:
        found = {
            arrangement.name: [station.inspect(each.data, arrangement)[0] for each in encoded[arrangement.ending]]
            for arrangement in ARRANGEMENTS
        }

    assert found == {name: [each.verdict for each in pictures] for name in found}


@pytest.mark.triton
@pytest.mark.slow
@pytest.mark.parametrize("steps", HOPS)
def test_steps_that_do_nothing_give_the_bytes_back(study: str, steps: int) -> None:
    """What they cost is the handing over alone; the bytes of both directions are counted."""
    values = np.arange(1000, dtype=np.uint8)

    with contextlib.closing(Wire(study)) as wire:
        answer = wire.ask(hops_model(steps), {"IN": values}, ["OUT"])

        assert np.array_equal(answer["OUT"], values)
        assert (wire.sent, wire.received, wire.shared) == (1000, 1000, 0)


@pytest.mark.triton
@pytest.mark.slow
def test_refusal_is_named(study: str) -> None:
    """A model that is not there ends the study with its name."""
    with contextlib.closing(Wire(study)) as wire, pytest.raises(BenchmarkError, match="hops_7 did not answer"):
        wire.ask(hops_model(7), {"IN": np.zeros(1, np.uint8)}, ["OUT"])


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
