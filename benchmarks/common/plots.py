"""Colors, folder and legend that all plots of the page share."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from matplotlib.axes import Axes

from endface_build.reports import plots

PICTURES: Final = "plots"
"""Folder of the plots, beside the page."""

COLORS: Final = ("#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#009e73", "#8fd0b8", "#999999", "#cccccc")
"""Okabe and Ito's colors, told apart by color-blind eyes too; dark and light of one hue stand side by side."""

save_plot: Final = partial(plots.save_plot, right_spine=True)
"""``endface_build.reports.plots.save_plot`` with a line on the right, where many of these plots have a second axis."""


def add_legend(axes: Axes, twin: Axes, **place: Any) -> None:
    """One legend for two axes that share a plot."""
    handles = [*axes.get_legend_handles_labels()[0], *twin.get_legend_handles_labels()[0]]
    axes.legend(handles=handles, frameon=False, **place)
