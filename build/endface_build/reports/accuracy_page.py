"""docs/accuracy.md from its record: a template holds the words, this module the tables.

The page holds nothing that is not in the record, so a test can write it again and compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import jinja2

from endface.errors import ConfigurationError
from endface.files import write_whole
from endface_build.evaluation.metrics import Json
from endface_build.reports.accuracy import FAILURES_FILE
from endface_build.reports.markdown import interval_text, number_text, share_text, table
from endface_build.reports.plots import plot_evaluation, plot_sensitivity

PICTURES: Final = "accuracy"
"""Folder of the page's pictures, beside it."""


def _sure_text(values: Json) -> str:
    """Accuracy of lines without the labels of two readings; empty where there are none of these."""
    sure = values["line_accuracy_sure"]
    return interval_text(sure) if sure["count"] < values["line_accuracy"]["count"] else ""


_OVERVIEW: Final[tuple[tuple[str, Callable[[Json], str]], ...]] = (
    ("localization", lambda values: interval_text(values["localisation"])),
    ("recall", lambda values: interval_text(values["recall"]["all"])),
    ("precision", lambda values: interval_text(values["precision"]["all"])),
    ("line or spot told rightly", lambda values: interval_text(values["line_accuracy"])),
    ("the same without labels of two readings", _sure_text),
    ("overlap (IoU)", lambda values: number_text(values["iou"])),
    ("verdict agrees", lambda values: interval_text(values["verdict"])),
    ("pictures of several right verdicts", lambda values: str(values["verdict"]["ambiguous"])),
    ("**false passes**", lambda values: _of(values["verdict"]["false_pass"])),
    ("false fails", lambda values: _of(values["verdict"]["false_fail"])),
    ("Cohen's kappa", lambda values: number_text(values["verdict"]["kappa"])),
    ("calibration error", lambda values: number_text(values["calibration"]["ece"])),
    ("pictures that cannot be judged", lambda values: f"{values['unjudgeable']} of {values['pictures']}"),
    ("invalid pictures", lambda values: f"{values['invalid']} of {values['pictures']}"),
    ("their codes", lambda values: ", ".join(f"{count} {code}" for code, count in values["refusals"].items())),
)


def write_page(record: Json, page: Path) -> None:
    """Write the page and its plots.

    Args:
        record: What ``accuracy.measure`` measured.
        page: The Markdown file; pictures go into a folder beside it.

    Raises:
        ConfigurationError: The record lacks something: another version of this package wrote it.
    """
    try:
        text = page_text(record)
    except (KeyError, jinja2.UndefinedError) as exc:
        raise ConfigurationError(
            f"The record lacks {exc}: another version wrote it. Measure anew with `endface-build accuracy`."
        ) from exc
    folder = page.parent / PICTURES
    plot_evaluation(record["drawn"]["mm-pc"], folder)
    plot_sensitivity(record["sensitivity"], folder / "sensitivity.png")
    write_whole(page, text.encode())


