"""Every engine that runs without a server, on the same pictures: agreement with the network in float, time, memory.

Each engine inspects in a process of its own (``probe``), so that its memory is its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from benchmarks.studies.engines.probe import ANSWER, JOB, LABELS
from endface.engines.catalog import OFFLINE, ONNXRUNTIME, network_file
from endface.errors import ConfigurationError, EngineError
from endface.files import sha256_of
from endface_build.data.drawn_pictures import DrawnFaces, fiber_of
from endface_build.evaluation.agreement import Seen, agreement
from endface_build.evaluation.golden import Golden
from endface_build.evaluation.metrics import Json
from endface_build.export.quantize import source_of
from endface_build.manifest import MODEL_FILE, read_manifest, write_manifest
from endface_build.provenance import machine, provenance

PACKAGES: Final = ("endface", "numpy", "opencv-python-headless", "onnxruntime", "ai-edge-litert")
PROFILES: Final = ("mm-pc", "sm-apc")
"""Drawn faces are multimode and single-mode in equal numbers."""

FLOAT: Final = "fp32"

Pictures = Mapping[str, Sequence[Golden]]
"""The pictures by set, which are compared separately."""


@dataclass(frozen=True)
class Contender:
    """An engine and the file that it runs."""

    engine: str
    path: Path
    precision: str


@dataclass(frozen=True)
class Run:
    """What an engine's process answered.

    Attributes:
        seen: What it says of each picture, by name.
        ms: Median time of an inspection.
        network_ms: The network's part of it.
        peak_mb: Most memory that the process held, in 10^6 bytes.
    """

    seen: Mapping[str, Seen]
    ms: float
    network_ms: float
    peak_mb: float | None


def measure(model: Path, pictures: Pictures, progress: Callable[[int], None] | None = None) -> Json:
    """Measure every engine that can run here; one that cannot is kept with the reason.

    Args:
        model: Folder of a version of the network.
        pictures: Each of another name.
        progress: Called after each engine with the number done.

    Returns:
        The record.

    Raises:
        ConfigurationError: The network in float is missing or broken, or two pictures have one name.
    """
    names = Counter(picture.name for each in pictures.values() for picture in each)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ConfigurationError(f"Several pictures are called {', '.join(twice)}: rename them, or leave a folder out.")
    manifest = read_manifest(model)
    record: Json = {"machine": machine(), "versions": _versions(), **provenance()}
    record["network"] = {"version": manifest["version"], "sha256": manifest["sha256"]}
    record["pictures"] = {name: len(each) for name, each in pictures.items()}
    record |= {"engines": [], "skipped": []}
    with TemporaryDirectory() as aside:
        reference = _in_float(model, manifest, Path(aside))
        wanted = probe(reference, pictures)
        record["engines"].append(_row(reference, wanted, wanted, pictures))
        for done, engine in enumerate(OFFLINE, start=1):
            try:
                contender = _contender(model, manifest, engine)
                if sha256_of(contender.path) != sha256_of(reference.path):
                    record["engines"].append(_row(contender, wanted, probe(contender, pictures), pictures))
            except (ConfigurationError, EngineError) as exc:
                record["skipped"].append({"engine": engine, "reason": str(exc)})
            if progress is not None:
                progress(done)
    return record


def drawn_faces(count: int) -> list[Golden]:
    """Drawn faces that training never uses, with the limits for their kind.

    Args:
        count: How many in all.
    """
    each = -(-count // len(PROFILES))
    faces = [(profile, face) for profile in PROFILES for face in DrawnFaces(fiber_of(profile), each)]
    return [Golden(face.name, face.data, profile) for profile, face in faces[:count]]


def probe(contender: Contender, pictures: Pictures) -> Run:
    """Let an engine inspect all pictures in a process of its own.

    Raises:
        EngineError: It cannot run here; the sentence is that of its process.
    """
    everything = [picture for each in pictures.values() for picture in each]
    with TemporaryDirectory() as name:
        folder = Path(name)
        paths = [folder / f"{number:04}" for number in range(len(everything))]
        for path, picture in zip(paths, everything, strict=True):
            path.write_bytes(picture.data)
        files = [(str(path), picture.profile) for path, picture in zip(paths, everything, strict=True)]
        job = {"engine": contender.engine, "network": str(contender.path.resolve()), "pictures": files}
        (folder / JOB).write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.studies.engines.probe", str(folder)]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        if process.returncode != 0:
            raise EngineError(f"{contender.engine} did not run: {process.stderr.strip()}")
        answer = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
        labels = np.load(folder / LABELS)
    rows = answer["inspections"]
    seen = {
        picture.name: Seen(row["verdict"], None if row["network_ms"] is None else each)
        for picture, row, each in zip(everything, rows, labels, strict=True)
    }
    judged = [row for row in rows if row["network_ms"] is not None]
    return Run(
        seen, median(row["ms"] for row in judged), median(row["network_ms"] for row in judged), answer["peak_mb"]
    )


def _contender(model: Path, manifest: Json, engine: str) -> Contender:
    """An engine with its file of a version."""
    path = network_file(model, engine)
    own = manifest if engine == ONNXRUNTIME else read_manifest(path.parent)
    return Contender(engine, path, own.get("precision", FLOAT))


def _in_float(model: Path, manifest: Json, aside: Path) -> Contender:
    """The network in float in ONNX Runtime, with a manifest of its own, for that of the version may be another's."""
    path = aside / MODEL_FILE
    shutil.copyfile(source_of(model, manifest), path)
    identity = {key: manifest[key] for key in ("name", "version")}
    write_manifest(aside, {**identity, "file": path.name, "sha256": sha256_of(path)})
    return Contender(ONNXRUNTIME, path, FLOAT)


def _row(contender: Contender, wanted: Run, found: Run, pictures: Pictures) -> Json:
    """One engine's figures, its agreement by set of pictures."""
    agreements = {}
    for name, each in pictures.items():
        chosen = {picture.name: wanted.seen[picture.name] for picture in each}
        agreements[name] = agreement(chosen, found.seen).to_json()
    return {
        "engine": contender.engine,
        "precision": contender.precision,
        "bytes": contender.path.stat().st_size,
        "sha256": sha256_of(contender.path),
        "agreement": agreements,
        "ms": round(found.ms, 1),
        "network_ms": round(found.network_ms, 1),
        "peak_mb": found.peak_mb,
    }


def _versions() -> dict[str, str]:
    """Versions of the packages that are installed."""
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
