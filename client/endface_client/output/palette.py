"""The colors of verdicts and defects, the same in overlays and pages."""

from __future__ import annotations

from typing import Final

from endface.report import DefectType, VerdictName

Color = tuple[int, int, int]
"""Red, green, blue."""

DEFECT_COLORS: Final[dict[DefectType, Color]] = {
    "scratch": (56, 189, 248),
    "pit": (244, 114, 182),
    "contamination": (251, 191, 36),
    "chip": (163, 230, 53),
}
"""Told apart on gray by most color-blind eyes as well: blue, pink, amber, lime."""

VERDICT_COLORS: Final[dict[VerdictName, Color]] = {
    "pass": (22, 163, 74),
    "fail": (220, 38, 38),
    "invalid": (217, 119, 6),
}

INK: Final = (15, 23, 42)
PAPER: Final = (241, 245, 249)
FAINT: Final = (148, 163, 184)
