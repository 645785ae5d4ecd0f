"""Colors of marks in labelling tools, the same as on the review pages."""

from __future__ import annotations

from typing import Final

from endface.report import DefectType

COLORS: Final[dict[DefectType, str]] = {
    "scratch": "#38bdf8",
    "pit": "#f472b6",
    "contamination": "#fbbf24",
    "chip": "#a3e635",
}
