"""docs/accuracy.md from its record: tables, plots and, in plain words, what the method cannot do.

The page says nothing that is not in the record, so a test can write it again and compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill
from typing import Final

from endface_build.evaluation.metrics import Json
from endface_build.reports.accuracy import FAILURES_FILE
from endface_build.reports.markdown import number_text, reach, share_text, table
from endface_build.reports.plots import plot_evaluation, plot_sensitivity

PICTURES: Final = "accuracy"
"""Folder of the page's pictures, beside it."""

LINE: Final = 120

LIMITS: Final = """\
- **Faint marks.** Below about 10 gray levels, or a diameter of 2 um, a mark is found or not by luck; the table of sizes
  and contrasts says where that begins. Polishing lines of one or two gray levels are left alone on purpose.
- **Types are what a picture shows.** A particle that looks like a pit is called a pit: one picture cannot tell whether
  a mark comes off. Clean and inspect again. A verdict hardly depends on it, for limits ask only for line or spot.
- **Sizes are those of the picture.** Half a micrometre of blur is half a micrometre of size; the report's `borderline`
  says where that decides. The scale comes from the cladding: a fiber of another diameter needs `cladding_um`.
- **Dark ferrules.** Where the ferrule is darker than the cladding, its edge often fades, and the picture is refused
  (`defocus`, `no_fiber`); else a line along the rim may be taken for the cladding's edge: the scale is then off by 2 to
  6 %, and sizes with it. Name `um_per_px`, or light the ferrule.
- **Over-exposed cores.** A core without gray levels left shows no defects, so the picture is refused (`saturated`). The
  generator over-exposes some on purpose; above they count as missed.
- **Where the cladding's edge is broken or bridged** for more than a third of its circumference, the fiber is not found,
  and the report is `invalid`; it is never a pass.
- **The adhesive ring (zone C) and what lies beyond 250 um** have no limits in these profiles and are not scored.
- **Labels have their own error.** Two labellings of the same photographed part overlap by 0.78 to 0.83, so an overlap
  of 1 cannot be reached on photographs. The faces drawn here come from the generator that the network learnt from:
  they say how well it learnt, and only photographs say how well that carries over.
- **One network, two microscopes.** Photographs of other cameras may look like neither. Label thirty of them and run
  `endface-build evaluate FOLDER`; `endface-build train --finetune FOLDER` learns from them.
"""

_ROWS: Final = (
    ("localisation", ("localisation",)),
    ("recall", ("recall", "all")),
    ("precision", ("precision", "all")),
    ("line or spot told rightly", ("line_accuracy",)),
)


def write_page(record: Json, page: Path) -> None:
    """Write the page and its plots.

    Args:
        record: What ``accuracy.measure`` measured.
        page: The Markdown file; pictures go into a folder beside it.
    """
    folder = page.parent / PICTURES
    plot_evaluation(record["drawn"]["mm-pc"], folder)
    plot_sensitivity(record["sensitivity"], folder / "sensitivity.png")
    page.write_text(page_text(record), encoding="utf-8")


def page_text(record: Json) -> str:
    """The page in Markdown.

    Args:
        record: What ``accuracy.measure`` measured.
    """
    parts = [
        _head(record),
        _summary(record),
        _groups(record),
        _seeing(record["sensitivity"]),
        _confidence(record["drawn"]),
        _repeatability(record["gage"]),
        _failures(record["failures"]),
        _photographs(record.get("photographs")),
        f"## What the method cannot do\n\n{LIMITS}",
    ]
    return "\n".join(part for part in parts if part)


def _head(record: Json) -> str:
    machine, extent = record["machine"], record["extent"]
    changed = " with local changes" if record["commit"].endswith("-dirty") else ""
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    return f"""\
# Accuracy

Measured on {record["created"][:10]} at commit `{record["commit"][:12]}`{changed} with the network
`{record["network"]["sha256"][:12]}`, version {record["network"]["version"]}
({machine["cpu"]}, {machine["cores"]} cores, {machine["system"]}; {versions}).
`endface-build accuracy` measures, `endface-build page` writes this page from the record.

Drawn faces are those of the generator, {extent["faces"]} for each profile, with seeds that training never uses, seen
by random cameras. They go as whole pictures through the server's stages: localisation, network, measurement, rules.
Beside the network stands the bar that it must clear: flat field, local threshold, components (`baseline.py`).

A labelled defect is found where true reported ones cover 40 % of it; a reported one is true where 30 % of it lies on
something labelled; outlines may stray by 2 pixels. Defects count from 3 um on, in the zones that have limits. A
picture that is refused as invalid misses all of its defects, and agrees with no verdict.
"""


def _summary(record: Json) -> str:
    columns = [
        (f"{profile}, {name}", values)
        for profile, evaluations in record["drawn"].items()
        for name, values in evaluations.items()
    ]
    rows = [
        [profile, share_text(split["brighter"]), share_text(split["darker"])]
        for profile, split in record["localisation"].items()
    ]
    return f"""\
## Drawn faces

{_overview(columns)}
Localisation, where the ferrule is brighter than the cladding, and where it is darker:

{table(["", "brighter ferrule", "darker ferrule"], rows)}"""


def _overview(columns: Sequence[tuple[str, Json]]) -> str:
    """The main figures, a column an evaluation."""
    rows = [[title, *(share_text(reach(values, path)) for _, values in columns)] for title, path in _ROWS]
    rows += [
        ["overlap (IoU)", *(number_text(values["iou"]) for _, values in columns)],
        ["verdict agrees", *(share_text(values["verdict"]) for _, values in columns)],
        ["Cohen's kappa", *(number_text(values["verdict"]["kappa"]) for _, values in columns)],
        ["calibration error", *(number_text(values["calibration"]["ece"]) for _, values in columns)],
        ["invalid pictures", *(f"{values['invalid']} of {values['pictures']}" for _, values in columns)],
    ]
    if any(values["refusals"] for _, values in columns):
        codes = (", ".join(f"{n} {code}" for code, n in values["refusals"].items()) for _, values in columns)
        rows.append(["their codes", *codes])
    return table(["", *(title for title, _ in columns)], rows)


