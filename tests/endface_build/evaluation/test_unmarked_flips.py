"""The gate of unmarked flips: with a new version no more verdicts may depend on how a picture was taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from endface.errors import RolloutError
from endface.picture.decode import decode
from endface_build.data.drawn_pictures import labelled_of
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face
from endface_build.evaluation.false_passes import JudgedSet
from endface_build.evaluation.unmarked_flips import (
    UnmarkedFlips,
    count_unmarked_flips,
    refuse_more_unmarked_flips,
)
from endface_build.manifest import MODEL_FILE


def test_unmarked_flips_are_counted(write_steps: Callable[..., Path], tmp_path: Path) -> None:
    """A network that sees defects in gray levels from 50 on flips with a dark face, one that sees none does not.

    The face is darker than 50 everywhere, and lighter than that only when it loses contrast.
    """
    blind, seeing = write_steps(tmp_path / "blind", high=0) / MODEL_FILE, write_steps(tmp_path / "seeing") / MODEL_FILE
    face, camera = Face(), Camera(300, 300, um_per_px=(0.9, 0.9), gain=0.23, noise=0.1)
    picture = labelled_of(photograph(face, camera, seed=3), face, "dark.png")
    sets = {"a dark part": JudgedSet([picture], "mm-pc")}

    assert decode(picture.data).gray.max() < 50
    assert count_unmarked_flips(blind, seeing, sets) == {"a dark part": UnmarkedFlips(serving=0, candidate=1)}


def test_more_of_them_are_refused() -> None:
    """A version with one more on any set is refused with the set and the counts; as many may serve."""
    equal, worse = UnmarkedFlips(serving=1, candidate=1), UnmarkedFlips(serving=0, candidate=1)

    refuse_more_unmarked_flips({"own parts": equal})
    with pytest.raises(RolloutError, match=r"1 on other parts, where the serving version has 0\. Train"):
        refuse_more_unmarked_flips({"own parts": equal, "other parts": worse})
