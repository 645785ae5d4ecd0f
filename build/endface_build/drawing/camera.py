"""Microscope camera: a face and a seed become a picture and the truth about it.

    face = Face(marks=(pit((20.0, -35.0), 6.0), scratch((-90, 40), (90, 60), 3.0)))
    photo = photograph(face, Camera(), seed=1)
    photo.picture    # uint8 (864, 1152)
    photo.labels     # uint8 (864, 1152): endface.contract.Label codes, 255 on marks too faint to tell
    photo.placement  # where the fiber lies: center_px, um_per_px

``ANAMORPHIC`` is a second camera with non-square pixels, a black frame and a fiber off the center.  The same face,
camera and seed give the same bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.picture.square import Placement
from endface_build.drawing.canvas import LONG_LINE_LIMITS, SPOT_LIMITS, Canvas, Noise, Truth
from endface_build.drawing.faces import Face, draw_structure
from endface_build.drawing.raster import Field, Raster, smooth_noise

JPEG_LOSS = 0.06
"""Gray levels of faint structure that each step of compression quality below 100 costs."""

ROUNDING = 0.5
"""Noise in gray levels of a picture that seems to have none, since its gray levels are whole numbers."""


@dataclass(frozen=True)
class Camera:
    """A camera with its optics, light and electronics.

    Attributes:
        width_px: Picture width.
        height_px: Picture height.
        um_per_px: Scale in x and y.
        center_px: Where the fiber's center lies; None for the middle of the picture.
        blur_um: Deviation of the optics' blur on the face.
        noise: Deviation of the noise in gray levels.
        noise_grain_px: Width of a grain of the noise.
        stripes: Deviation of the rows from each other in gray levels.
        vignette: Share of the light lost in the corners.
        slope: Relative change of the light across the picture in x and y.
        gain: Factor on the gray levels.
        offset: Gray levels added after the gain.
        gamma: Exponent of the tone curve.
        sharpen: Strength of the camera's unsharp mask, whose halos surround every edge.
        light: Direction and strength (one vector) of the bright flanks of marks.
        shadows: How many shadows of dust on lenses or sensor lie in the picture.
        jpeg_quality: Quality of compression, or None for none.
        frame_px: Black columns and rows (left, top, right, bottom).
    """

    width_px: int = 1152
    height_px: int = 864
    um_per_px: tuple[float, float] = (0.43, 0.43)
    center_px: tuple[float, float] | None = None
    blur_um: float = 0.45
    noise: float = 1.2
    noise_grain_px: float = 1.0
    stripes: float = 0.0
    vignette: float = 0.08
    slope: tuple[float, float] = (0.0, 0.0)
    gain: float = 1.0
    offset: float = 0.0
    gamma: float = 1.0
    sharpen: float = 0.0
    light: tuple[float, float] = (0.0, 0.0)
    shadows: int = 0
    jpeg_quality: int | None = None
    frame_px: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def raster(self) -> Raster:
        """The camera's pixel grid around the fiber."""
        middle = ((self.width_px - 1) / 2, (self.height_px - 1) / 2)
        return Raster(self.width_px, self.height_px, self.center_px or middle, self.um_per_px)

    @property
    def line_noise(self) -> float:
        """Deviation in gray levels of what faint lines drown in: noise, the more the coarser it is, and what
        compression leaves out.
        """
        coarse = self.noise * math.sqrt(self.noise_grain_px)
        compressed = 0.0 if self.jpeg_quality is None else JPEG_LOSS * (100 - self.jpeg_quality)
        return math.hypot(coarse, compressed, self.stripes)


ANAMORPHIC = Camera(
    width_px=720,
    height_px=576,
    um_per_px=(0.607, 0.557),
    center_px=(340.0, 320.0),
    blur_um=0.7,
    noise=1.9,
    vignette=0.3,
    light=(0.5, 0.1),
    jpeg_quality=90,
    frame_px=(14, 11, 15, 0),
)
"""A PAL camera: pixels 59/54 as wide as high, a black frame, the fiber low and to the left."""


@dataclass(frozen=True)
class Photograph:
    """A drawn picture, uint8 (H, W), the truth about it, and where the fiber lies in it."""

    picture: NDArray[np.uint8]
    truth: Truth
    placement: Placement

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The label map in the camera's pixels, uint8 (H, W)."""
        return self.truth.labels