def page_text(record: Json) -> str:
    """The page in Markdown.

    Args:
        record: What ``accuracy.measure`` measured.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("endface_build.reports"),
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    drawn, photographs = record["drawn"], record.get("photographs")
    return environment.get_template("accuracy.md.j2").render(
        record={"photographs": None} | record,
        pictures=PICTURES,
        failures_file=FAILURES_FILE,
        versions=", ".join(f"{name} {number}" for name, number in record["versions"].items()),
        overview=_overview(
            {f"{profile}, {name}": drawn[profile][name] for profile in drawn for name in drawn[profile]}
        ),
        by_ferrule=_by_ferrule(record["localisation"]),
        multimode=_by_group(drawn["mm-pc"], ("type", "zone", "size_um")),
        single_mode=_by_group(drawn["sm-apc"], ("type", "zone", "size_um")),
        contrast=_bands(drawn["mm-pc"], "contrast"),
        length=_bands(drawn["mm-pc"], "length_um"),
        length_contrast=_by_length_and_contrast(drawn["mm-pc"]["network"]["recall"]["length_contrast"]),
        sensitivity=_sensitivity(record["sensitivity"], share_text),
        size_errors=_sensitivity(record["sensitivity"], _error_text),
        confidence=_confidence(drawn["mm-pc"]["network"]["calibration"]["bins"]),
        repeatability=_repeatability(record["gage"]["conditions"]),
        photographs=_overview(photographs["evaluations"]) if photographs else "",
    )


def _of(share: Json) -> str:
    return f"{share['hits']} of {share['count']}"


def _overview(columns: dict[str, Json]) -> str:
    """The main metrics, a column an evaluation."""
    rows = [[title, *(text(values) for values in columns.values())] for title, text in _OVERVIEW]
    return table(["", *columns], [row for row in rows if any(row[1:])])


def _by_ferrule(localization: Json) -> str:
    rows = [
        [profile, share_text(split["brighter"]), share_text(split["darker"])] for profile, split in localization.items()
    ]
    return table(["", "brighter ferrule", "darker ferrule"], rows)


def _by_group(evaluations: Json, groups: Iterable[str]) -> str:
    """Recall and precision of each type, zone or size that occurs."""
    titles = {"type": "{}", "zone": "zone {}", "size_um": "{} um"}
    columns = [(what, name) for what in ("recall", "precision") for name in evaluations]
    rows = [
        [titles[group].format(key), *(share_text(evaluations[name][what][group].get(key)) for what, name in columns)]
        for group in groups
        for key in evaluations["network"]["recall"][group]
    ]
    return table(["", *(f"{what}, {name}" for what, name in columns)], [row for row in rows if any(row[1:])])


def _bands(evaluations: Json, group: str) -> str:
    bands = list(evaluations["network"]["recall"][group])
    rows = [
        [name, *(share_text(values["recall"][group][band]) for band in bands)] for name, values in evaluations.items()
    ]
    return table(["", *bands], rows)


def _by_length_and_contrast(lines: Json) -> str:
    """Recall of lines, a row a band of length, a column a band of contrast."""
    contrasts = list(next(iter(lines.values())))
    return table(["um", *contrasts], [[length, *map(share_text, row.values())] for length, row in lines.items()])


def _error_text(cell: Json) -> str:
    """Bias and deviation of a cell's sizes, ``+0.31 ± 0.18``; empty where nothing was found."""
    return "" if cell["bias_um"] is None else f"{cell['bias_um']:+.2f} ± {cell['sigma_um']:.2f}"


def _sensitivity(seen: Json, text: Callable[[Json], str]) -> str:
    rows = [[str(contrast), *map(text, row)] for contrast, row in zip(seen["contrasts"], seen["recall"], strict=True)]
    return table(["gray levels", *(f"{size:g} um" for size in seen["sizes_um"])], rows)


def _confidence(bins: Sequence[Json]) -> str:
    rows = [
        [
            f"{each['low']:.1f} to {each['high']:.1f}",
            number_text(each["confidence"]),
            number_text(each["true"]),
            str(each["count"]),
        ]
        for each in bins
    ]
    return table(["confidence", "mean", "true", "reported"], rows)


def _repeatability(conditions: Json) -> str:
    heads = (
        "verdict flips",
        "not borderline",
        "refused",
        "defects found again",
        "typical sigma, um",
        "sigma, um",
        "P/T",
    )
    rows = [
        [
            condition,
            f"{values['verdict_flips']} of {values['trials']}",
            str(values["flips_not_borderline"]),
            str(values["turned_invalid"]),
            f"{values['defects_found']} of {values['defects_sought']}",
            *(number_text(values[key]) for key in ("typical_sigma_um", "size_sigma_um", "precision_to_tolerance")),
        ]
        for condition, values in conditions.items()
    ]
    return table(["condition", *heads], rows)
