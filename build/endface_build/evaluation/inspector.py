"""Inspectors to evaluate: the network of a file, and the classical baseline."""

from __future__ import annotations

from pathlib import Path

from endface.engines.onnx_network import Network
from endface.offline import Inspector
from endface.options import Options
from endface_build.evaluation.baseline import segment as classical


def with_network(model: Path, options: Options, *, threads: int = 1) -> Inspector:
    """An inspector with the network of a file.

    Args:
        model: The ``.onnx`` file beside its manifest.
        options: Profile and cladding.
        threads: Cores it may use.

    Raises:
        ConfigurationError: The file is missing or broken.
    """
    return Inspector.around(Network(model, threads=threads), options)


def with_baseline(options: Options) -> Inspector:
    """An inspector with the classical baseline."""
    return Inspector(classical, options)
