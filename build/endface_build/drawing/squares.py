"""Synthetic set: random faces seen by random cameras, resampled to the square as the server does it.

Every square is fixed by the set's seed and its number, so a set can be drawn in any order, on any number of cores,
and continued.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX, Label
from endface_build.drawing.camera import Camera, Photograph, photograph
from endface_build.drawing.fibers import random_face
from endface_build.drawing.random_marks import random_marks
from endface_build.drawing.random_places import log_uniform

Outlined = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Gray levels and a plain label map, uint8 (512, 512) each."""

SET_FILES = ("squares.npy", "labels.npy", "coverage.npy")
"""A set's files, in the order of ``Square``."""


class Square(NamedTuple):
    """A face on the square with the truth about it, uint8 (512, 512) each.

    Attributes:
        gray: Gray levels.
        labels: ``Label`` codes and ``UNDECIDED`` where a mark covers at least an eighth of the pixel.
        coverage: 255 times the share of the pixel that a mark covers.
    """

    gray: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    coverage: NDArray[np.uint8]

    @property
    def outlined(self) -> Outlined:
        """Gray levels and the plain label map: each pixel belongs to the mark that covers at least half of it."""
        return self.gray, np.where(self.coverage >= 128, self.labels, np.uint8(Label.BACKGROUND))


def random_camera(rng: np.random.Generator) -> Camera:
    """A camera of any scale and quality that sees about the square.

    Args:
        rng: Source of every choice.
    """
    scale = log_uniform(rng, 0.25, 1.0)
    aspect = rng.uniform(0.88, 1.12) if rng.random() < 0.35 else 1.0
    um_per_px = (scale * math.sqrt(aspect), scale / math.sqrt(aspect))
    field_um = SQUARE_PX * UM_PER_PX
    width_px, height_px = (math.ceil((field_um + 6) / s) for s in um_per_px)
    cut = rng.random() < 0.15  # the camera's border runs through the square
    shift_px = rng.uniform(-0.2, 0.2, 2) * (width_px, height_px) if cut else np.zeros(2)
    slanted = rng.random() < 0.5
    light_deg, light = rng.uniform(0, 2 * math.pi), rng.uniform(0.1, 0.9)
    return Camera(
        width_px=width_px,
        height_px=height_px,
        um_per_px=um_per_px,
        center_px=(width_px / 2 + float(shift_px[0]), height_px / 2 + float(shift_px[1])),
        blur_um=float(np.clip(np.exp(rng.normal(-0.7, 0.45)), 0.2, 1.6)),
        noise=log_uniform(rng, 0.4, 4.5),
        noise_grain_px=1.0 if rng.random() < 0.5 else rng.uniform(1.0, 2.2),
        vignette=rng.uniform(0, 0.45),
        slope=(rng.normal(0, 0.08), rng.normal(0, 0.08)),
        stripes=rng.uniform(0.1, 0.8) if rng.random() < 0.15 else 0.0,
        gain=rng.uniform(0.2, 1.1) if rng.random() < 0.2 else 1.0,
        offset=rng.uniform(0, 20) if rng.random() < 0.2 else 0.0,
        gamma=rng.uniform(0.7, 1.4) if rng.random() < 0.3 else 1.0,
        sharpen=rng.uniform(0.2, 2.0) if rng.random() < 0.5 else 0.0,
        light=(light * math.cos(light_deg), light * math.sin(light_deg)) if slanted else (0.0, 0.0),
        shadows=int(rng.geometric(0.5)) if rng.random() < 0.15 else 0,
        jpeg_quality=int(rng.integers(55, 99)) if rng.random() < 0.6 else None,
    )


def far_camera(rng: np.random.Generator) -> Camera:
    """A camera of which one property lies outside the ranges of ``random_camera``, so that training never saw it.

    Args:
        rng: Source of every choice.
    """
    far: tuple[dict[str, Any], ...] = (
        {"blur_um": rng.uniform(1.65, 2.2)},
        {"noise": rng.uniform(4.7, 7.0)},
        {"noise_grain_px": rng.uniform(2.3, 3.5)},
        {"vignette": rng.uniform(0.5, 0.7)},
        {"sharpen": rng.uniform(2.1, 3.5)},
        {"jpeg_quality": int(rng.integers(30, 50))},
    )
    return replace(random_camera(rng), **far[rng.integers(len(far))])


def to_square(
    photo: Photograph, *, center_error_um: tuple[float, float] = (0.0, 0.0), scale_error: float = 0.0
) -> Square:
    """A photograph and its truth on the square.

    Args:
        photo: The photograph.
        center_error_um: How far the fiber's center is misjudged in x and y.
        scale_error: By which share the fiber's radius is misjudged.

    Returns:
        Gray levels, labels and coverage; what the camera did not see repeats the border and is background.
    """
    scale = [um / UM_PER_PX * (1 + scale_error) for um in photo.placement.um_per_px]
    center = [
        c + e / um
        for c, e, um in zip(photo.placement.center_px, center_error_um, photo.placement.um_per_px, strict=True)
    ]
    offset = [SQUARE_CENTER_PX - s * c for s, c in zip(scale, center, strict=True)]
    matrix = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]]], np.float64)
    size = (SQUARE_PX, SQUARE_PX)
    square = cv2.warpAffine(photo.picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Square(np.asarray(square, np.uint8), *photo.truth.resample(matrix, size))


def draw_square(seed: int, index: int) -> Square:
    """Number ``index`` of the set ``seed``; the same arguments give the same bytes.

    Args:
        seed: The set.
        index: The square's number in the set.
    """
    rng = np.random.default_rng((seed, index))
    face, camera = random_face(rng), random_camera(rng)
    photo = photograph(replace(face, marks=random_marks(rng, face)), camera, seed=int(rng.integers(2**31)))
    error_um = (float(rng.normal(0, 0.5)), float(rng.normal(0, 0.5)))
    return to_square(photo, center_error_um=error_um, scale_error=float(np.clip(rng.normal(0, 0.007), -0.02, 0.02)))


def draw_set(
    folder: Path, *, seed: int, count: int, workers: int = 2, progress: Callable[[int], None] | None = None
) -> tuple[Path, ...]:
    """Draw a set into three files, ``squares.npy``, ``labels.npy`` and ``coverage.npy``, uint8 (count, 512, 512) each.

    Args:
        folder: Where the files go; made if missing.
        seed: The set.
        count: Number of squares.
        workers: Processes that draw.
        progress: Called after each square with the number drawn so far.

    Returns:
        The paths of squares, labels and coverage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / name for name in SET_FILES)
    asides = [path.with_suffix(".part") for path in paths]
    arrays = [_map_new(aside, (count, SQUARE_PX, SQUARE_PX)) for aside in asides]
    with ProcessPoolExecutor(workers) as pool:
        for index, square in enumerate(pool.map(partial(draw_square, seed), range(count), chunksize=8)):
            for array, values in zip(arrays, square, strict=True):
                array[index] = values
            if progress is not None:
                progress(index + 1)
    for aside, path in zip(asides, paths, strict=True):
        aside.replace(path)
    return paths


def _map_new(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A new uint8 array on disk, mapped into memory."""
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)  # type: ignore[no-untyped-call]
    return np.asarray(mapped)
