"""Plots of an invariance study as PNG files: what happens to the verdicts, and to the sizes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes

from endface_build.evaluation.metrics import Json
from endface_build.reports.plots import save_plot

UNMARKED, MARKED, INVALID = "#d55e00", "#e69f00", "0.75"
"""Vermilion, orange and gray, told apart by color-blind eyes too (Okabe and Ito)."""

MEDIAN, MOST = "#0072b2", "#56b4e9"

GOAL_UM: Final = 0.5
"""The sizes of 95 % of the defects should not change by more."""


def plot_invariance(result: Json, folder: Path) -> list[Path]:
    """Shares of flipped and refused pictures, and the spread of sizes, by change.

    Args:
        result: Of ``invariance.study``.
        folder: Where the pictures go.

    Returns:
        Their paths.
    """
    changes = result["changes"]
    return [
        save_plot(folder / "invariance-verdicts.png", partial(_verdicts, changes=changes)),
        save_plot(folder / "invariance-sizes.png", partial(_sizes, changes=changes)),
    ]


def _verdicts(axes: Axes, changes: Json) -> None:
    """Flips and refusals as bars that stand on one another."""
    counts = {
        "unmarked flips": (UNMARKED, [each["unmarked"] for each in changes.values()]),
        "flips marked borderline": (MARKED, [each["flips"] - each["unmarked"] for each in changes.values()]),
        "refused": (INVALID, [each["invalid"] for each in changes.values()]),
    }
    left = [0] * len(changes)
    for label, (color, values) in counts.items():
        axes.barh(range(len(changes)), values, left=left, label=label, color=color)
        left = [start + value for start, value in zip(left, values, strict=True)]
    axes.set_xlabel("pictures")
    axes.set_xlim(0, max(1, *left))
    _name_rows(axes, list(changes))


def _sizes(axes: Axes, changes: Json) -> None:
    """Median and 95th percentile of the differences of sizes."""
    for label, key, color in (("95 %", "size_p95_um", MOST), ("median", "size_median_um", MEDIAN)):
        axes.barh(range(len(changes)), [each[key] or 0.0 for each in changes.values()], label=label, color=color)
    axes.axvline(GOAL_UM, color="0.4", linestyle="--", label="goal for 95 %")
    axes.set_xlabel("difference of a defect's sizes in um")
    _name_rows(axes, list(changes))


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
