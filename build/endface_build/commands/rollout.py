"""Commands that bring a network to the servers: ``quantize``, ``promote`` and ``rollback``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from endface.errors import ConfigurationError
from endface_build.commands.progress import console, steps

if TYPE_CHECKING:
    from endface_build.evaluation.agreement import Compared

Model = Annotated[Path, typer.Option("--model", help="Folder of model.onnx and manifest.json.")]
Repository = Annotated[Path, typer.Option("--repository", help="Model repository that servers run on.")]
Servers = Annotated[
    str, typer.Option("--server", help="HOST:HTTP_PORT[,HOST:HTTP_PORT] of servers that must follow before this ends.")
]

REPOSITORY = Path("model_repository")
MODEL = Path("model_repository/segment/1")


def quantize(model: Model = MODEL) -> None:
    """Replace the network by its eight-bit form, if that loses at most 0.01 of recall and of precision."""
    from endface_build.export.quantize import quantize as quantize_network
    from endface_build.manifest import read_manifest

    recipe = read_manifest(model).get("recipe")
    if recipe is None:
        raise ConfigurationError(f"{model} was imported: make it smaller with the tool that it was trained with.")
    count = recipe["held_out_count"]
    with steps() as advance:
        manifest = quantize_network(model, progress=lambda done: advance("comparing with FP32", count, done))
    made = manifest["quantization"]
    console.print(
        f"{model / manifest['file']}: {made['labels_equal']:.3%} of the labels equal, recall loses "
        f"{made['loss']['recall']:.4f}, precision {made['loss']['precision']:.4f}, "
        f"{made['time_ratio']:.2f} of the time on one thread, sha256 {manifest['sha256'][:12]}"
    )


def export_variant(model: Path, file_format: str) -> None:
    """Write the network for an engine that runs without a server, once it agrees with the network in float."""
    from endface.engines.variant import FILES
    from endface_build.export.variants import ENGINE_OF
    from endface_build.export.variants import export_variant as write_variant

    engine = ENGINE_OF[file_format]
    with console.status(f"making the network for {engine} and comparing it"):
        parity = write_variant(engine, model)["parity"]
    console.print(
        f"{model / FILES[engine]}: {parity['labels_equal']:.3%} of the labels equal in {parity['pictures']} pictures, "
        "all verdicts the same"
    )


def promote(  # noqa: PLR0913 - one parameter for each option of the command
    candidate: Annotated[Path, typer.Argument(help="The network's .onnx file, its manifest beside it.")],
    *,
    repository: Repository = REPOSITORY,
    server: Servers = "",
    golden: Annotated[
        Path | None, typer.Option(help="Folder of your own golden pictures; golden.json in it: names and verdicts.")
    ] = None,
    drawn: Annotated[
        bool, typer.Option(help="Judge drawn faces too; a network of your own may never have seen any.")
    ] = True,
    labelled: Annotated[
        Path | None, typer.Option(help="Labelled pictures, as `evaluate` takes them: no more false passes there.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Limits to judge your own pictures by.")] = "mm-pc",
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

    versions = Versions(repository)
    if not drawn and golden is None:
        raise ConfigurationError("Nothing to judge the network on: name a folder of your own pictures with --golden.")
    chosen = [*(pictures.drawn() if drawn else ()), *(pictures.of_folder(golden, profile) if golden else ())]
    sets = drawn_sets() if drawn else {}
    if labelled is not None:
        sets |= {str(labelled): JudgedSet(open_folder(labelled), profile)}
    try:
        promotion = promote_network(
            candidate, versions, chosen, labelled=sets, servers=servers_of(server), accept_flips=accept_flips
        )
    except FlippedError as exc:
        console.print(_table(exc.judged))
        raise
    console.print(_table(promotion.judged))
    console.print(
        f"version {promotion.version} serves in place of {promotion.former}; `endface-build rollback` goes back"
    )


def rollback(repository: Repository = REPOSITORY, server: Servers = "") -> None:
    """Go back to the version before."""
    from endface_build.rollout.promote import rollback as roll_back
    from endface_build.rollout.servers import servers_of
    from endface_build.rollout.versions import Versions

    serving, withdrawn = roll_back(Versions(repository), servers=servers_of(server))
    console.print(f"version {serving} serves again; {withdrawn} is withdrawn, its files are kept")


def _table(judged: Sequence[Compared]) -> Table:
    """Verdicts of the golden pictures; what changed or is wrong stands out."""
    table = Table(title=f"{len(judged)} golden pictures")
    for heading in ("picture", "expected", "serving", "candidate"):
        table.add_column(heading)
    for row in judged:
        style = "red" if row.is_wrong else "yellow" if row.differs else ""
        table.add_row(row.name, row.expected or "", row.reference, row.candidate, style=style)
    return table