def _groups(record: Json) -> str:
    """Recall and precision by type, zone and size for multimode, and by size for single-mode faces."""
    multimode = record["drawn"]["mm-pc"]
    text = "## By type, zone and size\n\nMultimode faces (mm-pc), share and number of defects:\n\n"
    text += _by_group(multimode, ("type", "zone", "size_um"))
    text += "\nRecall by contrast, in gray levels against the surroundings:\n\n"
    bands = list(multimode["network"]["recall"]["contrast"])
    text += table(["", *bands], [_contrast_row(name, values, bands) for name, values in multimode.items()])
    text += "\nSingle-mode faces with a core of 9 um (sm-apc; sm-pc-45 has the same zones):\n\n"
    text += _by_group(record["drawn"]["sm-apc"], ("type", "zone", "size_um"))
    text += f"""
![Recall by size]({PICTURES}/recall-by-size.png)
![Recall by contrast]({PICTURES}/recall-by-contrast.png)

What was called what, of the labelled defects from 3 um on:

![Confusion of the network]({PICTURES}/confusion-network.png)
![Confusion of the baseline]({PICTURES}/confusion-baseline.png)
"""
    return text


def _by_group(evaluations: Json, groups: Iterable[str]) -> str:
    rows = []
    for group in groups:
        for key in evaluations["network"]["recall"][group]:
            label = f"{key} um" if group == "size_um" else f"zone {key}" if group == "zone" else key
            cells = [
                share_text(evaluations[name][what][group].get(key))
                for what in ("recall", "precision")
                for name in evaluations
            ]
            rows.append([label, *cells])
    heads = [f"{what}, {name}" for what in ("recall", "precision") for name in evaluations]
    return table(["", *heads], rows)


def _contrast_row(name: str, values: Json, bands: Sequence[str]) -> list[str]:
    return [name, *(share_text(values["recall"]["contrast"][band]) for band in bands)]


def _seeing(seen: Json) -> str:
    heads = ["gray levels", *(f"{size:g} um" for size in seen["sizes_um"])]
    rows = [
        [str(contrast), *(share_text(cell) for cell in row)]
        for contrast, row in zip(seen["contrasts"], seen["recall"], strict=True)
    ]
    return f"""\
## What can be seen

Round spots of known diameter on {seen["faces"]} single-mode faces, in the zones B and D, by cameras of 0.3 to 0.85 um
a pixel; the contrast is that of the spot before the optics blur it. Every spot counts, also those that no eye would
find:

{table(heads, rows)}
![Recall by diameter and contrast]({PICTURES}/sensitivity.png)
"""


def _confidence(drawn: Json) -> str:
    rows = []
    for each in drawn["mm-pc"]["network"]["calibration"]["bins"]:
        span = f"{each['low']:.1f} to {each['high']:.1f}"
        rows.append([span, number_text(each["confidence"]), number_text(each["true"]), str(each["count"])])
    return f"""\
## Confidence

Of the defects that the network reports with some confidence on multimode faces, so many are true:

{table(["confidence", "mean", "true", "reported"], rows)}
![Reliability]({PICTURES}/reliability.png)
"""


def _repeatability(gage: Json) -> str:
    rows = []
    for condition, values in gage["conditions"].items():
        flips = f"{values['verdict_flips']} of {values['trials']}"
        again = f"{values['defects_found']} of {values['defects_sought']}"
        sigmas = (number_text(values[key]) for key in ("typical_sigma_um", "size_sigma_um", "precision_to_tolerance"))
        rows.append([condition, flips, str(values["flips_not_borderline"]), again, *sigmas])
    heads = [
        "condition",
        "verdict flips",
        "not borderline",
        "defects found again",
        "typical sigma, um",
        "sigma, um",
        "P/T",
    ]
    return f"""\
## Repeatability

{gage["parts"]} drawn parts, each {gage["repeats"]} times under each condition; defects of 2 to 10 um are followed.
P/T is six standard deviations over a tolerance of {gage["tolerance_um"]:g} um; the typical sigma is that of the middle
defect, the other one is pooled over all, and a few defects that merge or split decide it. `endface-build gage` does
the same with your own photographs.

{table(heads, rows)}"""


def _failures(failures: Sequence[Json]) -> str:
    if not failures:
        return "## Where it fails\n\nNo mistake on the drawn multimode faces.\n"
    items = [
        f"{number}. {each['what']}: {each['kind']} of {each['size_um']:g} um in zone {each['zone']}"
        for number, each in enumerate(failures, start=1)
    ]
    return f"""\
## Where it fails

The missed defects of the strongest contrast and the most confident false alarms on drawn multimode faces; above as the
camera saw them, below with the outline of the label in green and of the report in red:

![Failures]({PICTURES}/{FAILURES_FILE})

{chr(10).join(items)}
"""


def _photographs(photographs: Json | None) -> str:
    """Real photographs are not in this repository: figures and words only."""
    if photographs is None:
        return ""
    columns = [(name, values) for name, values in photographs["evaluations"].items()]
    remarks = "\n".join(fill(f"- {remark}", LINE, subsequent_indent="  ") for remark in photographs["remarks"])
    return f"""\
## Photographs

{fill(photographs["how"], LINE)}

{_overview(columns)}
{remarks}
"""
