"""Labelled pictures from any source, and their way onto the network's square.

Hand labels, exported polygons and drawn faces all take this form, so training and evaluation need not know where a
label comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from endface.contract import CLADDING_UM, SQUARE_PX
from endface.errors import ConfigurationError, PictureError
from endface.frame import Frame
from endface.options import Options
from endface.picture.decode import FORMATS
from endface.picture.square import Placement
from endface.report import Ellipse
from endface.stages import preprocess
from endface_build.drawing.canvas import UNDECIDED

GAP_CODE: Final = 100
"""Added to an object's number where a gap between its visible parts lies."""


@dataclass(frozen=True)
class Either:
    """Objects of a picture that experts read in one of two ways.

    Attributes:
        pixels: uint8 (H, W): n on the visible parts of object n, 100 + n in the gaps between them, 0 elsewhere.
        types: Both types of each object. As the first it is one whole mark, gaps included; as the second every visible
            part is a mark of its own.
    """

    pixels: NDArray[np.uint8]
    types: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Labelled:
    """An encoded picture and its label map.

    Attributes:
        name: The picture's file name.
        data: The encoded picture.
        labels: uint8 (H, W) in the camera's pixels: ``Label`` codes, and ``UNDECIDED`` where nobody can tell.
        claddings: Where the cladding is known to lie; several where a fiber shows several edges and any will do.
        either: Objects that may be read in two ways; None where there are none. In ``labels`` they have the first type.
        blur_um: Deviation of the blur of optics and pixels on the face, which says whether the picture can be judged;
            None for a photograph, of which nobody knows it.
    """

    name: str
    data: bytes
    labels: NDArray[np.uint8]
    claddings: tuple[Ellipse, ...] = ()
    either: Either | None = None
    blur_um: float | None = None

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return Path(self.name).stem


class LabelledSet(Protocol):
    """Labelled pictures, read or drawn one by one."""

    def __len__(self) -> int:
        """How many."""

    def __iter__(self) -> Iterator[Labelled]:
        """Each of them, in the same order every time."""


def picture_shape(data: bytes, path: Path) -> tuple[int, int]:
    """Height and width of an encoded picture, from its header.

    Raises:
        ConfigurationError: It is none; ``path`` names it.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            return image.height, image.width
    except (OSError, Image.DecompressionBombError) as exc:
        raise ConfigurationError(
            f"{path} is no picture that can be read: replace it or take its labels away. ({exc})"
        ) from exc


def placement_of(cladding: Ellipse) -> Placement:
    """Where the square lies, from the ellipse of a cladding of 125 um."""
    x, y = (CLADDING_UM / 2 / radius_px for radius_px in cladding.radii_px)
    return Placement(cladding.center_px, (x, y))


def resample_labels(labels: NDArray[np.uint8], placement: Placement) -> NDArray[np.uint8]:
    """A camera's label map on the square, by nearest neighbor.

    Args:
        labels: uint8 (H, W) in the camera's pixels.
        placement: Where the square lies.

    Returns:
        uint8 (512, 512); ``UNDECIDED`` where the camera saw nothing.
    """
    side = np.arange(SQUARE_PX, dtype=np.float64)
    columns, rows = np.floor(placement.to_camera(np.stack([side, side], axis=1)) + 0.5).astype(int).T
    height, width = labels.shape
    seen = np.logical_and.outer((rows >= 0) & (rows < height), (columns >= 0) & (columns < width))
    square = labels[np.ix_(np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1))]
    return np.where(seen, square, np.uint8(UNDECIDED))


def to_square(labelled: Labelled, options: Options) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Picture and labels as the network sees them: the fiber is located as the server does it.

    Args:
        labelled: The picture with its labels.
        options: Profile and cladding diameter.

    Returns:
        Gray levels and labels, uint8 (512, 512) each.

    Raises:
        PictureError: The server could not judge this picture, and nothing can be learned from it; its code says why.
    """
    square, frame = preprocess(labelled.data, options)
    return square, resample_labels(labelled.labels, _placement(labelled, frame))


def _placement(labelled: Labelled, frame: Frame) -> Placement:
    if frame.problem is not None or frame.fiber is None or frame.calibration is None:
        reason = frame.problem.message if frame.problem else "no fiber was found"
        error = PictureError(f"{labelled.name}: {reason}")
        error.code = frame.problem.code if frame.problem else error.code
        raise error
    return Placement(frame.fiber.cladding.center_px, frame.calibration.um_per_px)