def photograph(face: Face, camera: Camera, seed: int) -> Photograph:
    """Draw a face as a camera sees it.

    Args:
        face: The face with its marks, in micrometers.
        camera: The camera.
        seed: Fixes the noise; the same arguments give the same bytes.

    Returns:
        The picture in the camera's pixels with its truth.
    """
    raster = camera.raster
    structure, clutter = draw_structure(face, raster)
    level = np.clip(raster.blur(structure, camera.blur_um), 0, 255)
    canvas = Canvas(
        raster,
        level,
        blur_um=camera.blur_um,
        noise=_noise(level, clutter, camera),
        light=camera.light,
    )
    for mark in face.marks:
        canvas.put(mark)
    picture = _expose(canvas.level, camera, np.random.default_rng((seed, 2)))
    return Photograph(picture, canvas.truth, Placement(raster.center_px, raster.um_per_px))


def _light(camera: Camera) -> Field:
    """Light over the picture, about 1, float32 (H, W)."""
    x = np.linspace(-1, 1, camera.width_px, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, camera.height_px, dtype=np.float32)[:, None]
    light = (1 - camera.vignette * (x**2 + y**2) / 2) * (1 + (camera.slope[0] * x + camera.slope[1] * y) / 2)
    return np.asarray(light, np.float32)


def _noise(level: Field, clutter: Field, camera: Camera) -> Noise:
    """What marks drown in on the face: the picture's noise by the tone curve's slope there, the face's own clutter, and
    where the picture is white all that lies above white.
    """
    gain = _light(camera) * camera.gain
    signal = level * gain
    slope = gain
    if camera.gamma != 1:
        slope = gain * camera.gamma * np.clip(signal / 255, 0.02, 1) ** (camera.gamma - 1)
    above = np.maximum(signal - 255, 0) / gain
    spots = np.hypot(clutter, max(camera.noise, ROUNDING) / slope) + above / SPOT_LIMITS[0]
    lines = np.hypot(clutter, max(camera.line_noise, ROUNDING) / slope) + above / LONG_LINE_LIMITS[0]
    return Noise(np.asarray(spots, np.float32), np.asarray(lines, np.float32))


def _cast_shadow(signal: Field, rng: np.random.Generator) -> None:
    """The shadow of dust far from the face, on a lens or before the sensor: a large faint spot or ring, soft-edged."""
    height_px, width_px = signal.shape
    radius_px = math.exp(rng.uniform(math.log(8), math.log(45)))
    x = np.arange(width_px, dtype=np.float32)[None, :] - rng.uniform(0, width_px)
    y = np.arange(height_px, dtype=np.float32)[:, None] - rng.uniform(0, height_px)
    share = np.hypot(x, y) / radius_px
    shape = np.exp(-(share**2)) if rng.random() < 0.6 else np.exp(-(((share - 1) / 0.5) ** 2))
    signal *= 1 - rng.uniform(0.01, 0.08) * shape


def _expose(level: Field, camera: Camera, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Light, tone curve, sharpening, noise, compression and frame, in the order of a camera."""
    height_px, width_px = level.shape
    signal = np.clip(level * _light(camera) * camera.gain / 255, 0, 1) ** camera.gamma * 255 + camera.offset
    if camera.sharpen > 0:
        signal += camera.sharpen * (signal - cv2.GaussianBlur(signal, (0, 0), 1.5))
    for _ in range(camera.shadows):
        _cast_shadow(signal, rng)
    noise = rng.standard_normal(level.shape, dtype=np.float32)
    if camera.noise_grain_px > 1:
        noise = smooth_noise(rng, (height_px, width_px), camera.noise_grain_px)
    if camera.stripes > 0:
        signal += camera.stripes * rng.standard_normal((height_px, 1), dtype=np.float32)
    picture = np.clip(np.rint(signal + camera.noise * noise), 0, 255).astype(np.uint8)
    if camera.jpeg_quality is not None:
        _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, camera.jpeg_quality])
        picture = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)
    left, top, right, bottom = camera.frame_px
    frame = np.full_like(picture, 6)
    inside = (slice(top, height_px - bottom), slice(left, width_px - right))
    frame[inside] = picture[inside]
    return frame
