"""Golden pictures: a small set on which networks, engines and versions are compared before they serve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from endface.criteria.profile import load_profile
from endface.errors import ConfigurationError
from endface_build.data.drawn_pictures import SINGLE_MODE_CORE_UM, labelled_of
from endface_build.data.label_folder import PICTURES
from endface_build.drawing.camera import photograph
from endface_build.drawing.sample_scenes import SAMPLES
from endface_build.evaluation.evaluate_pictures import drawn_verdict
from endface_build.evaluation.metrics import VERDICTS

EXPECTED_FILE: Final = "golden.json"
"""File in a folder of golden pictures: an object of file names and verdicts, for those whose verdict is known."""

MOST_BLUR_UM: Final = 3.0
"""A sample with more is out of focus, which no network decides."""


@dataclass(frozen=True)
class Golden:
    """One picture to compare versions on.

    Attributes:
        name: Its file name.
        data: The encoded picture.
        profile: The limits to judge it by.
        expected: The right verdict; None where nobody knows.
    """

    name: str
    data: bytes
    profile: str
    expected: str | None = None


def drawn() -> Iterator[Golden]:
    """The demo's faces, whose verdicts follow from what was drawn; pictures that cannot be judged are left out."""
    for number, sample in enumerate(SAMPLES):
        profile = load_profile("sm-pc-45" if sample.face.core_um <= SINGLE_MODE_CORE_UM else "mm-pc")
        photo = photograph(sample.face, sample.camera, seed=number)
        labelled = labelled_of(photo, sample.face, sample.name)
        if sample.camera.blur_um < MOST_BLUR_UM:
            expected = drawn_verdict(labelled.labels, photo.placement, profile)
            yield Golden(sample.name, labelled.data, profile.name, expected)


def of_folder(folder: Path, profile: str) -> list[Golden]:
    """The user's golden pictures.

    Args:
        folder: Holds pictures, and ``golden.json`` where right verdicts are known.
        profile: The limits to judge them by.

    Raises:
        ConfigurationError: There are no pictures, or the verdicts cannot be read.
        UnknownProfileError: The profile does not exist.
    """
    load_profile(profile)
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURES)
    if not paths:
        raise ConfigurationError(f"No pictures in {folder}: name a folder of golden pictures with --golden.")
    expected = _expected(folder / EXPECTED_FILE)
    if unknown := sorted(set(expected) - {path.name for path in paths}):
        raise ConfigurationError(f"{folder / EXPECTED_FILE} names pictures that are not there: {', '.join(unknown)}.")
    return [Golden(path.name, path.read_bytes(), profile, expected.get(path.name)) for path in paths]


def _expected(path: Path) -> dict[str, str]:
    """The verdicts of a file; none where it is absent."""
    if not path.is_file():
        return {}
    try:
        verdicts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as exc:
        raise ConfigurationError(f'{path} is not JSON: write {{"picture.png": "pass"}}. ({exc})') from exc
    if not isinstance(verdicts, dict) or not set(verdicts.values()) <= set(VERDICTS):
        raise ConfigurationError(f"{path} must be an object of file names and verdicts: {', '.join(VERDICTS)}.")
    return verdicts
