"""The guided campaign's corpus, replayed without its engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.security.inputs import CORPUS, PICTURE, REQUEST, try_input


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_every_input_is_answered(path: Path) -> None:
    """What the campaign begins with, and what it found once, is answered in time."""
    data = path.read_bytes()

    assert data[:1] in (PICTURE, REQUEST)
    try_input(data)


def test_corpus_is_small() -> None:
    """It is in version control."""
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < 200_000
