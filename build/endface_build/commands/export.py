"""Commands that write the network for an engine: ``export``, ``convert``, ``quantize`` and ``plan``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from endface.engines.load import default_folder
from endface.engines.manifest import MADE_FROM
from endface.engines.plan import PLAN_FILE, PlanManifest
from endface.errors import ConfigurationError
from endface_build.commands.options import (
    BATCHES,
    CANDIDATE,
    PROFILE,
    Batches,
    Golden,
    Model,
    PrecisionName,
    RuntimeName,
    batch_sizes,
)
from endface_build.commands.progress import console, steps
from endface_build.commands.training import RUN, RunFolder
from endface_build.manifest import MODEL_FILE, read_manifest, write_manifest

Format = Literal["onnx", "opencv", "tflite"]


def export(
    run: RunFolder = RUN,
    model: Annotated[
        Path | None,
        typer.Option(help="onnx: folder to write; candidate if not given. Else: folder of the network; what serves."),
    ] = None,
    file_format: Annotated[
        Format, typer.Option("--format", help="opencv and tflite are made from the model's ONNX file, not from a run.")
    ] = "onnx",
) -> None:
    """Write the network as ONNX with its manifest, once ONNX Runtime agrees with PyTorch, and judge it.

    Where the run has a held-out set, the figures on its squares are entered into the manifest.
    """
    if file_format == "onnx":
        _export_onnx(run, model or CANDIDATE)
    else:
        _export_variant(model or default_folder(), file_format)


def convert(
    model: Annotated[Path, typer.Argument(help="Folder of model.onnx and manifest.json, such as a version's.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write; MODEL itself if not given.")] = None,
) -> None:
    """Write a network of an older release with the outputs of this one; its weights stay.

    A quantized network is quantized anew.  Do it while no server runs on that folder.
    """
    from endface_build.export.convert import convert as convert_network
    from endface_build.export.quantize import quantize as quantize_network

    was_quantized = "quantization" in read_manifest(model)
    target = out or model
    with steps() as advance, TemporaryDirectory() as aside:
        in_float = Path(aside) if was_quantized else target
        manifest = convert_network(model, in_float)
        if was_quantized:
            count = manifest["recipe"]["held_out_count"]
            manifest = quantize_network(
                in_float, target, progress=lambda done: advance("comparing with FP32", count, done)
            )
    converted = manifest["converted"]
    console.print(
        f"{target / manifest['file']}: {converted['to_contract']}, with the weights of "
        f"{converted[MADE_FROM][:12]}, sha256 {manifest['sha256'][:12]}"
    )


def quantize(
    model: Model = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; MODEL itself, or candidate where MODEL may be served.")
    ] = None,
) -> None:
    """Write the network's eight-bit form, if that loses at most 0.01 of recall and of precision."""
    from endface_build.export.quantize import quantize as quantize_network

    source = model or default_folder()
    target = out or (CANDIDATE if _is_version(source) else source)
    _refuse_version(target)
    recipe = read_manifest(source).get("recipe")
    if recipe is None:
        raise ConfigurationError(f"{source} was imported: make it smaller with the tool that it was trained with.")
    count = recipe["held_out_count"]
    with steps() as advance:
        manifest = quantize_network(source, target, progress=lambda done: advance("comparing with FP32", count, done))
    made = manifest["quantization"]
    console.print(
        f"{target / manifest['file']}: {made['labels_equal']:.3%} of the labels equal, recall loses "
        f"{made['loss']['recall']:.4f}, precision {made['loss']['precision']:.4f}, "
        f"{made['time_ratio']:.2f} of the time on one thread, sha256 {manifest['sha256'][:12]}"
    )


