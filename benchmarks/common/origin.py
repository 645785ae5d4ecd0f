"""Head of a record: machine, versions, commit, network, load average; and the folders of records and page."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from endface.engines.catalog import ONNXRUNTIME
from endface.engines.load import default_folder
from endface.engines.manifest import MODEL_FILE, identify
from endface_build.provenance import machine, provenance

Json = dict[str, Any]

ROOT: Final = Path(__file__).parents[2]
"""The checkout: Locust is started here, and the records lie in it."""

RESULTS: Final = ROOT / "benchmarks" / "results"
PAGE: Final = ROOT / "benchmarks" / "RESULTS.md"

PACKAGES: Final = (
    "endface",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "onnxruntime",
    "nvidia-pytriton",
    "tritonclient",
    "grpcio",
    "locust",
    "ai-edge-litert",
)
_LOAD_AVERAGE: Final = round(os.getloadavg()[0], 2)
"""Of the minute before this process began: later it would be our own doing."""

_MEASURED: Final = ("src", "client", "build", "model_repository", ":(glob)benchmarks/**/*.py")


def network_file() -> Path:
    """The newest network of the repository that is served by default."""
    return default_folder() / MODEL_FILE


def origin() -> Json:
    """The head of a record that is about to be measured."""
    network, versions = identify(network_file().parent, ONNXRUNTIME), {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return {
        "machine": machine(),
        "versions": versions,
        **provenance(ROOT, *_MEASURED),
        "network": {"version": network.version, "sha256": network.sha256, "engine": network.engine},
        "load_average": _LOAD_AVERAGE,
    }


def origin_text(record: Json) -> str:
    """The head of a record in words, as a paragraph in Markdown."""
    machine, network = record["machine"], record["network"]
    changed = " with local changes" if record["commit"].endswith("-dirty") else ""
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    return f"""\
Measured on {record["created"][:10]} at commit `{record["commit"][:12]}`{changed} with the network
`{network["sha256"][:12]}`, version {network["version"]}, on {machine["cpu"]}, {machine["cores"]} cores
({machine["system"]}, Python {machine["python"]}; {versions}). Load average before: {record["load_average"]:g}.
"""
