"""Parts for a gage study: the same end face under conditions that differ a little.

A drawn part is drawn anew for every trial, turned by any angle.  A photographed part is the photograph turned by
quarters and mirrored, which moves every pixel without changing it, then blurred, re-lit, shifted or compressed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface_build.data.drawn_pictures import encode, random_fiber
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import Blob, Mark
from endface_build.drawing.random_marks import random_marks
from endface_build.drawing.random_places import Point
from endface_build.drawing.squares import random_camera

Matrix = NDArray[np.float64]
"""(2, 2): what a trial's pose does to x and y, in micrometers from the fiber's center."""

CONDITIONS: Final = ("turned", "shifted", "defocused", "re-lit", "noisy", "compressed", "all")
"""What a trial changes; ``turned`` takes in mirror images of photographs."""

SHIFT_UM: Final = 3.0
DEFOCUS_UM: Final = 0.35
LIGHT: Final = 0.12
NOISE: Final = 1.5
JPEG_QUALITIES: Final = (80, 95)
"""Deviations of a trial: place, blur, gain and slope of the light, gray levels of noise; and the range of quality."""

PHOTO_UM_PER_PX: Final = 0.5
"""What a pixel of a photograph is taken for when it is shifted and blurred; it need not be exact."""

SEED: Final = 20_005


@dataclass(frozen=True)
class Trial:
    """One picture of a part, and the pose in which it shows it."""

    condition: str
    data: bytes
    pose: Matrix


@dataclass(frozen=True)
class DrawnPart:
    """A drawn face before a camera.

    Attributes:
        name: What to call it.
        face: The face.
        camera: The camera as it stands when nothing is changed.
    """

    name: str
    face: Face
    camera: Camera

    def reference(self) -> Trial:
        """The part as it is."""
        return Trial("reference", encode(photograph(self.face, self.camera, seed=0).picture), np.eye(2))

    def trial(self, condition: str, rng: np.random.Generator) -> Trial:
        """The part under a condition, one of ``CONDITIONS``."""
        changed = _changed(condition)
        face, camera, pose, seed = self.face, self.camera, np.eye(2), 0
        if "turned" in changed:
            angle = rng.uniform(0, 2 * math.pi)
            pose = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
            face = replace(face, marks=tuple(_turned(mark, pose, math.degrees(angle)) for mark in face.marks))
        if "shifted" in changed:
            center = camera.raster.center_px
            off = [c + rng.normal(0, SHIFT_UM) / um for c, um in zip(center, camera.um_per_px, strict=True)]
            camera = replace(camera, center_px=(off[0], off[1]))
        if "defocused" in changed:
            camera = replace(camera, blur_um=math.hypot(camera.blur_um, rng.normal(0, DEFOCUS_UM)))
        if "re-lit" in changed:
            slope = (float(rng.normal(0, LIGHT)), float(rng.normal(0, LIGHT)))
            camera = replace(camera, gain=camera.gain * (1 - abs(rng.normal(0, LIGHT))), slope=slope)
        if "noisy" in changed:
            camera, seed = replace(camera, noise=camera.noise + abs(rng.normal(0, NOISE))), int(rng.integers(2**31))
        if "compressed" in changed:
            camera = replace(camera, jpeg_quality=int(rng.integers(*JPEG_QUALITIES)))
        return Trial(condition, encode(photograph(face, camera, seed=seed).picture), pose)


def random_part(index: int) -> DrawnPart:
    """A random multimode face before a random camera.

    Args:
        index: The part's number; fixes it.
    """
    rng = np.random.default_rng((SEED, index))
    face = random_fiber(rng, "multimode")
    camera = replace(random_camera(rng), center_px=None)
    return DrawnPart(f"part {index + 1}", replace(face, marks=random_marks(rng, face)), camera)


@dataclass(frozen=True)
class PhotographedPart:
    """A photograph of a part.

    Attributes:
        name: Its file name.
        gray: The decoded picture, uint8 (H, W).
    """

    name: str
    gray: NDArray[np.uint8]

    def reference(self) -> Trial:
        """The photograph as it is."""
        return Trial("reference", encode(self.gray), np.eye(2))

    def trial(self, condition: str, rng: np.random.Generator) -> Trial:
        """The photograph under a condition, one of ``CONDITIONS``."""
        changed = _changed(condition)
        pose, level = np.eye(2), self.gray.astype(np.float32)
        if "turned" in changed:
            turned, pose = turn(self.gray, int(rng.integers(1, 8)))
            level = turned.astype(np.float32)
        if "shifted" in changed:
            level = _moved(level, rng.normal(0, SHIFT_UM / PHOTO_UM_PER_PX, 2))
        if "defocused" in changed:
            sigma_px = max(0.2, abs(rng.normal(0, DEFOCUS_UM / PHOTO_UM_PER_PX)))
            level = np.asarray(cv2.GaussianBlur(level, (0, 0), sigma_px))
        if "re-lit" in changed:
            level = level * (1 - abs(rng.normal(0, LIGHT))) * _slope(level.shape, rng.normal(0, LIGHT, 2))
        if "noisy" in changed:
            level = level + abs(rng.normal(0, NOISE)) * rng.standard_normal(level.shape, dtype=np.float32)
        picture = np.clip(np.rint(level), 0, 255).astype(np.uint8)
        if "compressed" in changed:
            _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*JPEG_QUALITIES))])
            return Trial(condition, data.tobytes(), pose)
        return Trial(condition, encode(picture), pose)


def turn(picture: NDArray[np.uint8], number: int) -> tuple[NDArray[np.uint8], Matrix]:
    """One of the eight ways in which a picture can lie on its grid.

    Args:
        picture: uint8 (H, W).
        number: 0 to 3 for so many quarter turns counter-clockwise, 4 to 7 for their mirror images.

    Returns:
        The picture, and what happened to x and y.
    """
    turned = np.rot90(picture, number % 4)
    pose = np.linalg.matrix_power(np.array([[0.0, 1.0], [-1.0, 0.0]]), number % 4)
    if number >= 4:
        turned, pose = turned[:, ::-1], np.diag([-1.0, 1.0]) @ pose
    return np.ascontiguousarray(turned), pose


def _changed(condition: str) -> tuple[str, ...]:
    """The conditions that a condition consists of."""
    return CONDITIONS if condition == "all" else (condition,)


def _turned(mark: Mark, pose: Matrix, angle_deg: float) -> Mark:
    """A mark turned around the fiber's center."""

    def moved(point: Point) -> Point:
        x, y = pose @ point
        return float(x), float(y)

    if isinstance(mark, Blob):
        return replace(mark, center_um=moved(mark.center_um), angle_deg=mark.angle_deg + angle_deg)
    return replace(mark, points_um=tuple(moved(point) for point in mark.points_um))


def _moved(level: NDArray[np.float32], by_px: NDArray[np.float64]) -> NDArray[np.float32]:
    """The picture shifted by parts of a pixel too; its border is continued."""
    matrix = np.array([[1, 0, by_px[0]], [0, 1, by_px[1]]])
    size = (level.shape[1], level.shape[0])
    return np.asarray(cv2.warpAffine(level, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _slope(shape: tuple[int, ...], change: NDArray[np.float64]) -> NDArray[np.float32]:
    """Light that changes across the picture, 1 in its middle."""
    x, y = np.linspace(-0.5, 0.5, shape[1]), np.linspace(-0.5, 0.5, shape[0])
    return np.asarray(1 + change[0] * x[None, :] + change[1] * y[:, None], np.float32)
