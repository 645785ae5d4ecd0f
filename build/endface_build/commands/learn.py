"""The command ``learn``: from reviewed cases to a version that serves, or to the reasons why it does not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from endface.contract import CLADDING_UM
from endface.environment import default_repository
from endface_build.commands.options import Cladding, Repository
from endface_build.commands.progress import console, steps
from endface_build.commands.review import Folder, open_cases
from endface_build.commands.rollout import Servers
from endface_build.commands.training import CORES, RecipeFile, Workers, read_recipe_values
from endface_build.manifest import MODEL_FILE

if TYPE_CHECKING:
    from endface_build.learn.learn import Learned

RUN = Path("runs/learn")


def learn(  # noqa: PLR0913 - one parameter for each option of the command
    cases: Folder,
    *,
    run: Annotated[Path, typer.Option("--run", help="Folder of this run: drawn squares, candidate, page.")] = RUN,
    labelled: Annotated[
        Path | None, typer.Option(help="Older labelled pictures, on which the candidate may not be worse.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Limits to judge by; those of the cases if not given.")] = "",
    fine_steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Optimizer steps; as many as is usual if not given.")
    ] = None,
    drawn: Annotated[int, typer.Option(min=4, help="Drawn squares to learn from besides, against forgetting.")] = 600,
    faces: Annotated[int, typer.Option(min=1, help="Drawn faces of each fiber to judge both networks on.")] = 25,
    recipe: RecipeFile = None,
    cladding_um: Cladding = CLADDING_UM,
    workers: Workers = CORES,
    repository: Repository = None,
    server: Servers = "",
    promotes: Annotated[bool, typer.Option("--promote/--no-promote", help="Let a better network serve.")] = True,
    accept_flips: Annotated[
        bool, typer.Option("--accept-flips", help="Verdicts of golden pictures may change where none is given.")
    ] = False,
) -> None:
    """Learn from reviewed cases; promote the network if it is proven no worse, or say why not.

    Parts are split once and for all by their serial numbers: on the held-out ones both networks are judged.
    Exit status 1 where the candidate is not good enough.
    """
    import torch

    from endface_build.learn.learn import learn as learn_from
    from endface_build.learn.page import write_page
    from endface_build.learn.settings import Settings
    from endface_build.rollout.servers import servers_of
    from endface_build.rollout.versions import Versions
    from endface_build.training.finetune import STEPS

    torch.set_num_threads(workers)
    settings = Settings(
        run,
        steps=fine_steps or STEPS,
        drawn=drawn,
        faces=faces,
        cladding_um=cladding_um,
        recipe=read_recipe_values(recipe),
        workers=workers,
        promotes=promotes,
        accept_flips=accept_flips,
    )
    with steps() as advance:
        learned = learn_from(
            open_cases(cases),
            Versions(repository or default_repository()),
            settings,
            advance,
            labelled=labelled,
            profile=profile,
            servers=servers_of(server),
        )
    console.print(_table(learned))
    for reason, count in learned.split.left_out.items():
        console.print(f"not used, {count}: {reason}", highlight=False)
    for sentence in learned.skipped:
        console.print(f"not used: {sentence}", highlight=False, markup=False)
    console.print(f"old against new: {write_page(learned, run)}", soft_wrap=True)
    _conclude(learned)


def _conclude(learned: Learned) -> None:
    """The last line, and the exit status."""
    if learned.promotion is not None:
        console.print(
            f"version {learned.promotion.version} serves in place of {learned.promotion.former}; "
            "`endface-build rollback` goes back"
        )
        return
    for reason in learned.against:
        console.print(f"not promoted: {reason}", highlight=False, markup=False, soft_wrap=True)
    if learned.against:
        raise typer.Exit(1)
    candidate = learned.candidate / MODEL_FILE
    console.print(f"next: endface-build promote {candidate}", markup=False, soft_wrap=True)


def _table(learned: Learned) -> Table:
    """A row for each figure of each set."""
    held_out, learned_from = len(learned.split.held_out), len(learned.split.learned)
    table = Table(title=f"learned from {learned_from} reviewed pictures, judged on {held_out} of other parts")
    for heading in ("", "", "serving", "candidate", "difference, 95 %"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, comparison in learned.sets.items():
        for figure, change in comparison.changes.items():
            shares = ("" if value is None else f"{value:.1%}" for value in (change.before, change.after))
            known = change.low is not None and change.high is not None
            interval = f"{change.low:+.1%} to {change.high:+.1%}" if known else "too few parts"
            table.add_row(
                name, figure.replace("_", " "), *shares, interval, style="red" if change.is_worse(figure) else ""
            )
            name = ""  # noqa: PLW2901 - once is enough
    if learned.gage is not None:
        table.add_row("taken again", "unmarked flips", *map(str, learned.gage), "")
    return table
