"""What all plots of the page share: their size, their colours, and how one becomes a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PICTURES: Final = "plots"
"""Folder of the plots, beside the page."""

SIZE_INCHES: Final = (5.6, 3.4)
DPI: Final = 110
COLORS: Final = ("#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#009e73", "#8fd0b8", "#999999", "#cccccc")
"""Okabe and Ito's colours, told apart by colour-blind eyes too; dark and light of one hue stand side by side."""


def save_plot(path: Path, draw: Callable[[Axes], None]) -> None:
    """One plot in a file; the same numbers give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False}):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        draw(figure.subplots())
        figure.savefig(path, dpi=DPI, metadata={"Software": None})


def add_legend(axes: Axes, twin: Axes, **place: Any) -> None:
    """One legend for two axes that share a plot."""
    handles = [*axes.get_legend_handles_labels()[0], *twin.get_legend_handles_labels()[0]]
    axes.legend(handles=handles, frameon=False, **place)
