"""Reports that servers answer in these tests, made by hand."""

from __future__ import annotations

import dataclasses
from typing import Final

from endface.report import (
    Calibration,
    Criteria,
    Defect,
    Ellipse,
    Fiber,
    ImageInfo,
    LimitResult,
    ModelInfo,
    Problem,
    Report,
    ZoneResult,
)

SCRATCH: Final = Defect(
    id=2, type="scratch", zone="B", zones=("B", "C"), confidence=0.9, bbox_px=(580, 400, 41, 11),
    polygon_px=(((580.0, 400.0), (620.0, 400.0), (620.0, 410.0), (580.0, 410.0)),),
    center_um=(50.0, 2.5), size_um=20.6, width_um=5.0, length_um=20.0, area_um2=100.0, orientation_deg=0.0,
)  # fmt: skip
PIT: Final = dataclasses.replace(
    SCRATCH, id=1, type="pit", zone="A", zones=("A",), bbox_px=(480, 390, 3, 3), size_um=1.5,
    polygon_px=(((480.0, 390.0), (482.0, 390.0), (482.0, 392.0), (480.0, 392.0)),),
)  # fmt: skip
DIRT: Final = dataclasses.replace(
    SCRATCH, id=3, type="contamination", zone="", zones=(), bbox_px=(1000, 800, 31, 31),
    polygon_px=(((1000.0, 800.0), (1030.0, 800.0), (1030.0, 830.0), (1000.0, 830.0)),),
)  # fmt: skip
ABOVE_3_UM: Final = LimitResult("scratch", "none > 3 um", 0, 1, -2.0, "fail", lower_um=3.0)
BELOW_20_UM: Final = LimitResult("defect", "any < 20 um", None, 4, None, "pass", lower_um=0.0, upper_um=20.0)
FOUND: Final = Report(
    verdict="fail",
    borderline=True,
    reasons=("zone B: scratch 2 is 5.0 um wide, limit 3 um (mm-pc)", "zone A: too many", "zone D: too many"),
    image=ImageInfo("face.png", "0" * 64, 1200, 1000),
    criteria=Criteria("mm-pc", "IEC 61300-3-35", "2 (2015)", "public-copy", "Panduit FS061"),
    software="endface 0.1.0",
    serial="A123",
    meta={"line": "3"},
    calibration=Calibration((0.5, 0.5), "cladding"),
    fiber=Fiber(Ellipse((500.0, 400.0), (125.0, 125.0)), Ellipse((500.0, 400.0), (50.0, 50.0))),
    zones=(
        ZoneResult("A", 0.0, 65.0, 1.0, "pass"),
        ZoneResult("B", 65.0, 115.0, 1.0, "fail", (ABOVE_3_UM,)),
        ZoneResult("D", 135.0, 250.0, 0.97, "pass", (BELOW_20_UM,)),
    ),
    defects=(PIT, SCRATCH, DIRT),
    model=ModelInfo("segment", "1", "onnxruntime", "ab" * 32),
    timings_ms={"preprocess": 5.2},
)
"""A failed face of 1200 x 1000 pixels of 0.5 um: centre (500, 400), a scratch in B, a pit in A, dirt outside."""

_SENTENCE: Final = "no cladding edge was found; centre the fiber"
REFUSED: Final = Report(
    verdict="invalid",
    error=Problem("no_fiber", _SENTENCE),
    reasons=(_SENTENCE,),
    image=ImageInfo("bare.png", "1" * 64, 1200, 1000),
    criteria=FOUND.criteria,
    software=FOUND.software,
)
"""The report of a picture without a fiber."""
