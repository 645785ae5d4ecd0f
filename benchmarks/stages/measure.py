"""Every pure stage without a server, the limit, and a server against the limit in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.common.limit import CORES, Work, inspect_to_json, limit
from benchmarks.common.origin import Json
from benchmarks.common.overhead import one_client
from benchmarks.common.pictures import Picture
from benchmarks.common.target import LoadTarget, serving, warm_up
from benchmarks.common.turns import Turns, in_turns
from benchmarks.common.workers import Barrier, together
from endface.engines.onnx_network import Network
from endface.fiber.locate import locate
from endface.frame import Frame
from endface.offline import Inspector
from endface.options import Options
from endface.picture.decode import decode
from endface.stages import postprocess, preprocess

Times = dict[str, dict[str, list[float]]]
"""Milliseconds of processor time by picture size and stage."""


def measure(work: Work, *, rounds: int, seconds: float, turns: Turns) -> Json:
    """Time the stages, find the limit, and hold a server of our own against it.

    Returns:
        ``stages`` as ``stage_times`` says; ``limit``; ``turns`` of the server and the limit; and ``one_client``.
    """
    record = {"rounds": rounds, "stages": stage_times(work, rounds), "limit": limit(work, seconds=seconds)}
    with serving("", "", work.engine) as (server, metrics):
        warm_up(LoadTarget(server, metrics, work.profile, Path()), work)
        return record | {
            "turns": in_turns(server, metrics, work, turns),
            "one_client": one_client(server, work, seconds=turns.rounds * turns.seconds),
        }


def stage_times(work: Work, rounds: int, cores: int = CORES) -> Json:
    """Times by number of processes at once (one, and one a core), picture size and stage."""
    return {
        str(workers): _summary(together(workers, "processes", time_stages, work, rounds))
        for workers in sorted({1, cores})
    }


def time_stages(barrier: Barrier, work: Work, rounds: int) -> Times:
    """Processor time of every stage on every picture in this process, one thread each."""
    cv2.setNumThreads(1)
    loaded, options = Network(work.network), Options(work.profile)
    steps = [(picture.size, _steps(picture, loaded, options)) for picture in work.pictures]
    for _, stages in steps:
        for run in stages.values():
            run()
    barrier.wait()
    times: Times = {}
    for _ in range(rounds):
        for size, stages in steps:
            for stage, run in stages.items():
                started = time.thread_time()
                run()
                spent_ms = (time.thread_time() - started) * 1000
                times.setdefault(size, {}).setdefault(stage, []).append(spent_ms)
    return times


def _steps(picture: Picture, network: Network, options: Options) -> dict[str, Callable[[], object]]:
    """Each stage on one picture, with its input at hand; an indented one is part of the stage above it."""
    square, frame = preprocess(picture.data, options)
    labels, confidence = network.segment(square[np.newaxis, np.newaxis])
    report = postprocess(labels[0], confidence[0], frame, network.info)
    gray, text = decode(picture.data), frame.to_json()
    field = gray.field
    inside = gray.gray[field.y0 : field.y1, field.x0 : field.x1]
    return {
        "preprocess": partial(preprocess, picture.data, options),
        "  decode": partial(decode, picture.data),
        "  locate": partial(locate, inside),
        "frame to JSON and back": lambda: Frame.from_json(text).to_json(),
        "segment": partial(network.segment, square[np.newaxis, np.newaxis]),
        "postprocess": partial(postprocess, labels[0], confidence[0], frame, network.info),
        "report to JSON": report.to_json,
        "all": partial(inspect_to_json, [picture.data], Inspector.around(network, options)),
    }


def _summary(workers: Sequence[Times]) -> Json:
    """Median, and the tenth on either side, over the times of all workers."""
    return {
        size: {stage: _spread([ms for times in workers for ms in times[size][stage]]) for stage in stages}
        for size, stages in workers[0].items()
    }


def _spread(times_ms: Sequence[float]) -> Json:
    low, median, high = np.percentile(times_ms, (10, 50, 90))
    return {"median_ms": round(median, 3), "p10_ms": round(low, 3), "p90_ms": round(high, 3), "count": len(times_ms)}
