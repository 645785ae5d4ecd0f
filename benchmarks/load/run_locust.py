"""Locust without its web page: one process of its own for each load shape."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.common.errors import BenchmarkError, last_words
from benchmarks.common.origin import ROOT, Json
from benchmarks.common.target import LoadTarget
from benchmarks.load.figures import phase_figures
from benchmarks.load.shapes import ProductionLine, phases
from endface_build.provenance import write_json

_LOCUSTFILE: Final = ROOT / "benchmarks" / "locustfile.py"
_START_S: Final = 120
"""How much longer than its phases Locust may take: a busy machine needs a while to start it."""

_FINISH_S: Final = 15
"""How long a station that leaves has for the part at hand: its client waits 10 s for an answer.

One that left in the middle of a call would cancel it; stations do not do that, and Triton 2.51 may die of it.
"""


def run(shape: str, line: ProductionLine, target: LoadTarget, out: Path, *, processes: int = 1) -> list[Json]:
    """Put one load shape on a server.

    Returns:
        Figures of each counted phase.

    Raises:
        BenchmarkError: Locust failed; its last words are in the message.
    """
    out.mkdir(parents=True, exist_ok=True)
    allowed_s = sum(phase.seconds for phase in phases(shape, line)) + _START_S + _FINISH_S
    command = [sys.executable, "-m", "locust", *_options(shape, line, target, out, processes)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=allowed_s, check=False)
    except subprocess.TimeoutExpired as exc:
        raise BenchmarkError(f"Locust did not end the shape {shape} within {allowed_s:.0f} s; is it too busy?") from exc
    try:
        entries = json.loads((out / "locust.json").read_text(encoding="utf-8"))
        record = json.loads((out / "phases.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        words = last_words(done.stderr or done.stdout)
        raise BenchmarkError(f"Locust failed under the shape {shape}; it said: {words}") from exc
    figures = [phase_figures(entries, phase) for phase in record]
    write_json(out / "figures.json", figures)
    return figures


def _options(shape: str, line: ProductionLine, target: LoadTarget, out: Path, processes: int) -> list[str]:
    for name in ("locust.json", "phases.json"):
        (out / name).unlink(missing_ok=True)  # of an earlier run: what is there afterwards is of this one
    options = {
        "locustfile": _LOCUSTFILE,
        "host": target.server,
        "shape": shape,
        "endface-profile": target.profile,
        "pictures": target.pictures.resolve(),
        "metrics": target.metrics,
        "phases": (out / "phases.json").resolve(),
        "csv": (out / "locust").resolve(),
        "html": (out / "locust.html").resolve(),
        "json-file": (out / "locust").resolve(),  # Locust adds the ending
        "loglevel": "WARNING",
        "stop-timeout": _FINISH_S,
        "exit-code-on-error": 0,  # it is the limits that judge
        **({"processes": processes} if processes > 1 else {}),
        **{name.replace("_", "-"): value for name, value in asdict(line).items()},
    }
    return ["--headless", "--csv-full-history", *(f"--{name}={value}" for name, value in options.items())]
