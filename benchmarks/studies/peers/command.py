"""``python -m benchmarks peers``: this server and others, in turns in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.options import Faces, Folder, Profile, Results, console, work_of
from benchmarks.common.origin import RESULTS
from benchmarks.common.study import Study
from benchmarks.studies.peers import section
from benchmarks.studies.peers.measure import PeersPlan, measure
from benchmarks.studies.peers.peer import PEERS, Peer

STUDY = Study("peers", measure, section.text, section.plot)

_NAMES = ", ".join(peer.name for peer in PEERS)


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    peer: Annotated[list[str] | None, typer.Option(help=f"{_NAMES}; may be repeated. All otherwise.")] = None,
    seconds: Annotated[
        float, typer.Option(min=1, help="How long each closed loop is counted; the stream twice as long.")
    ] = PeersPlan.seconds,
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    results: Results = RESULTS,
    out: Annotated[Path, typer.Option(help="Folder for the peers' environments.")] = Path("out/peers"),
) -> None:
    """Measure other ways to serve the same inspection, and loops without a server; ends with 1 where one is missing."""
    peers, plan = _named(peer), PeersPlan(seconds=seconds, stream_s=2 * seconds)
    record = STUDY.record(results, peers, work_of(faces, folder, profile), plan, out.resolve(), console.print)
    raise typer.Exit(int(any("error" in row for row in record["served"])))


def _named(names: list[str] | None) -> list[Peer]:
    known = {peer.name: peer for peer in PEERS}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise BenchmarkError(f"there is no peer {unknown[0]!r}; choose from {_NAMES}")
    return [known[name] for name in names or known]
