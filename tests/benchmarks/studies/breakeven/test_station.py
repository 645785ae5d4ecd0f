"""All arrangements on a real Triton."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import Work
from benchmarks.common.options import network_file
from benchmarks.common.pictures import Picture
from benchmarks.common.target import serving
from benchmarks.studies.breakeven.arrangements import ARRANGEMENTS, ENDINGS, HOPS, hops_model
from benchmarks.studies.breakeven.measure import recode
from benchmarks.studies.breakeven.repository import assemble
from benchmarks.studies.breakeven.station import Station
from benchmarks.studies.breakeven.wire import Wire

PROFILE = "mm-pc"


@pytest.fixture(scope="module")
def study(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Triton with the models of all arrangements, as ``host:port``."""
    folder = tmp_path_factory.mktemp("study")
    assemble(repository, folder)
    with serving("", "", "onnxruntime", folder) as (server, _):
        yield server


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
