"""The study's model repository."""

from __future__ import annotations

from pathlib import Path

from benchmarks.studies.breakeven.arrangements import HOPS, hops_model
from benchmarks.studies.breakeven.repository import assemble
from endface import contract


def test_product_is_served_as_it_is(repository: Path, tmp_path: Path) -> None:
    """Its models are links to the real ones, and nothing is written into them."""
    assemble(repository, tmp_path)

    for model in contract.MODELS:
        assert (tmp_path / model.name).resolve() == (repository / model.name).resolve()
    assert not [name for name in ("fused", "hop", *map(hops_model, HOPS)) if (repository / name).exists()]
