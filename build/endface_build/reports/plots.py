"""Plots of an evaluation as PNG files, and the style that all plots of the project share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from endface_build.evaluation.label_verdicts import CODES, EITHER
from endface_build.evaluation.metrics import Json

SIZE_INCHES: Final = (5.6, 3.4)
DPI: Final = 110
COLORS: Final = {"network": "#0072b2", "baseline": "#e69f00", "server": "#009e73"}
"""Blue, orange and green, told apart by color-blind eyes too (Okabe and Ito)."""


def plot_evaluation(evaluations: dict[str, Json], folder: Path) -> list[Path]:
    """Recall by size and by contrast, the reliability of confidence and the confusion matrix.

    Args:
        evaluations: ``metrics.summarize`` by the name of what was evaluated.
        folder: Where the pictures go.

    Returns:
        Their paths.
    """
    bars = partial(_bars, evaluations=evaluations, what="recall")
    paths = [
        save_plot(folder / "recall-by-size.png", partial(bars, by="size_um")),
        save_plot(folder / "recall-by-contrast.png", partial(bars, by="contrast")),
        save_plot(folder / "reliability.png", partial(_reliability, evaluations=evaluations)),
    ]
    for name, values in evaluations.items():
        draw = partial(_confusion, table=values["confusion"])
        paths.append(save_plot(folder / f"confusion-{name}.png", draw))
    return paths


def plot_sensitivity(table: Json, path: Path) -> Path:
    """Recall by a spot's size and contrast."""

    def draw(axes: Axes) -> None:
        shares = [[cell["share"] for cell in row] for row in table["recall"]]
        _grid(axes, shares, [f"{size:g}" for size in table["sizes_um"]], [str(each) for each in table["contrasts"]])
        axes.set_xlabel("diameter in um")
        axes.set_ylabel("contrast in gray levels")

    return save_plot(path, draw)


def save_plot(path: Path, draw: Callable[[Axes], None], *, right_spine: bool = False) -> Path:
    """One plot in a PNG file, whose folder is made; the same numbers give the same bytes.

    Args:
        path: The file.
        draw: Draws into the axes that it is given.
        right_spine: Whether a line closes the plot on the right.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": right_spine}):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        draw(figure.subplots())
        figure.savefig(path, dpi=DPI, metadata={"Software": None})
    return path


def _bars(axes: Axes, evaluations: dict[str, Json], what: str, by: str) -> None:
    """Shares of bands side by side, with the number of defects under each band."""
    width = 0.8 / len(evaluations)
    for place, (name, values) in enumerate(evaluations.items()):
        bands: dict[str, Any] = values[what][by]
        shares = [band["share"] or 0.0 for band in bands.values()]
        middles = [number + (place - (len(evaluations) - 1) / 2) * width for number in range(len(bands))]
        axes.bar(middles, shares, width, label=name, color=COLORS.get(name))
    labels = [f"{band}\nn={values['count']}" for band, values in bands.items()]
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlabel("size in um" if by == "size_um" else "contrast in gray levels")
    axes.set_ylabel(what)
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(evaluations))


def _reliability(axes: Axes, evaluations: dict[str, Json]) -> None:
    """How often a report of some confidence is true; the diagonal is what it should be."""
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--")
    for name, values in evaluations.items():
        bins = values["calibration"]["bins"]
        error = values["calibration"]["ece"]
        label = name if error is None else f"{name}, error {error:.2f}"
        confidence, true = [each["confidence"] for each in bins], [each["true"] for each in bins]
        axes.plot(confidence, true, marker="o", label=label, color=COLORS.get(name))
    axes.set_xlabel("confidence")
    axes.set_ylabel("share that is true")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False, loc="upper left")


def _confusion(axes: Axes, table: Json) -> None:
    """Labelled types down, reported types across; each row as shares of its count."""
    columns = [*CODES, "missed"]
    totals = {kind: sum(table[kind].values()) for kind in (*CODES, EITHER)}
    kinds = [kind for kind, total in totals.items() if total]
    rows: list[list[float | None]] = [[table[kind][column] / totals[kind] for column in columns] for kind in kinds]
    _grid(axes, rows, columns, [f"{kind}\nn={totals[kind]}" for kind in kinds])
    axes.set_xlabel("reported")
    axes.set_ylabel("labelled")


def _grid(axes: Axes, shares: list[list[float | None]], columns: list[str], rows: list[str]) -> None:
    """A table of shares as colors with the numbers in them."""
    axes.imshow([[share or 0.0 for share in row] for row in shares], vmin=0, vmax=1, cmap="Blues", aspect="auto")
    for y, row in enumerate(shares):
        for x, share in enumerate(row):
            text = "" if share is None else f"{share:.2f}"
            axes.text(x, y, text, ha="center", va="center", color="white" if (share or 0) > 0.6 else "black")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