def plan(  # noqa: PLR0913 - one parameter for each option of the command
    *,
    runtime: RuntimeName,
    precision: PrecisionName = "fp16",
    batch: Batches = BATCHES,
    model: Model = None,
    out: Annotated[
        Path | None, typer.Option(help="Write plan and manifest here, not into the version's folder.")
    ] = None,
    golden: Golden = None,
    profile: Annotated[str, typer.Option(help="Limits to judge your golden pictures by.")] = PROFILE,
) -> None:
    """Compile the network to a plan for this machine, if no verdict changes, and write its manifest beside it."""
    from endface_build.evaluation import golden as pictures
    from endface_build.export.build_plan import build_plan

    folder = model or default_folder()
    with console.status("reading the network") as status:
        manifest = build_plan(
            folder,
            runtime,
            precision,
            batches=batch_sizes(batch),
            out=out,
            golden=[*pictures.drawn(), *(pictures.of_folder(golden, profile) if golden else ())],
            progress=status.update,
        )
    console.print(f"{(out or folder) / PLAN_FILE}: {_in_a_line(manifest)}", highlight=False, soft_wrap=True)


def _export_onnx(run: Path, folder: Path) -> None:
    from endface_build.evaluation.square_metrics import metrics_of
    from endface_build.export.to_onnx import export as export_network
    from endface_build.training.train import load_trained

    _refuse_version(folder)
    with console.status("exporting and comparing with PyTorch"):
        manifest = export_network(load_trained(run / "checkpoint.pt"), folder)
    equal = manifest["parity"]["labels_equal"]
    console.print(f"{folder / MODEL_FILE}: {equal:.2%} of the labels equal, sha256 {manifest['sha256'][:12]}")
    if (run / "held-out").is_dir():
        count = manifest["recipe"]["held_out_count"]
        with steps() as advance:
            metrics = metrics_of(
                folder / MODEL_FILE,
                run / "held-out",
                lambda done: advance("judging on held-out squares", count, done),
            )
        write_manifest(folder, manifest | {"metrics": metrics})
        console.print(_table(metrics))


def _export_variant(folder: Path, file_format: str) -> None:
    """Write the network for an engine that runs without a server, once it agrees with the network in float."""
    from endface.engines.catalog import VARIANTS, named
    from endface_build.export.variants import ENGINE_OF, export_variant

    engine = ENGINE_OF[file_format]
    with console.status(f"making the network for {engine} and comparing it"):
        parity = export_variant(engine, folder)["parity"]
    path = folder / named(engine, VARIANTS).file
    console.print(
        f"{path}: {parity['labels_equal']:.3%} of the labels equal in {parity['pictures']} pictures, "
        "all verdicts the same"
    )


def _is_version(folder: Path) -> bool:
    """Whether a folder is a version in a model repository, which a server may have loaded."""
    return (folder.parent / "config.pbtxt").is_file()


def _refuse_version(folder: Path) -> None:
    if _is_version(folder):
        raise ConfigurationError(
            f"{folder} is a version in a model repository, which servers may run: write to another folder, then make "
            f"it a version of its own with `endface-build promote FOLDER/{MODEL_FILE}`."
        )


def _table(metrics: dict[str, Any]) -> Table:
    """Recall, precision, IoU and right type, one row a type or size."""
    table = Table(title=f"{metrics['squares']} held-out squares, defects from 3 um")
    for heading in ("", "recall", "precision", "iou", "right type"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name in metrics["recall"]:
        figures = (metrics[column].get(name) for column in ("recall", "precision", "iou", "right_type"))
        table.add_row(name, *("" if figure is None else f"{figure:.3f}" for figure in figures))
    return table


def _in_a_line(manifest: PlanManifest) -> str:
    words = [
        f"{manifest.runtime} {manifest.runtime_version}",
        manifest.precision,
        f"batches up to {manifest.max_batch}",
    ]
    if manifest.parity is not None:
        words += [
            f"{manifest.parity.labels_equal:.3%} of the labels as in FP32",
            f"no verdict changed on {manifest.parity.pictures} golden pictures",
        ]
    return ", ".join([*words, manifest.verification])
