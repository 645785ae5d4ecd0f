"""What is compared: ways to divide one inspection between a client and Triton, all with the same stages and network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from endface import contract

FUSED: Final = "fused"
"""The study's model that does all stages in one process."""

SEGMENT_FLOAT32: Final = "segment_float32"
"""The study's model that takes and gives the tensors of ``segment`` as float32."""

HOPS: Final = (1, 3)
"""Python steps of the ensembles that do nothing; three is what the product has."""


def hops_model(steps: int) -> str:
    """Name of the ensemble that hands a tensor through so many steps that do nothing."""
    return f"hops_{steps}"


@dataclass(frozen=True)
class Arrangement:
    """One way to divide the work.

    Attributes:
        name: What the tables call it.
        model: Triton's model that is asked; empty: the network runs in the client's process, without a server.
        asks_for: What it answers: a whole report, or a label map that the client measures and judges itself.
        dtype: Of the tensors on the wire, where they are no encoded picture.
        shared: Tensors of known size travel through system shared memory, not through gRPC.
        ending: Encoding of the picture that the client holds.
    """

    name: str
    model: str
    asks_for: Literal["report", "labels"] = "report"
    dtype: Literal["uint8", "float32"] = "uint8"
    shared: bool = False
    ending: str = ".jpg"


ENSEMBLE: Final = Arrangement("ensemble", contract.ENSEMBLE.name)
FUSED_MODEL: Final = Arrangement("one fused model", FUSED)
CLIENT: Final = Arrangement("pre/post in the client", contract.SEGMENT.name, "labels")
CLIENT_FLOAT32: Final = Arrangement("pre/post in the client, float32", SEGMENT_FLOAT32, "labels", "float32")
ENSEMBLE_SHARED: Final = Arrangement("ensemble, shared memory", contract.ENSEMBLE.name, shared=True)
CLIENT_SHARED: Final = Arrangement(
    "pre/post in the client, shared memory", contract.SEGMENT.name, "labels", shared=True
)
ENSEMBLE_PNG: Final = Arrangement("ensemble, PNG", contract.ENSEMBLE.name, ending=".png")
ENSEMBLE_BMP: Final = Arrangement("ensemble, raw gray (BMP)", contract.ENSEMBLE.name, ending=".bmp")
ALONE: Final = Arrangement("no server", "", "labels")

ARRANGEMENTS: Final = (
    ENSEMBLE,
    FUSED_MODEL,
    CLIENT,
    CLIENT_FLOAT32,
    ENSEMBLE_SHARED,
    CLIENT_SHARED,
    ENSEMBLE_PNG,
    ENSEMBLE_BMP,
    ALONE,
)
"""In the order of each round: what is compared with each other stands close together."""

ENDINGS: Final = tuple(sorted({each.ending for each in ARRANGEMENTS}))
