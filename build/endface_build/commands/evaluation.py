"""Commands that measure how good a network is: ``evaluate``, ``gage``, ``accuracy`` and ``page``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich import box
from rich.table import Table

from endface.contract import CLADDING_UM
from endface.engines.load import default_folder
from endface.errors import ConfigurationError
from endface.offline import Inspector
from endface.options import Options
from endface.picture.decode import decode
from endface_build.commands.options import PROFILE, Cladding, Model, Profile
from endface_build.commands.progress import console, steps
from endface_build.data.drawn_pictures import DrawnFaces, fiber_of
from endface_build.data.label_folder import PICTURES, images_folder, open_folder
from endface_build.data.labelled import LabelledSet
from endface_build.evaluation import repeatability
from endface_build.evaluation.evaluate_pictures import evaluate_pictures, read_reports
from endface_build.evaluation.inspector import with_network
from endface_build.evaluation.invariance import study as study_invariance
from endface_build.evaluation.metrics import Json, summarize
from endface_build.evaluation.repeated_parts import PhotographedPart, random_part
from endface_build.manifest import MODEL_FILE
from endface_build.provenance import write_json
from endface_build.reports.accuracy import Extent, inspections, measure

Folder = Annotated[Path | None, typer.Argument(help="Your own pictures; drawn faces where none are given.")]

RESULTS = Path("benchmarks/results")
PAGE = Path("docs/accuracy.md")


def evaluate(  # noqa: PLR0913, PLR0917 - the options of a command
    folder: Folder = None,
    model: Model = None,
    profile: Profile = PROFILE,
    cladding_um: Cladding = CLADDING_UM,
    faces: Annotated[int, typer.Option(min=1, help="Drawn faces to judge on.")] = 200,
    far: Annotated[bool, typer.Option("--far", help="Draw them by cameras outside the ranges of training.")] = False,
    classes: Annotated[Path | None, typer.Option(help="Class map; classes.toml in the folder otherwise.")] = None,
    reports: Annotated[Path | None, typer.Option(help="Reports of the folder that a server made, one a line.")] = None,
    invariance: Annotated[
        bool, typer.Option("--invariance", help="Ask instead what changes when pose, light, file or focus change.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the figures (JSON) and plots.")] = Path("out/evaluation"),
) -> None:
    """Judge the network, and a classical baseline beside it, on labelled pictures or drawn faces.

    FOLDER holds pictures with class maps (PNG), COCO polygons (JSON) or YOLO polygons (txt); classes.toml in it
    translates their classes. With --invariance no labels are needed.
    """
    from endface_build.reports.plots import plot_evaluation

    network = (model or default_folder()) / MODEL_FILE
    options = Options(profile, cladding_um=cladding_um, any_core=True)  # any profile may be asked of any pictures
    if invariance:
        drawn = DrawnFaces(fiber_of(profile), faces, far=far)
        seen = _photographs(folder) if folder else {face.name: decode(face.data).gray for face in drawn}
        _evaluate_invariance(seen, with_network(network, options), profile, out)
        return
    pictures: LabelledSet = open_folder(folder, classes) if folder else DrawnFaces(fiber_of(profile), faces, far=far)
    judged = inspections(network, options)
    if reports is not None:
        judged["server"] = read_reports(reports)
    with steps() as advance:
        evaluated = evaluate_pictures(pictures, judged, profile, partial(advance, "evaluating", len(pictures)))
    result = {name: summarize(each) for name, each in evaluated.items()}
    write_json(out / "evaluation.json", {"profile": profile} | result)
    plot_evaluation(result, out)
    console.print(_overview(result))
    console.print(f"figures and plots in {out}")


def gage(  # noqa: PLR0913, PLR0917 - the options of a command
    folder: Folder = None,
    model: Model = None,
    profile: Profile = PROFILE,
    cladding_um: Cladding = CLADDING_UM,
    parts: Annotated[int, typer.Option(min=1, help="Drawn parts, where no folder is given.")] = 12,
    repeats: Annotated[int, typer.Option(min=1, help="Trials of each part under each condition.")] = 5,
    tolerance_um: Annotated[
        float, typer.Option(min=0.1, help="What the spread of sizes is compared with.")
    ] = repeatability.TOLERANCE_UM,
    out: Annotated[Path, typer.Option(help="File for the figures (JSON).")] = Path("out/gage.json"),
) -> None:
    """Repeatability: the same part turned, shifted, defocused, re-lit, noisy, compressed.

    FOLDER holds photographs of parts; they are turned by quarters and mirrored. Drawn parts are turned by any angle.
    """
    seen: list[repeatability.Part] = (
        [PhotographedPart(name, gray) for name, gray in _photographs(folder).items()]
        if folder
        else [random_part(index) for index in range(parts)]
    )
    options = Options(profile, cladding_um=cladding_um, any_core=True)
    inspector = with_network((model or default_folder()) / MODEL_FILE, options)
    with steps() as advance:
        result = repeatability.study(
            seen,
            inspector,
            repeats=repeats,
            tolerance_um=tolerance_um,
            progress=partial(advance, "parts", len(seen)),
        )
    write_json(out, result)
    console.print(_gage_table(result))
    console.print(f"figures in {out}")


def accuracy(  # noqa: PLR0913, PLR0917 - the options of a command
    model: Model = None,
    faces: Annotated[int, typer.Option(min=1, help="Drawn faces of each profile.")] = Extent.faces,
    spots: Annotated[int, typer.Option(min=1, help="Faces with spots of known size.")] = Extent.spots,
    parts: Annotated[int, typer.Option(min=1, help="Parts of the gage study.")] = Extent.parts,
    results: Annotated[Path, typer.Option(help="Folder for the record.")] = RESULTS,
    document: Annotated[Path, typer.Option("--page", help="The document.")] = PAGE,
) -> None:
    """Measure everything that docs/accuracy.md says, keep the record and write the document."""
    from endface_build.reports.accuracy_page import write_page

    with steps() as advance:
        record = measure(
            (model or default_folder()) / MODEL_FILE, Extent(faces, spots, parts), document.parent / "accuracy", advance
        )
    path = results / f"{datetime.now(UTC):%Y-%m-%d}-accuracy.json"
    write_json(path, record)
    write_page(record, document)
    console.print(f"{path} and {document}")


def page(
    record: Annotated[Path, typer.Argument(help="A record that `accuracy` wrote.")],
    document: Annotated[Path, typer.Option("--page", help="The document.")] = PAGE,
) -> None:
    """Write docs/accuracy.md and its plots from a record."""
    from endface_build.reports.accuracy_page import write_page

    try:
        values = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"No record in {record}: make one with `endface-build accuracy`. ({exc})") from exc
    write_page(values, document)
    console.print(str(document))


def _evaluate_invariance(pictures: dict[str, NDArray[np.uint8]], inspect: Inspector, profile: str, out: Path) -> None:
    """Change every picture in every way; figures and plots go into a folder, the table to the terminal."""
    from endface_build.reports.invariance_plots import plot_invariance

    with steps() as advance:
        result = study_invariance(pictures, inspect, progress=partial(advance, "pictures", len(pictures)))
    write_json(out / "invariance.json", {"profile": profile} | result)
    plot_invariance(result, out)
    console.print(_invariance_table(result))
    console.print(f"figures and plots in {out}")


def _photographs(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Gray levels of the pictures of a folder, or of its ``images/``, by their names."""
    place = images_folder(folder)
    paths = [path for path in sorted(place.glob("*")) if path.suffix.lower() in PICTURES]
    if not paths:
        raise ConfigurationError(f"No pictures in {place}: give a folder with {', '.join(PICTURES)}.")
    return {path.name: decode(path.read_bytes()).gray for path in paths}


