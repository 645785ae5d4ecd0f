"""One engine in a process of its own: its answers, its times and its memory.

    python -m benchmarks.studies.engines.probe FOLDER

``job.json`` in the folder names the engine, its network and the pictures; ``answer.json`` and ``labels.npy`` are
written beside it.  Nothing is imported but what an inspection needs: the memory is that of a user's process.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from endface import offline
from endface.engines.load import load
from endface.errors import EndfaceError
from endface.options import Options
from endface.stages import preprocess

JOB: Final = "job.json"
ANSWER: Final = "answer.json"
LABELS: Final = "labels.npy"
"""Label maps uint8 (N, 512, 512); black where a picture was refused before the network."""


def main() -> None:
    """Do the job of the folder that the command line names; exit 2 with a sentence where the engine cannot run."""
    folder = Path(sys.argv[1])
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    try:
        answer = _inspect(job)
        peak_mb = _peak_mb()  # before the label maps are gathered, which no user does
        np.save(folder / LABELS, _labels(job))
    except EndfaceError as exc:
        sys.exit(f"{exc}")
    (folder / ANSWER).write_text(json.dumps({"peak_mb": peak_mb, "inspections": answer}), encoding="utf-8")


def _inspect(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Inspect each picture, the first one once more before to warm up."""
    network = Path(job["network"])
    rows = []
    for path, profile in [job["pictures"][0], *job["pictures"]]:
        data = Path(path).read_bytes()
        started = time.perf_counter()
        report = offline.inspect(data, Options(profile, any_core=True), engine=job["engine"], network=network)
        spent_ms = (time.perf_counter() - started) * 1000
        rows.append({"verdict": report.verdict, "ms": spent_ms, "network_ms": report.timings_ms.get("segment")})
    return rows[1:]


def _labels(job: dict[str, Any]) -> NDArray[np.uint8]:
    network = load(job["engine"], Path(job["network"]))
    maps = []
    for path, profile in job["pictures"]:
        square, frame = preprocess(Path(path).read_bytes(), Options(profile, any_core=True))
        maps.append(np.zeros_like(square) if frame.problem else network.segment(square[None, None])[0][0])
    return np.stack(maps)


def _peak_mb() -> float | None:
    """Most memory that this process ever held, in 10^6 bytes; None where the system does not tell.

    ``getrusage`` would not do: it remembers the memory of the process that started this one.
    """
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    kib = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return round(kib[0] * 1024 / 1e6, 1) if kib else None


if __name__ == "__main__":
    main()
