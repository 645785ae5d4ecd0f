"""``endface check-camera``: what the pictures of a camera allow, in this process, without a network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from endface import environment
from endface.camera_check import CameraCheck, advice, check_camera
from endface.criteria.profile import profile_names
from endface.errors import EndfaceError
from endface.options import Options
from endface_client.cli.find_pictures import find_pictures
from endface_client.cli.jobs import read_picture
from endface_client.cli.run import NOT_INSPECTED

_PIPE_WIDTH: Final = 160
_COLUMNS: Final = (
    "picture",
    "fibers",
    "um/px",
    "field um",
    "% seen of zones",
    "blur um",
    "noise",
    "levels",
    "judged by",
)

_FOLDED: Final = ("picture", "levels", "judged by")

_Pictures = Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders with pictures, or pictures.")]
_Profile = Annotated[
    list[str] | None, typer.Option("--profile", help="Limits to judge by, any number of times; default: all.")
]
_Profiles = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help=f"Folder with your own profile files; default: {environment.PROFILES}."),
]
_Zones = Annotated[str | None, typer.Option(metavar="A,B", help="Zones to judge; default: all of each profile.")]
_CladdingUm = Annotated[float | None, typer.Option(help="True cladding diameter in um; gives the scale.")]
_UmPerPx = Annotated[float | None, typer.Option(help="Scale of the camera in um per pixel, instead of the cladding.")]


def check_camera_command(  # noqa: PLR0913 - one parameter for each option of the command
    paths: _Pictures,
    *,
    profile: _Profile = None,
    profiles: _Profiles = None,
    zones: _Zones = None,
    cladding_um: _CladdingUm = None,
    um_per_px: _UmPerPx = None,
) -> None:
    """Say what a camera's pictures allow: exit 0 if a profile can judge all, 1 if none can, 2 if one cannot be read."""
    checks: list[CameraCheck] = []
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column not in _FOLDED)
    try:
        profiles = profiles or environment.profiles_folder()
        names = profile or profile_names(profiles)
        parameters = {"zones": zones, "cladding_um": cladding_um, "um_per_px": um_per_px}
        given = {key: value for key, value in parameters.items() if value is not None}
        options, *_ = [Options.from_parameters(given, name, profiles) for name in names]  # an unknown one ends it here
        found = find_pictures(paths)
        for path in found.pictures:
            with found.refusals_of(path):
                checks.append(check_camera(read_picture(path), names, options))
                table.add_row(*map(Text, (path.name, *_cells(checks[-1]))))
    except EndfaceError as exc:
        typer.echo(f"endface check-camera: {exc}", err=True)
        raise typer.Exit(NOT_INSPECTED) from exc
    for outcome in found.not_inspected:
        typer.echo(f"endface check-camera: {outcome.result}", err=True)
    if not checks:
        raise typer.Exit(NOT_INSPECTED)
    console = Console() if Console().is_terminal or "COLUMNS" in os.environ else Console(width=_PIPE_WIDTH)
    console.print(table)
    for sentence in advice(checks):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    if found.not_inspected:
        raise typer.Exit(NOT_INSPECTED)
    raise typer.Exit(0 if any(all(name in check.judged_by for check in checks) for name in names) else 1)


def _cells(check: CameraCheck) -> tuple[str, ...]:
    """The cells of a picture after its name."""
    cut_off = f", {check.cut_off} cut off" if check.cut_off else ""
    fibers = f"{check.fibers}{cut_off}"
    if check.quality is None or check.light is None:
        return (fibers, *[""] * 6, check.problem.code if check.problem else "")
    light = f"{check.light.darkest} to {check.light.brightest}"
    if check.light.saturated >= 0.005:
        light += f", {check.light.saturated:.0%} saturated"
    return (
        fibers,
        f"{max(check.um_per_px):.2f}",
        f"{check.field_um[0]:.0f} x {check.field_um[1]:.0f}",
        " ".join(f"{name} {100 * share:.3g}" for name, share in check.coverage.items()),
        f"{check.quality.blur_um:.2f}",
        f"{check.quality.noise_levels:.1f}",
        light,
        _judged_by(check),
    )


def _judged_by(check: CameraCheck) -> str:
    """The profiles that can judge a picture; the codes of the problems where none can."""
    if check.judged_by:
        return "all" if len(check.judged_by) == len(check.profiles) else ", ".join(check.judged_by)
    return "none: " + ", ".join(dict.fromkeys(problem.code for problem in check.profiles.values() if problem))
