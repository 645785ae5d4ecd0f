"""Pairs of pictures of one drawn face, before and after it was cleaned and put back, and the truth about its marks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import OUTLINE, SQUARE_PX, Label
from endface.options import Options
from endface.picture.decode import decode
from endface.picture.square import Placement, resample
from endface.reinspection.face import Face
from endface.stages import postprocess, preprocess
from endface_build.drawing.camera import Camera, Photograph, photograph
from endface_build.drawing.faces import Face as DrawnFace
from endface_build.drawing.marks import Blob, Mark, particle, pit, scratch
from endface_build.drawing.sample_scenes import LARGE_CORE, MULTIMODE, SINGLE_MODE

SCALE_UM = 0.43
SIDE_PX = 760
STILL = Camera(SIDE_PX, SIDE_PX, (SCALE_UM, SCALE_UM), noise=0.0, vignette=0.0)
"""A camera without light, noise or compression of its own: those come after the face was turned."""


@dataclass(frozen=True)
class Shot:
    """How a face is photographed.

    Attributes:
        turn_deg: by how much it is turned, from x to y.
        center_px: where its center lies.
        zoom: how much larger than at 0.43 um per pixel.
        slope: light that falls off from one side to the other.
        gain: light over that of the drawing.
        blur_px: additional blur.
        noise: deviation in gray levels.
        mirrored: whether left and right are exchanged.
        seed: of the noise.
    """

    turn_deg: float = 0.0
    center_px: tuple[float, float] = ((SIDE_PX - 1) / 2, (SIDE_PX - 1) / 2)
    zoom: float = 1.0
    slope: float = 0.0
    gain: float = 1.0
    blur_px: float = 0.0
    noise: float = 1.0
    mirrored: bool = False
    seed: int = 0

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Affine (2, 3) from the drawing to the picture."""
        angle, middle = math.radians(self.turn_deg), (SIDE_PX - 1) / 2
        turn = self.zoom * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        if self.mirrored:
            turn = turn @ np.diag([-1.0, 1.0])
        return np.column_stack([turn, np.asarray(self.center_px) - turn @ (middle, middle)])

    def expose(self, drawing: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture of a drawing."""
        size = (SIDE_PX, SIDE_PX)
        turned = cv2.warpAffine(
            drawing.astype(np.float32), self.matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
        if self.blur_px:
            turned = cv2.GaussianBlur(turned, (0, 0), self.blur_px)
        light = self.gain * (1 + self.slope * np.linspace(-0.5, 0.5, SIDE_PX)[None, :])
        noise = self.noise * np.random.default_rng((self.seed, 3)).standard_normal(turned.shape)
        return np.asarray(np.clip(np.rint(turned * light + noise), 0, 255), np.uint8)


def picture_of(drawing: Photograph, shot: Shot) -> bytes:
    """The encoded picture of a drawing."""
    _, encoded = cv2.imencode(".png", shot.expose(drawing.picture))
    return encoded.tobytes()


def face_of(drawn: DrawnFace, shot: Shot, *, drawing: Photograph | None = None) -> Face:
    """A drawn face as an inspection with a faultless network sees it.

    Args:
        drawn: the face with its marks.
        shot: how it is photographed.
        drawing: the face drawn before.
    """
    drawing = drawing or photograph(drawn, STILL, seed=0)
    data = picture_of(drawing, shot)
    _, frame = preprocess(data, Options("mm-pc", name="drawn.png", any_core=True))
    assert frame.problem is None, frame.problem
    assert frame.fiber is not None
    assert frame.calibration is not None
    placement = Placement(frame.fiber.cladding.center_px, frame.calibration.um_per_px)
    to_square = np.column_stack([np.eye(2), placement.to_square(np.zeros((1, 2)))[0]])
    to_square[:, :2] *= placement.to_square(np.ones((1, 2)))[0] - to_square[:, 2]
    whole = np.vstack([to_square, [0, 0, 1]]) @ np.vstack([shot.matrix, [0, 0, 1]])
    labels, coverage = drawing.truth.resample(whole[:2], (SQUARE_PX, SQUARE_PX))
    labels = np.where(labels == 255, np.uint8(Label.PIT), labels)  # too faint for a person to be sure of: marks here
    labels[coverage < OUTLINE] = Label.BACKGROUND
    picture = decode(data)
    report = postprocess(labels, coverage, frame)
    return Face(resample(picture, placement), placement.seen(picture.field, picture.circle), report)


@dataclass(frozen=True)
class Pair:
    """A face before and after cleaning.

    Attributes:
        before: the earlier inspection.
        after: the later one.
        turn_deg: by how much it was turned between them.
        removed: marks of the earlier one that are gone.
        kept: marks of both.
        added: marks of the later one alone.
        shots: how both were photographed.
    """

    before: Face
    after: Face
    turn_deg: float
    removed: tuple[Mark, ...]
    kept: tuple[Mark, ...]
    added: tuple[Mark, ...]
    shots: tuple[Shot, Shot]

    def truth_before(self, center_um: tuple[float, float]) -> str:
        """What became of the mark at a place of the earlier picture, in um from the fiber's center."""
        kept, removed = (_distance(marks, center_um) for marks in (self.kept, self.removed))
        return "stayed" if kept < removed else "gone"

    def truth_after(self, center_um: tuple[float, float]) -> str:
        """What the mark at a place of the later picture is."""
        angle = -math.radians(self.turn_deg)
        x, y = center_um
        there = (x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
        kept, added = (_distance(marks, there) for marks in (self.kept, self.added))
        return "stayed" if kept < added else "new"


def draw_pair(seed: int) -> Pair:
    """A random pair: any turn, some micrometers of shift, another light and focus, some marks less and some more."""
    rng = np.random.default_rng((seed, 18))
    base = (MULTIMODE, SINGLE_MODE, LARGE_CORE)[seed % 3]
    grain, polish = float(rng.uniform(0.5, 2.0)), float(rng.uniform(0.3, 2.0)) * (rng.random() < 0.5)
    base = replace(base, seed=int(rng.integers(2**31)), grain=grain, polish=polish)
    marks = random_marks(rng, int(rng.integers(4, 14)))
    fate = rng.choice(["removed", "kept", "added"], len(marks), p=[0.4, 0.4, 0.2])
    removed, kept, added = (
        tuple(mark for mark, of in zip(marks, fate, strict=True) if of == name) for name in ("removed", "kept", "added")
    )
    turn_deg = float(rng.uniform(0, 360))
    middle = (SIDE_PX - 1) / 2
    shift = rng.uniform(-15, 15, 2)
    shots = (
        Shot(seed=2 * seed),
        Shot(
            turn_deg,
            (middle + float(shift[0]), middle + float(shift[1])),
            zoom=float(rng.uniform(0.97, 1.03)),
            slope=float(rng.uniform(-0.3, 0.3)),
            gain=float(rng.uniform(0.75, 1.1)),
            blur_px=float(rng.uniform(0, 1.2)),
            seed=2 * seed + 1,
        ),
    )
    before, after = replace(base, marks=removed + kept), replace(base, marks=kept + added)
    return Pair(face_of(before, shots[0]), face_of(after, shots[1]), turn_deg, removed, kept, added, shots)


def random_marks(rng: np.random.Generator, count: int, *, apart_um: float = 14.0) -> tuple[Mark, ...]:
    """Pits, particles and short scratches, none near another."""
    places: list[tuple[float, float]] = []
    while len(places) < count:
        radius, angle = 110 * math.sqrt(rng.uniform(0.02, 1)), rng.uniform(0, 2 * math.pi)
        place = (radius * math.cos(angle), radius * math.sin(angle))
        off_rim = abs(radius - 62.5) > 6
        if off_rim and all(math.dist(place, other) > apart_um for other in places):
            places.append(place)
    return tuple(_random_mark(rng, place) for place in places)


def _random_mark(rng: np.random.Generator, place: tuple[float, float]) -> Mark:
    tone = -float(rng.uniform(0.35, 0.75))
    kind = rng.integers(3)
    if kind == 0:
        return pit(place, float(rng.uniform(2, 6)), tone=tone)
    if kind == 1:
        return particle(place, float(rng.uniform(3, 10)), tone=tone, seed=int(rng.integers(1000)))
    x, y = place
    angle, half = rng.uniform(0, math.pi), rng.uniform(2, 5)
    dx, dy = half * math.cos(angle), half * math.sin(angle)
    return scratch((x - dx, y - dy), (x + dx, y + dy), float(rng.uniform(1, 2)), tone=tone)


def _distance(marks: tuple[Mark, ...], center_um: tuple[float, float]) -> float:
    """From a place to the nearest of some marks."""
    return min((math.dist(_center(mark), center_um) for mark in marks), default=math.inf)


def _center(mark: Mark) -> tuple[float, float]:
    if isinstance(mark, Blob):
        return mark.center_um
    (x0, y0), (x1, y1) = mark.points_um[0], mark.points_um[-1]
    return (x0 + x1) / 2, (y0 + y1) / 2
