"""The gate of false passes: a version may let no more bad parts pass than the one that serves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from endface.errors import RolloutError
from endface_build.data.drawn_pictures import labelled_of
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import pit
from endface_build.evaluation.false_passes import (
    FalsePasses,
    JudgedSet,
    count_false_passes,
    drawn_sets,
    refuse_more_false_passes,
)
from endface_build.manifest import MODEL_FILE

Networks = tuple[Path, Path]


@pytest.fixture(scope="module")
def networks(write_steps: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Networks:
    """A network that sees defects in every gray level from 50 on, and one that sees none."""
    folder = tmp_path_factory.mktemp("networks")
    return write_steps(folder / "seeing") / MODEL_FILE, write_steps(folder / "blind", high=0) / MODEL_FILE


def test_false_passes_are_counted(networks: Networks) -> None:
    """Of one failing part, the blind network lets one pass and the other none; a good part does not count."""
    parts = {"bad.png": Face(marks=(pit((54.0, -15.0), 12.0),)), "good.png": Face()}
    camera = Camera(300, 300, um_per_px=(0.9, 0.9))
    pictures = [labelled_of(photograph(face, camera, seed=3), face, name) for name, face in parts.items()]
    sets = {"two parts": JudgedSet(pictures, "mm-pc")}

    assert count_false_passes(*networks, sets) == {"two parts": FalsePasses(failing=1, serving=0, candidate=1)}


def test_more_of_them_are_refused() -> None:
    """A version that lets one more pass on any set is refused with the set and the counts; as many may serve."""
    equal, worse = FalsePasses(failing=5, serving=1, candidate=1), FalsePasses(failing=9, serving=0, candidate=1)

    refuse_more_false_passes({"drawn faces": equal})
    with pytest.raises(RolloutError, match=r"pass: 1 of 9 on own parts, where the serving version has 0\. Train"):
        refuse_more_false_passes({"drawn faces": equal, "own parts": worse})


def test_drawn_sets_are_of_either_fiber() -> None:
    """A promotion looks at drawn faces of both fibers, each by a profile of its own kind."""
    assert {each.profile for each in drawn_sets(2).values()} == {"mm-pc", "sm-apc"}
    assert [len(each.pictures) for each in drawn_sets(2).values()] == [2, 2]
