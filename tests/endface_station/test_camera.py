"""Cameras: the one that is played, and one that is not there."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from endface.errors import ConfigurationError
from endface_station.intake.camera import Camera, SampleCamera


def decoded(data: bytes) -> np.ndarray:
    """The picture in some bytes."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)


def test_played_microscope_shows_dirt_once_and_pits_for_good(project: Path) -> None:
    """So an operator cleans twice, focuses, and meets a part for rework; no two pictures are the same."""
    at = ("A1", 1)
    camera = SampleCamera(project / "samples", lambda: at)
    shown, pictures = {}, set()
    for part in ("A1", "A2", "A3"):
        for fiber in (1, 3, 5, 7):
            at = (part, fiber)
            taken = [camera.take() for _ in range(3)]
            shown[at] = tuple(name.removesuffix(".png") for _, name in taken)
            pictures |= {data for data, _ in taken}

    clean = "multimode-clean"
    assert shown["A1", 1] == (clean,) * 3
    assert shown["A1", 3] == ("dirty", "wiped", "clean")
    assert shown["A2", 7] == ("out-of-focus", clean, clean)
    assert shown["A2", 5] == (clean,) * 3
    assert shown["A3", 5] == ("pits-in-core",) * 3
    assert len(pictures) == 36


def test_live_picture_is_of_the_same_face(project: Path) -> None:
    """Looking is no try: the dirt is still there when the picture is taken."""
    camera = SampleCamera(project / "samples", lambda: ("A1", 3))
    live = decoded(camera.look())
    data, name = camera.take()
    taken = cv2.resize(decoded(data), live.shape[::-1])

    assert name == "dirty.png"
    assert float(np.abs(live.astype(float) - taken).mean()) < 4
    assert live.shape[1] == 640


def test_missing_cameras_and_samples_are_sentences(tmp_path: Path) -> None:
    """Each says what to check."""
    with pytest.raises(ConfigurationError, match="camera 99 cannot be opened; check its cable"):
        Camera(99)
    with pytest.raises(ConfigurationError, match="is no picture; name the folder of the project's samples"):
        SampleCamera(tmp_path, lambda: ("", 1))
