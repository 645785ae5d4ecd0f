"""Golden pictures: what a new version of the network must judge as it should, and as the serving version does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from endface.criteria.profile import load_profile
from endface.engines.onnx_network import Network
from endface.errors import ConfigurationError
from endface.offline import Inspector
from endface.options import Options
from endface_build.data.drawn_pictures import SINGLE_MODE_CORE_UM, labelled_of
from endface_build.data.label_folder import PICTURES
from endface_build.drawing.camera import photograph
from endface_build.drawing.sample_scenes import SAMPLES
from endface_build.evaluation.evaluate_pictures import verdict_of

EXPECTED_FILE: Final = "golden.json"
"""File in a folder of golden pictures: an object of file names and verdicts, for those whose verdict is known."""

VERDICTS: Final = ("pass", "fail", "invalid")

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


@dataclass(frozen=True)
class Judged:
    """What two versions say of a golden picture."""

    name: str
    expected: str | None
    serving: str
    candidate: str

    @property
    def is_wrong(self) -> bool:
        """Whether the candidate misses a verdict that is known."""
        return self.expected is not None and self.candidate != self.expected

    @property
    def is_flip(self) -> bool:
        """Whether the candidate differs from the serving version where the right verdict is not known."""
        return self.expected is None and self.candidate != self.serving


def drawn() -> Iterator[Golden]:
    """The demo's faces, whose verdicts follow from what was drawn; a picture that cannot be judged is left out."""
    for number, sample in enumerate(SAMPLES):
        profile = load_profile("sm-pc-45" if sample.face.core_um <= SINGLE_MODE_CORE_UM else "mm-pc")
        photo = photograph(sample.face, sample.camera, seed=number)
        labelled = labelled_of(photo, sample.face, sample.name)
        if sample.camera.blur_um < MOST_BLUR_UM:
            expected = verdict_of(labelled.labels, photo.placement, profile)
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


def compare(serving: Path, candidate: Path, golden: Iterable[Golden]) -> list[Judged]:
    """Inspect every picture with both networks, as the server would.

    Args:
        serving: The serving version's ``.onnx`` file.
        candidate: The candidate's.
        golden: The pictures.

    Raises:
        ConfigurationError: A network is not the file of its manifest, does not load, or speaks another contract.
    """
    networks = Network(serving), Network(candidate)
    rows = []
    for picture in golden:
        options = Options(picture.profile)
        said = (Inspector(network.segment, options)(picture.data, picture.name).verdict for network in networks)
        rows.append(Judged(picture.name, picture.expected, *said))
    return rows


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
