"""A station in a process of its own: presents pictures in one arrangement after another, and keeps its own times."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common.limit import Work
from benchmarks.common.pictures import Picture
from benchmarks.studies.breakeven.arrangements import Arrangement, hops_model
from benchmarks.studies.breakeven.wire import SharedWire, Wire
from endface import contract
from endface.engines.onnx_network import Network
from endface.options import Options
from endface.stages import postprocess, preprocess

Labelled = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Label map and confidence, both (1, 512, 512)."""


@dataclass(frozen=True)
class Window:
    """When is counted, on the clock ``time.monotonic`` that all processes of a machine share.

    Attributes:
        begin_s: What begins before this runs uncounted.
        end_s: Nothing begins after this.
    """

    begin_s: float
    end_s: float


@dataclass
class Seen:
    """What a station saw while it counted.

    Attributes:
        times_ms: From the encoded picture until the station knows its verdict, by picture.
        network_ms: In between, the network: a call to the server, or its run in this process.
        wrong: Answers with another verdict than expected; they have no times.
        measured_s: How long it counted.
        processor_s: What this process used of the processor meanwhile.
        sent: Bytes of tensors sent through gRPC.
        received: Bytes of tensors that came through gRPC.
        shared: Bytes of tensors that went through shared memory.
    """

    times_ms: dict[str, list[float]] = field(default_factory=dict)
    network_ms: list[float] = field(default_factory=list)
    wrong: int = 0
    measured_s: float = 0.0
    processor_s: float = 0.0
    sent: int = 0
    received: int = 0
    shared: int = 0

    @property
    def answered(self) -> int:
        """Right answers."""
        return sum(map(len, self.times_ms.values()))


class Station:
    """A station with its connections, and a network of its own for when there is no server.

    Args:
        server: ``host:port`` of gRPC.
        pictures: by encoding, in the same order.
        work: the network, and the profile to judge by.
        number: which station; it begins at another picture than its neighbours.
    """

    def __init__(self, server: str, pictures: Mapping[str, Sequence[Picture]], work: Work, number: int) -> None:
        cv2.setNumThreads(1)  # as in the server's stages
        self._pictures = pictures
        self._first = number
        self._options = Options(work.profile)
        self._network = Network(work.network)
        square_bytes = int(np.prod(contract.SQUARE.dims))
        largest = max(len(picture.data) for each in pictures.values() for picture in each) + 4
        self._wires = {False: Wire(server), True: SharedWire(server, max(largest, square_bytes))}
        self._network_ms = 0.0

    def close(self) -> None:
        """Close the connections and take the shared memory back."""
        for wire in self._wires.values():
            wire.close()

    def present(self, arrangement: Arrangement, window: Window) -> Seen:
        """Present pictures in a closed loop until the window ends.

        Raises:
            BenchmarkError: the server did not answer.
        """
        pictures = self._pictures[arrangement.ending]

        def show(number: int) -> tuple[str, bool, float]:
            picture = pictures[(self._first + number) % len(pictures)]
            verdict, network_ms = self.inspect(picture.data, arrangement)
            return picture.name, verdict == picture.verdict, network_ms

        return _loop(self._wires[arrangement.shared], window, show)

    def hop(self, steps: int, size: int, window: Window) -> Seen:
        """Hand a tensor of bytes through steps that do nothing, over and over.

        Raises:
            BenchmarkError: the server did not answer.
        """
        values, wire = np.zeros(size, np.uint8), self._wires[False]

        def pass_on(_number: int) -> tuple[str, bool, float]:
            answer = wire.ask(hops_model(steps), {"IN": values}, ["OUT"])
            return "", answer["OUT"].size == size, 0.0

        return _loop(wire, window, pass_on)

    def inspect(self, data: bytes, arrangement: Arrangement) -> tuple[str, float]:
        """Judge one picture.

        Args:
            data: encoded as the arrangement wants it.
            arrangement: who does what.

        Returns:
            The verdict, and the milliseconds of the network, or of the call to the server that stands for it.

        Raises:
            BenchmarkError: the server did not answer.
        """
        wire = self._wires[arrangement.shared]
        if arrangement.asks_for == "report":
            given = {contract.IMAGE.name: np.array([[data]], np.object_)}
            started = time.perf_counter()
            answer = wire.ask(arrangement.model, given, [contract.REPORT.name], profile=self._options.profile)
            called_ms = _ms_since(started)
            return str(json.loads(answer[contract.REPORT.name].item())["verdict"]), called_ms
        square, frame = preprocess(data, self._options)
        started = time.perf_counter()
        labels, confidence = self._segment(square[np.newaxis, np.newaxis], arrangement, wire)
        called_ms = _ms_since(started)
        return postprocess(labels[0], confidence[0], frame, self._network.info).verdict, called_ms

    def _segment(self, squares: NDArray[np.uint8], arrangement: Arrangement, wire: Wire) -> Labelled:
        """Label map and confidence of a square, as bytes again whatever travelled."""
        if not arrangement.model:
            return self._network.segment(squares)
        given = squares.astype(arrangement.dtype, copy=False)
        names = [spec.name for spec in contract.SEGMENT.outputs]
        answer = wire.ask(arrangement.model, {contract.SQUARE.name: given}, names)
        labels, confidence = (answer[name].astype(np.uint8, copy=False) for name in names)
        return labels, confidence


def _loop(wire: Wire, window: Window, act: Callable[[int], tuple[str, bool, float]]) -> Seen:
    """Act again and again; what begins in the window counts, to its end.

    Args:
        wire: the connection whose bytes are counted.
        window: when is counted.
        act: takes a running number; gives a picture's name, whether its answer was right, and its network's ms.
    """
    seen, numbers = Seen(), count()
    while time.monotonic() < window.begin_s:
        act(next(numbers))
    before = (wire.sent, wire.received, wire.shared)
    began_s, used_s = time.monotonic(), time.process_time()
    while time.monotonic() < window.end_s:
        started = time.perf_counter()
        name, right, network_ms = act(next(numbers))
        if right:
            seen.times_ms.setdefault(name, []).append(_ms_since(started))
            seen.network_ms.append(network_ms)
        else:
            seen.wrong += 1
    seen.measured_s, seen.processor_s = time.monotonic() - began_s, time.process_time() - used_s
    after = (wire.sent, wire.received, wire.shared)
    seen.sent, seen.received, seen.shared = (now - then for now, then in zip(after, before, strict=True))
    return seen


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
