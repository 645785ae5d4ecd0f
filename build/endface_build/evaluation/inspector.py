"""Inspectors to evaluate: the network of a file, and the classical baseline."""

from __future__ import annotations

from pathlib import Path

from endface.engines.onnx_network import Network
from endface.offline import Inspector
from endface.options import Options
from endface_build.evaluation.baseline import segment as classical
from endface_build.evaluation.evaluate_pictures import Inspect


def with_network(model: Path, options: Options) -> Inspector:
    """An inspector with the network of a file, on one core.

    Args:
        model: The ``.onnx`` file beside its manifest.
        options: Profile and cladding.

    Raises:
        ConfigurationError: The file is missing or broken.
    """
    return Inspector.around(Network(model, threads=1), options)


def with_baseline(options: Options) -> Inspector:
    """An inspector with the classical baseline."""
    return Inspector(classical, options)


def of_labelled(inspector: Inspector) -> Inspect:
    """The same inspection, of labelled pictures."""
    return lambda labelled: inspector(labelled.data, labelled.name)
