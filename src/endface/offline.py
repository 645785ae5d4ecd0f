"""Inspection in this process, without a server: the same stages around a network in one of several engines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from endface.connector import ConnectorReport, Question, inspect_fibers
from endface.engines.catalog import ONNXRUNTIME
from endface.engines.load import Segmenter, load
from endface.engines.onnx_network import SegmentSquares
from endface.frame import Frame
from endface.options import Options
from endface.report import ModelInfo, Report
from endface.stages import postprocess, preprocess


@dataclass(frozen=True)
class Inspector:
    """Inspection of encoded pictures in this process, as a server would do it.

    Attributes:
        segment: the network, or any other function from squares to labels.
        options: profile, scale, and what every report echoes.
        info: which network it is; None for a function that is none.
    """

    segment: SegmentSquares
    options: Options
    info: ModelInfo | None = None

    @classmethod
    def around(cls, network: Segmenter, options: Options) -> Inspector:
        """An inspector with a network."""
        return cls(network.segment, options, network.info)

    def __call__(self, data: bytes, name: str | None = None) -> Report:
        """Inspect one picture.

        Args:
            data: the encoded picture.
            name: the picture's name in the report; None for the one in the options.

        Raises:
            RequestError: the picture is empty or oversized, or the profile does not exist.
        """
        options = self.options if name is None else replace(self.options, name=name)
        return self._reports([preprocess(data, options)])[0]

    def batch(self, pictures: Sequence[bytes]) -> list[Report]:
        """Inspect pictures together: the network runs once, over those that can be judged.

        Args:
            pictures: the encoded pictures.

        Returns:
            A report for each, in order.

        Raises:
            RequestError: a picture is empty or oversized, or the profile does not exist.
        """
        return self._reports([preprocess(data, self.options) for data in pictures])

    def inspect_connector(
        self, pictures: bytes | Sequence[bytes], names: Sequence[str] = (), *, fiber_count: int | None = None
    ) -> ConnectorReport:
        """Inspect every fiber of a connector.

        Args:
            pictures: an encoded picture of all fibers, or one of each.
            names: the pictures' names in the reports; empty for the one in the options.
            fiber_count: how many fibers the connector has: it is invalid where another number is found.

        Raises:
            RequestError: a picture is empty or oversized, or the profile does not exist.
            ValueError: there is no picture.
        """
        encoded = [pictures] if isinstance(pictures, bytes) else list(pictures)

        def ask(questions: Sequence[Question]) -> list[Report]:
            return self._reports([preprocess(encoded[each.picture], options(each)) for each in questions])

        def options(question: Question) -> Options:
            name = names[question.picture] if names else self.options.name
            return replace(self.options, fiber=question.fiber, name=name)

        return inspect_fibers(len(encoded), ask, fiber_count)

    def _reports(self, prepared: Sequence[tuple[NDArray[np.uint8], Frame]]) -> list[Report]:
        """Reports of prepared pictures; one with a problem does not pass through the network."""
        squares = [square[np.newaxis] for square, frame in prepared if frame.problem is None]
        started = time.perf_counter()
        maps = iter(zip(*self.segment(np.stack(squares)), strict=True) if squares else ())
        spent_ms = round((time.perf_counter() - started) * 1000, 3)
        reports = []
        for square, frame in prepared:
            if frame.problem is None:
                judged = replace(frame, timings_ms={**frame.timings_ms, "segment": spent_ms})
                found = (*next(maps), judged)
            else:
                found = (np.zeros_like(square), np.zeros_like(square), frame)
            reports.append(postprocess(*found, self.info, profiles=self.options.profiles))
        return reports


def inspect(data: bytes, options: Options, *, engine: str = ONNXRUNTIME, network: Path | None = None) -> Report:
    """Inspect one picture as a server would.

    A network is loaded at its first picture and kept.  Threads may call this at the same time.

    Args:
        data: the encoded picture.
        options: profile, scale, and what the report echoes.
        engine: one of ``engines.catalog.OFFLINE``.
        network: the engine's network file, its manifest beside it; None for the newest in the model repository.

    Raises:
        RequestError: the picture is empty or oversized, or the profile does not exist.
        EngineError: there is no such engine, or its package is not installed.
        ConfigurationError: the network is missing or broken.
        RepositoryError: no network is given, and no repository is known.
    """
    return Inspector.around(load(engine, network), options)(data)
