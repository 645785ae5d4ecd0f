"""Which file an engine runs, in the folder of a version of the network.

    1/model.onnx           what Triton serves; ONNX Runtime
    1/opencv/model.onnx    its convolutions alone; OpenCV
    1/litert/model.tflite  its convolutions in eight bits; LiteRT

Each lies beside its ``manifest.json``.  Those of OpenCV and LiteRT are made from the version's network in float, and
say from which, so that they are not taken for another one's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from endface.engines.onnx_network import MANIFEST, ONNXRUNTIME
from endface.errors import ConfigurationError

OPENCV: Final = "opencv"
"""Name of the engine that is OpenCV's own module for networks."""

LITERT: Final = "litert"
"""Name of the engine for inspection hardware with little memory."""

FILES: Final[Mapping[str, str]] = {
    ONNXRUNTIME: "model.onnx",
    OPENCV: "opencv/model.onnx",
    LITERT: "litert/model.tflite",
}
"""An engine's file in the folder of a version."""

FORMATS: Final[Mapping[str, str]] = {OPENCV: "opencv", LITERT: "tflite"}
"""What ``endface-build export --format`` calls them."""

MADE_FROM: Final = "from_sha256"
"""Key of a variant's manifest: SHA-256 of the network in float that it was made from."""


def find(version: Path, engine: str) -> Path:
    """The file that an engine runs.

    Args:
        version: folder of a version of the network.
        engine: one of ``FILES``.

    Raises:
        ConfigurationError: there is none for this engine, it was made from another network, or a manifest cannot be
            read.
    """
    path = version / FILES[engine]
    if engine == ONNXRUNTIME:
        return path
    making = f"make it with `endface-build export --format {FORMATS[engine]} --model {version}`"
    if not path.is_file():
        raise ConfigurationError(f"there is no {path}, which the engine {engine} runs; {making}")
    if _read(path.parent).get(MADE_FROM) != float_sha256(_read(version)):
        raise ConfigurationError(f"{path} was made from another network than the one in {version}; {making}")
    return path


def float_sha256(manifest: Mapping[str, Any]) -> str | None:
    """SHA-256 of the network in float that a version's network is, or was quantised from."""
    quantization = manifest.get("quantization")
    sha256: str | None = quantization.get("from_sha256") if quantization else manifest.get("sha256")
    return sha256


def _read(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"the manifest {path} cannot be read ({exc}); export the network anew") from exc
    if not isinstance(values, dict):
        raise ConfigurationError(f"the manifest {path} is no JSON object; export the network anew")
    return values
