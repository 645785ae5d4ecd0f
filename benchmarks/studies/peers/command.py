"""``python -m benchmarks peers``: this server and others, one after the other in one run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import CORES, Work
from benchmarks.common.options import Faces, Folder, Profile, Results, console, keep, network_file, pictures_of
from benchmarks.common.origin import RESULTS, Json, origin
from benchmarks.studies.peers import in_process, measurement
from benchmarks.studies.peers.measurement import Plan
from benchmarks.studies.peers.peer import ENDFACE, PEERS, Peer
from endface.engines.onnx_network import Network

_NAMES = ", ".join(peer.name for peer in PEERS)


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    peer: Annotated[list[str] | None, typer.Option(help=f"{_NAMES}; may be repeated. All otherwise.")] = None,
    seconds: Annotated[
        float, typer.Option(min=1, help="How long each closed loop is counted; the stream four times as long.")
    ] = Plan.seconds,
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    results: Results = RESULTS,
    out: Annotated[Path, typer.Option(help="Folder for the peers' environments.")] = Path("out/peers"),
) -> None:
    """Measure other ways to serve the same inspection, and loops without a server; ends with 1 where one is missing."""
    chosen = _named(peer)
    work = Work(pictures_of(faces, folder, profile), network_file().resolve(), profile)
    plan = Plan(seconds=seconds, stream_s=4 * seconds)
    record = origin(Network(work.network).info) | {
        "plan": asdict(plan) | {"workers": CORES},
        "pictures": len(work.pictures),
        "in_process": [_shown(in_process.measure(name, work, seconds)) for name in in_process.RUNTIMES],
        # endface first and last: had the machine changed meanwhile, its two rows would differ
        "served": [_shown(_measured(each, work, plan, out.resolve())) for each in (ENDFACE, *chosen, ENDFACE)],
    }
    console.print(str(keep(record, results, "peers")))
    raise typer.Exit(int(any("error" in row for row in record["served"])))


def _named(names: list[str] | None) -> list[Peer]:
    known = {peer.name: peer for peer in PEERS}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise BenchmarkError(f"there is no peer {unknown[0]!r}; choose from {_NAMES}")
    return [known[name] for name in names or known]


def _measured(peer: Peer, work: Work, plan: Plan, out: Path) -> Json:
    try:
        return measurement.measure(peer, work, plan, out)
    except BenchmarkError as exc:
        return {"peer": peer.name, "title": peer.title, "error": str(exc)}


def _shown(row: Json) -> Json:
    images_per_s = row.get("saturation", row).get("images_per_s")
    console.print(f"{row['title']}: {row.get('error', f'{images_per_s} pictures/s')}")
    return row
