"""Drawn faces as whole camera pictures with their labels: what the network is judged on where no hand labels exist.

Every face is fixed by a seed and a number that training never uses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.picture.square import Placement
from endface.report import Ellipse
from endface_build.data.labelled import Labelled
from endface_build.drawing.camera import Photograph, photograph
from endface_build.drawing.faces import Face
from endface_build.drawing.fibers import random_face
from endface_build.drawing.random_marks import random_marks
from endface_build.drawing.random_places import Point
from endface_build.drawing.squares import far_camera, random_camera

Fiber = Literal["single-mode", "multimode"]

SINGLE_MODE_CORE_UM: Final = 12.0
"""A core up to this wide is single-mode: 9 um and its spread."""

SEED: Final = 20_003
"""The faces that ``evaluate`` judges; training and its held-out set use other seeds (``Recipe``)."""


@dataclass(frozen=True)
class DrawnFaces:
    """Drawn faces, made one by one: ``len`` and iteration as of a folder of labelled pictures.

    Attributes:
        fiber: Kind of fiber.
        count: How many.
        seed: Fixes them all.
        far: Whether each camera has a property outside the ranges of training. Such a set says how well a network
            carries over, so it may choose between networks; photographs may not.
    """

    fiber: Fiber
    count: int
    seed: int = SEED
    far: bool = False

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Labelled]:
        return (self[number] for number in range(self.count))

    def __getitem__(self, number: int) -> Labelled:
        return draw_labelled(self.fiber, number, self.seed, far=self.far)

    def face(self, number: int) -> Face:
        """The face of a number without its marks."""
        return random_fiber(np.random.default_rng((self.seed, number)), self.fiber)


def fiber_of(profile: str) -> Fiber:
    """The kind of fiber that a profile is for, by its name's beginning: ``sm-`` is single-mode."""
    return "single-mode" if profile.startswith("sm-") else "multimode"


def draw_labelled(fiber: Fiber, index: int, seed: int = SEED, *, far: bool = False) -> Labelled:
    """One face in one camera's picture.

    Args:
        fiber: Kind of fiber.
        index: The face's number.
        seed: The set.
        far: Whether the camera has a property outside the ranges of training.

    Returns:
        The picture as PNG (a camera's JPEG traces are in it), its labels and its cladding.
    """
    rng = np.random.default_rng((seed, index))
    face = random_fiber(rng, fiber)
    camera = replace(
        (far_camera if far else random_camera)(rng), center_px=None
    )  # centered: a zone that is cut off would only be refused
    face = replace(face, marks=random_marks(rng, face))
    photo = photograph(face, camera, seed=int(rng.integers(2**31)))
    pixel_um = math.sqrt(math.prod(camera.um_per_px) / 12)  # a box has the deviation of its side over the root of 12
    labelled = labelled_of(photo, face, f"{fiber}-{index:04}.png")
    return replace(labelled, blur_um=math.hypot(camera.blur_um, pixel_um))


def random_fiber(rng: np.random.Generator, fiber: Fiber) -> Face:
    """A random sound face of a kind of fiber."""
    while True:
        face = random_face(rng)
        if (face.core_um <= SINGLE_MODE_CORE_UM) == (fiber == "single-mode"):
            return face


def labelled_of(photo: Photograph, face: Face, name: str) -> Labelled:
    """A photograph of a drawn face as a labelled picture.

    Where a gap opens between fiber and bore, the bore's edge may be taken for the cladding's, as in hand labels.

    Args:
        photo: The photograph.
        face: What it shows.
        name: The picture's file name.
    """
    claddings = [_circle(photo.placement, (0.0, 0.0), face.cladding_um / 2)]
    if face.gap is not None:
        half_um, angle = face.gap.width_um / 2, math.radians(face.gap.angle_deg)
        middle_um = (half_um * math.cos(angle), half_um * math.sin(angle))
        claddings.append(_circle(photo.placement, middle_um, face.cladding_um / 2 + half_um))
    return Labelled(name, encode(photo.picture), photo.labels, tuple(claddings))


def _circle(placement: Placement, center_um: Point, radius_um: float) -> Ellipse:
    """A circle on the face as the camera sees it."""
    x, y = (c + um / scale for c, um, scale in zip(placement.center_px, center_um, placement.um_per_px, strict=True))
    return Ellipse((x, y), (radius_um / placement.um_per_px[0], radius_um / placement.um_per_px[1]))


def encode(picture: NDArray[np.uint8]) -> bytes:
    """A picture as PNG."""
    _, data = cv2.imencode(".png", picture)
    return data.tobytes()
