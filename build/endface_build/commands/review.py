"""The command ``review``: kept cases out to labelling tools, and corrected outlines back."""

from __future__ import annotations

import getpass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from endface.errors import ConfigurationError
from endface.review.cases import Cases
from endface_build.commands.progress import console, steps
from endface_build.review.exchange import Format

app = typer.Typer(help="Kept cases out to labelling tools, and corrected outlines back.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(metavar="CASES", help="Folder of review cases (`endface inspect --review`).")]
FileFormat = Annotated[Format, typer.Option("--format", help="The labelling tool's format.")]


@app.command("export")
def export(
    cases: Folder,
    out: Annotated[Path, typer.Argument(help="Folder for pictures and outlines.")],
    file_format: FileFormat = "coco",
    every: Annotated[
        bool, typer.Option("--all", help="Export reviewed cases as well, with the marks agreed on.")
    ] = False,
) -> None:
    """Write pictures with outlines drawn beforehand, for a labelling tool; those that nobody has reviewed."""
    from endface_build.review.exchange import export_cases

    found = list(open_cases(cases))
    chosen = [case for case in found if every or case.standing == "open"]
    if reviewed := len(found) - len(chosen):
        console.print(
            f"left out, since somebody has reviewed them: {reviewed} cases; --all exports them too", highlight=False
        )
    with steps() as advance:
        file, left_out = export_cases(chosen, out, file_format, partial(advance, "writing", len(chosen)))
    for name in left_out:
        console.print(f"left out, since its picture cannot be decoded: {name}", highlight=False)
    console.print(
        f"{len(chosen) - len(left_out)} pictures, {file}; back again: endface-build review import {cases} FILE "
        f"--format {file_format}",
        highlight=False,
        soft_wrap=True,
    )


@app.command("import")
def import_(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    cases: Folder,
    labels: Annotated[Path, typer.Argument(help="The tool's file, or the folder that it lies in.")],
    file_format: FileFormat = "coco",
    reviewer: Annotated[str, typer.Option(help="Whose reviews they are; yours if not given.")] = "",
    classes: Annotated[Path | None, typer.Option(help="Class map, where the tool's classes have other names.")] = None,
    unchanged: Annotated[
        bool, typer.Option("--unchanged", help="Outlines that came back as they went are right, not unseen.")
    ] = False,
) -> None:
    """Take corrected outlines back as reviews of their cases."""
    from endface_build.review.exchange import import_labels

    imported = import_labels(
        Cases(cases),
        labels,
        file_format,
        reviewer=reviewer or getpass.getuser(),
        classes=classes,
        take_untouched=unchanged,
    )
    for name in imported.unknown:
        console.print(f"left out, since no case has it: {name}", highlight=False, markup=False)
    if imported.untouched:
        console.print(f"{imported.untouched} came back as they went; --unchanged takes them for right")
    console.print(f"{imported.reviewed} reviews in {cases}; next: endface-build learn {cases}", highlight=False)


def open_cases(folder: Path) -> Cases:
    """The cases of a folder.

    Raises:
        ConfigurationError: there is none.
    """
    cases = Cases(folder)
    if not len(cases):
        raise ConfigurationError(
            f"No review cases in {folder}: keep some with `endface inspect PATH --review {folder}`."
        )
    return cases
