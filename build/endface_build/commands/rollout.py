"""Commands that bring a network to the servers: ``promote``, ``rollback`` and ``provision``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from endface.environment import default_repository
from endface.errors import ConfigurationError
from endface_build.commands.options import (
    BATCHES,
    PROFILE,
    Batches,
    Golden,
    PrecisionName,
    Repository,
    RuntimeName,
    batch_sizes,
)
from endface_build.commands.progress import console

if TYPE_CHECKING:
    from endface_build.evaluation.agreement import Compared

Servers = Annotated[
    str, typer.Option("--server", help="HOST:HTTP_PORT[,HOST:HTTP_PORT] of servers that must follow before this ends.")
]


def promote(  # noqa: PLR0913 - one parameter for each option of the command
    candidate: Annotated[Path, typer.Argument(help="The network's .onnx file, its manifest beside it.")],
    *,
    repository: Repository = None,
    server: Servers = "",
    golden: Golden = None,
    drawn: Annotated[
        bool, typer.Option(help="Judge drawn faces too; a network of your own may never have seen any.")
    ] = True,
    labelled: Annotated[
        Path | None,
        typer.Option(help="Labelled pictures, as `evaluate` takes them: no more false passes or unmarked flips there."),
    ] = None,
    profile: Annotated[str, typer.Option(help="Limits to judge your own pictures by.")] = PROFILE,
    accept_flips: Annotated[
        bool, typer.Option("--accept-flips", help="Verdicts of your pictures may change where none is given.")
    ] = False,
) -> None:
    """Make a network the served version, once it judges the golden pictures as it should."""
    from endface_build.data.label_folder import open_folder
    from endface_build.evaluation import golden as pictures
    from endface_build.evaluation.false_passes import JudgedSet, drawn_sets
    from endface_build.rollout.promote import FlippedError
    from endface_build.rollout.promote import promote as promote_network
    from endface_build.rollout.servers import servers_of
    from endface_build.rollout.versions import Versions

    versions = Versions(repository or default_repository())
    if not drawn and golden is None:
        raise ConfigurationError("Nothing to judge the network on: name a folder of your own pictures with --golden.")
    chosen = [*(pictures.drawn() if drawn else ()), *(pictures.of_folder(golden, profile) if golden else ())]
    own = {} if labelled is None else {str(labelled): JudgedSet(open_folder(labelled), profile)}
    sets = (drawn_sets() if drawn else {}) | own
    try:
        promotion = promote_network(
            candidate,
            versions,
            chosen,
            labelled=sets,
            changed=own,
            servers=servers_of(server),
            accept_flips=accept_flips,
        )
    except FlippedError as exc:
        console.print(_table(exc.judged))
        raise
    console.print(_table(promotion.judged))
    console.print(
        f"version {promotion.version} serves in place of {promotion.former}; `endface-build rollback` goes back"
    )


def rollback(repository: Repository = None, server: Servers = "") -> None:
    """Go back to the version before."""
    from endface_build.rollout.promote import rollback as roll_back
    from endface_build.rollout.servers import servers_of
    from endface_build.rollout.versions import Versions

    serving, withdrawn = roll_back(Versions(repository or default_repository()), servers=servers_of(server))
    console.print(f"version {serving} serves again; {withdrawn} is withdrawn, its files are kept")


def provision(
    target: Annotated[Path, typer.Argument(help="Folder on a volume; the server serves it with --repository.")],
    *,
    runtime: RuntimeName,
    precision: PrecisionName = "fp16",
    batch: Batches = BATCHES,
    repository: Repository = None,
) -> None:
    """Make a repository for this GPU on a volume: links to the models, and a plan, built unless the one there fits."""
    from endface_build.rollout.provision import provision as provide

    started = time.monotonic()
    manifest = provide(
        repository or default_repository(),
        target,
        runtime,
        precision=precision,
        batches=batch_sizes(batch),
        progress=lambda step: _log(time.monotonic() - started, step),
    )
    _log(time.monotonic() - started, f"{target} is ready: {manifest.precision}, {manifest.verification}")


def _table(judged: Sequence[Compared]) -> Table:
    """Verdicts of the golden pictures; what changed or is wrong stands out."""
    table = Table(title=f"{len(judged)} golden pictures")
    for heading in ("picture", "expected", "serving", "candidate"):
        table.add_column(heading)
    for row in judged:
        style = "red" if row.is_wrong else "yellow" if row.differs else ""
        table.add_row(row.name, row.expected or "", row.reference, row.candidate, style=style)
    return table


def _log(elapsed_s: float, step: str) -> None:
    """A line for a log, which a container's is: no bar that draws over itself."""
    console.print(f"{elapsed_s:5.0f} s  {step}", highlight=False, markup=False, soft_wrap=True)
