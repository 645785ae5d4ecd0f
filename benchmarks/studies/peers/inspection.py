"""What every peer does with pictures: the stages and the network that endface's own server runs.

It is imported in a peer's environment, which holds endface and the peer alone; so is ``arguments``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2

from endface.engines.onnx_network import Network
from endface.offline import Inspector
from endface.options import Options

MAX_BATCH: Final = 8
"""Pictures that go through the network together at most: as in ``model_repository/segment/config.pbtxt``."""


class Inspection:
    """The inspection in one worker, one thread: workers are as many as cores.

    Args:
        network: the ONNX file, its manifest beside it.
        profile: the limits to judge by.

    Raises:
        ConfigurationError: the network is missing or broken.
    """

    def __init__(self, network: Path, profile: str) -> None:
        cv2.setNumThreads(1)
        self._inspector = Inspector.around(Network(network, threads=1), Options(profile))

    def inspect(self, pictures: Sequence[bytes]) -> list[str]:
        """Judge encoded pictures, all of them in one run of the network.

        Args:
            pictures: the encoded pictures, at least one.

        Returns:
            The report of each as JSON.

        Raises:
            RequestError: a picture is empty or oversized, or the profile does not exist.
        """
        return [report.to_json() for report in self._inspector.batch(pictures)]
