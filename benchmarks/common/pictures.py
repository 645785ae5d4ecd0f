"""The pictures of a measurement, and what a right answer to each of them is.

They are drawn by the project's own generator, for the two cameras of the samples; photographs may be added where
somebody has some.  The expected verdict is that of the same stages and the same network in this process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from benchmarks.common.errors import BenchmarkError
from endface import offline
from endface.engines.catalog import ONNXRUNTIME
from endface.files import write_whole
from endface.options import Options
from endface.report import VerdictName
from endface_build.data.drawn_pictures import fiber_of, random_fiber
from endface_build.drawing.camera import ANAMORPHIC, photograph
from endface_build.drawing.random_marks import random_marks
from endface_build.drawing.sample_scenes import MICROSCOPE
from endface_build.provenance import write_json

CAMERAS: Final = (MICROSCOPE, ANAMORPHIC)
"""1152 x 864 and 720 x 576 pixels: the sizes that users sent."""

SEED: Final = 20_011
"""Faces of their own: neither learnt from nor judged on elsewhere."""

_CLEAN: Final = 3
"""Every so many faces have no marks, so that passes are among the expected verdicts."""

_INDEX: Final = "pictures.json"
_ENDINGS: Final = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Picture:
    """A file, its size in pixels, and the verdict that is expected of it."""

    name: str
    data: bytes
    width: int
    height: int
    verdict: VerdictName

    @property
    def size(self) -> str:
        """Such as "1152 x 864"."""
        return f"{self.width} x {self.height}"


def draw(count: int, profile: str) -> Iterator[tuple[str, bytes]]:
    """Names and JPEG files of drawn faces, the cameras taking turns; the same arguments give the same bytes."""
    for number in range(count):
        camera = CAMERAS[number % len(CAMERAS)]
        rng = np.random.default_rng((SEED, number))
        face = random_fiber(rng, fiber_of(profile))
        if number // len(CAMERAS) % _CLEAN:
            face = replace(face, marks=random_marks(rng, face))
        picture = photograph(face, replace(camera, jpeg_quality=None), seed=number).picture
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, camera.jpeg_quality or 90])
        yield f"drawn-{number:03}.jpg", data.tobytes()


def photographs(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Names and files of the pictures in a folder and below, without those under ``labels``: class maps, no faces."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _ENDINGS and "labels" not in path.relative_to(folder).parts:
            yield path.name, path.read_bytes()


def expect(files: Iterator[tuple[str, bytes]], profile: str) -> list[Picture]:
    """Judge each file in this process.

    Those that cannot be judged are left out: in one process they would cost nothing, and the comparison nothing mean.

    Raises:
        BenchmarkError: none is left.
    """
    found = []
    for name, data in files:
        report = offline.inspect(data, Options(profile, name=name), engine=ONNXRUNTIME)
        if report.verdict != "invalid":
            found.append(Picture(name, data, report.image.width, report.image.height, report.verdict))
    if not found:
        raise BenchmarkError("none of the pictures can be judged; draw more, or name a folder of other photographs")
    return found


def save(pictures: Sequence[Picture], folder: Path) -> None:
    """Write pictures into a folder, for the processes of the load generator."""
    index = []
    for picture in pictures:
        write_whole(folder / picture.name, picture.data)
        index.append({key: value for key, value in asdict(picture).items() if key != "data"})
    write_json(folder / _INDEX, index)


def load(folder: Path) -> list[Picture]:
    """What ``save`` wrote.

    Raises:
        BenchmarkError: the folder holds no such pictures.
    """
    try:
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        return [Picture(data=(folder / each["name"]).read_bytes(), **each) for each in index]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise BenchmarkError(
            f"{folder} holds no prepared pictures ({exc}); `python -m benchmarks load` prepares some in out/bench"
        ) from exc