def _overview(result: dict[str, Json]) -> Table:
    """The main figures, a column an inspection."""
    table = Table(title="defects from 3 um, in zones with limits")
    table.add_column("")
    for name in result:
        table.add_column(name, justify="right")
    rows: dict[str, list[Any]] = {
        "pictures": [values["pictures"] for values in result.values()],
        "invalid": [values["invalid"] for values in result.values()],
        "localisation": [values["localisation"]["share"] for values in result.values()],
        "recall": [values["recall"]["all"]["share"] for values in result.values()],
        "precision": [values["precision"]["all"]["share"] for values in result.values()],
        "iou": [values["iou"] for values in result.values()],
        "line accuracy": [values["line_accuracy"]["share"] for values in result.values()],
        "verdict": [values["verdict"]["share"] for values in result.values()],
        "false passes": [_of(values["verdict"]["false_pass"]) for values in result.values()],
        "kappa": [values["verdict"]["kappa"] for values in result.values()],
        "calibration error": [values["calibration"]["ece"] for values in result.values()],
    }
    for name, cells in rows.items():
        table.add_row(name, *("" if cell is None else str(cell) for cell in cells))
    return table


def _of(share: Json) -> str:
    return f"{share['hits']} of {share['count']}"


def _invariance_table(result: Json) -> Table:
    """What changes, a row a change."""
    title = (
        f"{result['judged']} pictures judged, {result['refused']} refused; clear flips are not borderline; sizes in um"
    )
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=0)
    columns = ("flips", "unmarked", "invalid", "found_again", "size_median_um", "size_p95_um")
    table.add_column("", no_wrap=True)
    for heading in ("flips", "clear", "invalid", "found", "median", "95 %", "fails kept"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, values in result["changes"].items():
        cells = ["" if values[key] is None else f"{values[key]:g}" for key in columns]
        kept = f"{values['kept']} of {values['failing']}"
        table.add_row(name, *cells, kept, style="red" if values["unmarked"] else "")
    return table


def _gage_table(result: Json) -> Table:
    table = Table(
        title=f"{result['parts']} parts, {result['repeats']} trials each; clear flips are not borderline; sigmas in um"
    )
    table.add_column("", no_wrap=True)
    for heading in ("trials", "flips", "clear", "invalid", "sought", "found", "typical", "sigma", "P/T"):
        table.add_column(heading, justify="right")
    for condition, values in result["conditions"].items():
        table.add_row(condition, *("" if value is None else f"{value:g}" for value in values.values()))
    return table
