"""Names, types and shapes that every part of endface agrees on.

The wire contract of the Triton ensemble, the order of the network's classes and the geometry of the square.
``config.pbtxt`` files, the ONNX graph and the client are checked against this module by tests.  Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Label(IntEnum):
    """Class of one pixel of the label map, in the network's order."""

    BACKGROUND = 0
    SCRATCH = 1
    PIT = 2
    CONTAMINATION = 3
    CHIP = 4


SQUARE_PX: Final = 512
"""Side of the network's square in pixels."""

UM_PER_PX: Final = 0.5
"""Size of a pixel of the square in micrometers; the same in x and y."""

SQUARE_CENTER_PX: Final = (SQUARE_PX - 1) / 2
"""Where the fiber's center lies in the square, in x and y; pixel centers stand at whole numbers."""

CLADDING_UM: Final = 125.0
"""Cladding diameter taken where a request names none (IEC 60793-2-10 and -2-50: 125 um)."""


@dataclass(frozen=True)
class TensorSpec:
    """One named tensor in Triton's words; ``dims`` leave the batch axis out."""

    name: str
    datatype: str
    dims: tuple[int, ...]


@dataclass(frozen=True)
class ModelSpec:
    """One entry of the model repository with its tensors."""

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


IMAGE: Final = TensorSpec("IMAGE", "BYTES", (1,))
"""An encoded picture: PNG, JPEG, BMP or TIFF, 8 or 16 bit, gray or color."""

REPORT: Final = TensorSpec("REPORT", "BYTES", (1,))
"""The inspection's report: JSON of schema ``endface.report/1``."""

SQUARE: Final = TensorSpec("SQUARE", "UINT8", (1, SQUARE_PX, SQUARE_PX))
"""Gray levels around the fiber: 512 x 512 pixels of 0.5 um, the fiber's center in the middle."""

FRAME: Final = TensorSpec("FRAME", "BYTES", (1,))
"""JSON: where the square lies in the camera picture, and what the request asked (``endface.frame.Frame``)."""

CANDIDATE: Final = 51
"""Least ``CONFIDENCE`` of a pixel that has a class in ``LABELS``: a probability of 0.2."""

OUTLINE: Final = 127.5
"""``CONFIDENCE`` on the outline of a mark: a probability of one half."""

LABELS: Final = TensorSpec("LABELS", "UINT8", (SQUARE_PX, SQUARE_PX))
"""The most probable kind of mark at each pixel of the square, a ``Label``; background below ``CANDIDATE``."""

CONFIDENCE: Final = TensorSpec("CONFIDENCE", "UINT8", (SQUARE_PX, SQUARE_PX))
"""Probability that each pixel belongs to a mark of any kind, 0 to 255; a mark's outline is drawn at ``OUTLINE``."""

SEGMENT_CONTRACT: Final = "endface.segment/2"
"""What a network's ONNX file says under ``contract``: the meaning of its tensors, which names and shapes do not tell.

In ``endface.segment/1`` the confidence was the lead of each pixel's label, high on background."""

PREPROCESS: Final = ModelSpec("preprocess", (IMAGE,), (SQUARE, FRAME))
SEGMENT: Final = ModelSpec("segment", (SQUARE,), (LABELS, CONFIDENCE))
POSTPROCESS: Final = ModelSpec("postprocess", (LABELS, CONFIDENCE, FRAME), (REPORT,))
ENSEMBLE: Final = ModelSpec("endface", (IMAGE,), (REPORT, LABELS))
MODELS: Final = (PREPROCESS, SEGMENT, POSTPROCESS, ENSEMBLE)

PARAMETERS: Final = (
    "profile", "cladding_um", "um_per_px", "fiber", "zones", "screen", "any_core", "serial", "name",
)  # fmt: skip
"""Request parameters of the ensemble beside ``meta.*``; numbers may travel as strings."""

MOST_FIBERS: Final = 144
"""Most fibers of a picture, and the largest number of one: 6 rows of 24 are the largest ferrule."""

META_PREFIX: Final = "meta."
"""Request parameters with this prefix are echoed under ``meta`` in the report."""

PROBE_NAMES: Final = ("canary", "health")
"""Names of pictures that only check the server's health, if they have no serial number."""


def is_probe(parameters: Mapping[str, object]) -> bool:
    """Whether a request only checks the server's health and inspects no part."""
    return parameters.get("name") in PROBE_NAMES and not parameters.get("serial")


MAX_IMAGE_BYTES: Final = 64 * 1024 * 1024
"""Largest encoded picture that is taken: a 16-bit color TIFF of 10 megapixels."""

MAX_IMAGE_PIXELS: Final = 50_000_000
"""Most pixels that are decoded; read from the picture's header before decoding."""
