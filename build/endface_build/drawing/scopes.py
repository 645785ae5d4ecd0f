"""Pictures of other microscopes: round fields of view, overlays, whole ferrules, rows of fibers, negatives, receivers.

Each is drawn around faces of ``faces`` and says where their claddings are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.picture.square import Placement
from endface.report import Ellipse
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face
from endface_build.drawing.raster import smooth_noise

RIBBON_UM = 250.0
"""Distance of the fibers of a ribbon (IEC 61754-7)."""

GREEN = (60, 190, 40)
WHITE = (255, 255, 255)
BLACK = (0, 0, 0)
"""Colors of zone circles, blue, green, red as OpenCV has it."""


@dataclass(frozen=True)
class Scene:
    """A picture, uint8 (H, W) gray or (H, W, 3) blue, green, red, and its claddings in reading order."""

    picture: NDArray[np.uint8]
    claddings: tuple[Ellipse, ...]

    def encode(self, ending: str = ".png") -> bytes:
        """The picture as a file of that ending."""
        _, data = cv2.imencode(ending, self.picture)
        return data.tobytes()


def single(face: Face, camera: Camera, seed: int) -> Scene:
    """One face as a camera sees it."""
    photo = photograph(face, camera, seed)
    return Scene(photo.picture, (_cladding(face, photo.placement),))


def row_of_fibers(faces: Sequence[Face], camera: Camera, seed: int, *, pitch_um: float = RIBBON_UM) -> Scene:
    """Fibers side by side, the row's middle at the camera's ``center_px``; the camera may cut off those at the ends."""
    middle, y = camera.center_px or ((camera.width_px - 1) / 2, (camera.height_px - 1) / 2)
    pitch_px = pitch_um / camera.um_per_px[0]
    picture = np.zeros((camera.height_px, camera.width_px), np.uint8)
    claddings = []
    for number, face in enumerate(faces):
        x = middle + (number - (len(faces) - 1) / 2) * pitch_px
        photo = photograph(face, replace(camera, center_px=(x, y)), seed)
        left = 0 if number == 0 else max(round(x - pitch_px / 2), 0)
        picture[:, left:] = photo.picture[:, left:]
        claddings.append(_cladding(face, photo.placement))
    return Scene(picture, tuple(claddings))


def whole_ferrule(face: Face, camera: Camera, seed: int, *, front_um: float, around: float = 25.0) -> Scene:
    """A ferrule whose polished front of ``front_um`` is all in the picture, with ``around`` as the level beyond it."""
    scene = single(face, camera, seed)
    (cladding,) = scene.claddings
    y, x = np.mgrid[: camera.height_px, : camera.width_px]
    off_um = np.hypot(
        (x - cladding.center_px[0]) * camera.um_per_px[0], (y - cladding.center_px[1]) * camera.um_per_px[1]
    )
    soft_um = 2 * max(camera.um_per_px)
    inside = 1 / (1 + np.exp(np.clip((off_um - front_um / 2) / soft_um, -40, 40)))
    noise = camera.noise * np.random.default_rng((seed, 3)).standard_normal(off_um.shape)
    picture = inside * scene.picture + (1 - inside) * (around + noise)
    return replace(scene, picture=np.clip(np.rint(picture), 0, 255).astype(np.uint8))


def rough_ferrule(scene: Scene, seed: int, *, grain_px: float = 5.0, contrast: float = 30.0) -> Scene:
    """The same in a ferrule of filled plastic, whose dark and bright grains reach the rims."""
    rng = np.random.default_rng((seed, 6))
    shape = (scene.picture.shape[0], scene.picture.shape[1])
    ferrule = np.ones(shape, np.uint8)
    for cladding in scene.claddings:
        x, y = (round(place) for place in cladding.center_px)
        cv2.ellipse(ferrule, (x, y), (round(cladding.radii_px[0]), round(cladding.radii_px[1])), 0, 0, 360, (0,), -1)
    soft = cv2.GaussianBlur(ferrule.astype(np.float32), (0, 0), 0.7)
    grains = contrast * np.sign(smooth_noise(rng, shape, grain_px))
    picture = scene.picture + soft * cv2.GaussianBlur(grains.astype(np.float32), (0, 0), 0.7)
    return replace(scene, picture=np.clip(np.rint(picture), 0, 255).astype(np.uint8))


def round_field(scene: Scene, *, center_px: tuple[float, float], radius_px: float, around: int = 0) -> Scene:
    """The same through a round field of view, black around it."""
    inside = np.zeros(scene.picture.shape[:2], np.uint8)
    cv2.circle(inside, (round(center_px[0]), round(center_px[1])), round(radius_px), (1,), -1)
    shown = inside.astype(bool) if scene.picture.ndim == 2 else inside.astype(bool)[..., None]
    return replace(scene, picture=np.where(shown, scene.picture, np.uint8(around)))


def with_circles(
    scene: Scene, diameters_um: Sequence[float], *, cladding_um: float = 125.0, color: tuple[int, int, int] = GREEN
) -> Scene:
    """The same with circles of these diameters drawn around every fiber."""
    picture = _colored(scene.picture)
    for cladding in scene.claddings:
        for diameter_um in diameters_um:
            radii = [round(radius * diameter_um / cladding_um) for radius in cladding.radii_px]
            center = (round(cladding.center_px[0]), round(cladding.center_px[1]))
            cv2.ellipse(picture, center, (radii[0], radii[1]), 0, 0, 360, color, 1, cv2.LINE_AA)
    return replace(scene, picture=picture)


def with_crosshair(scene: Scene, *, color: tuple[int, int, int] = WHITE, width_px: int = 1) -> Scene:
    """The same with a line from side to side and one from top to bottom, through every fiber."""
    picture = _colored(scene.picture)
    height, width = picture.shape[:2]
    for cladding in scene.claddings:
        x, y = (round(each) for each in cladding.center_px)
        cv2.line(picture, (0, y), (width - 1, y), color, width_px)
        cv2.line(picture, (x, 0), (x, height - 1), color, width_px)
    return replace(scene, picture=picture)


def with_caption(
    scene: Scene,
    text: str,
    *,
    color: tuple[int, int, int] = GREEN,
    at_px: tuple[int, int] | None = None,
    width_px: int = 2,
) -> Scene:
    """The same with text, its lower left corner at ``at_px``; None for that of the picture."""
    picture = _colored(scene.picture)
    place = at_px or (8, picture.shape[0] - 10)
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, color, width_px, cv2.LINE_AA)
    return replace(scene, picture=picture)


def negative(scene: Scene) -> Scene:
    """The same with its gray levels turned around."""
    return replace(scene, picture=np.bitwise_not(scene.picture))


def receiver(camera: Camera, seed: int) -> Scene:
    """The lens of a receiver: soft concentric rings and glare, and no fiber."""
    rng = np.random.default_rng((seed, 4))
    shape = (camera.height_px, camera.width_px)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    center = rng.uniform(0.4, 0.6, 2) * shape
    off = np.hypot(x - center[1], y - center[0]) / min(shape)
    picture = np.full(shape, rng.uniform(60, 130), np.float32)
    for _ in range(rng.integers(2, 6)):
        ring, width = rng.uniform(0.05, 0.6), rng.uniform(0.01, 0.04)
        picture += rng.uniform(-50, 50) * np.exp(-(((off - ring) / width) ** 2))
    glare = rng.uniform(0, 1, 2) * shape
    picture += rng.uniform(0, 150) * np.exp(-np.hypot(x - glare[1], y - glare[0]) / (0.2 * min(shape)))
    picture += 15 * smooth_noise(rng, shape, 40) + camera.noise * rng.standard_normal(shape, dtype=np.float32)
    return Scene(np.clip(np.rint(cv2.GaussianBlur(picture, (0, 0), 3)), 0, 255).astype(np.uint8), ())


def _colored(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return picture.copy() if picture.ndim == 3 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8)


def _cladding(face: Face, placement: Placement) -> Ellipse:
    x, y = placement.um_per_px
    return Ellipse(placement.center_px, (face.cladding_um / 2 / x, face.cladding_um / 2 / y))
