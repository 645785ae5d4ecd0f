"""Stages as Triton's Python models: the only code that knows how Triton hands over tensors and errors.

Triton gives a Python model a list of requests, each a batch of its own, and wants one response for each.  A request
that fails is answered by itself and never harms its neighbors: an ``EndfaceError`` travels as ``code: sentence``
under its own status, anything else as INTERNAL with the traceback in the server's log.  ``pb_utils`` exists only
inside Triton's stub process, so it comes as an argument.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface import contract, environment, stages
from endface.backend.busy_marker import BusyMarker
from endface.backend.served_version import ServedVersion
from endface.backend.warmup import warm_up
from endface.engines import catalog, onnx_network, plan, tensorrt_network
from endface.errors import (
    EmptyImageError,
    EndfaceError,
    EngineError,
    NoSuchFiberError,
    OversizedImageError,
    RequestError,
)
from endface.frame import Frame
from endface.options import Options
from endface.telemetry.observer import Observer, WatchedRequest

_INTERNAL: Final = "internal: the server could not answer this request; its log says why"

Arguments = dict[str, str]
"""What Triton passes to ``initialize``: the model's folder under ``model_repository``, its version, and more."""


class Preprocess:
    """Model ``preprocess``: encoded pictures to squares and frames."""

    def __init__(self, pb_utils: Any, arguments: Arguments) -> None:
        cv2.setNumThreads(1)  # one core a stage: the cores are shared out by instance counts
        self._pb_utils = pb_utils
        self._profile = os.environ.get(environment.PROFILE, "")
        self._profiles = environment.profiles_folder()
        self._defaults = environment.request_defaults()
        if self._profile:
            Options.from_parameters(self._defaults, self._profile, self._profiles)  # a wrong default never gets ready
        warm_up(Path(arguments["model_repository"]))
        self._busy = BusyMarker()
        self._observer = Observer(pb_utils, contract.PREPROCESS.name)
        self._observer.expect_requests()

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer each request with SQUARE and FRAME."""
        with self._busy:
            return [_answered(self._pb_utils, self._observer, request, self._answer) for request in requests]

    def close(self) -> None:
        """Triton unloads the model."""
        self._observer.close()

    def _answer(self, watched: WatchedRequest) -> list[Any]:
        taken_ms = time.monotonic() * 1000
        self._observer.count_probe(watched)
        # A probe names a profile of its own, which need not have the zones of the default.
        defaults = {} if contract.is_probe(watched.parameters) else self._defaults
        options = Options.from_parameters({**defaults, **watched.parameters}, self._profile, self._profiles)
        pictures = [bytes(value) for value in _values(self._pb_utils, watched.request, contract.IMAGE).ravel()]
        prepared = _prepare(pictures, options)
        squares = np.stack([square for square, _ in prepared])[:, np.newaxis]
        texts = [replace(frame, taken_ms=taken_ms).to_json().encode() for _, frame in prepared]
        frames = np.array(texts, dtype=np.object_).reshape(-1, 1)
        return _tensors(self._pb_utils, (contract.SQUARE, squares), (contract.FRAME, frames))


class Segment:
    """Model ``segment`` in an engine that Triton does not have itself: squares to label maps."""

    def __init__(self, pb_utils: Any, arguments: Arguments) -> None:
        self._pb_utils = pb_utils
        version = Path(arguments["model_repository"]) / arguments["model_version"]
        self._network: onnx_network.Network | tensorrt_network.GpuNetwork
        if _engine(arguments) == "tensorrt_rtx":
            device = int(arguments["model_instance_device_id"])
            self._network = tensorrt_network.GpuNetwork(version / plan.PLAN_FILE, "tensorrt_rtx", device=device)
        else:
            self._network = onnx_network.Network(version / "model.onnx", threads=1)
        warm_up = json.loads(arguments["model_config"]).get("model_warmup", [])
        self._unwarmed = sum(each["batch_size"] for each in warm_up)  # squares that nobody asked for
        self._busy = BusyMarker()
        self._observer = Observer(pb_utils, contract.SEGMENT.name)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer each request with LABELS and CONFIDENCE; the network runs once over all squares."""
        with self._busy:
            return self._answer_all(requests)

    def close(self) -> None:
        """Triton unloads the model."""
        self._observer.close()

    def _answer_all(self, requests: Sequence[Any]) -> list[Any]:
        warms_up = self._unwarmed > 0  # Triton warms up before anybody asks
        try:
            with contextlib.ExitStack() as watches:  # each has to wait for all
                for request in () if warms_up else requests:
                    watches.enter_context(self._observer.watch(request))
                squares = [_values(self._pb_utils, request, contract.SQUARE) for request in requests]
                labels, confidence = self._network.segment(np.concatenate(squares))
        except Exception as exc:
            return [_failed(self._pb_utils, exc) for _ in requests]
        if warms_up:
            self._unwarmed -= len(labels)
        ends = np.cumsum([len(square) for square in squares])[:-1]
        return [
            self._pb_utils.InferenceResponse(
                _tensors(self._pb_utils, (contract.LABELS, own_labels), (contract.CONFIDENCE, own_confidence))
            )
            for own_labels, own_confidence in zip(np.split(labels, ends), np.split(confidence, ends), strict=True)
        ]


class Postprocess:
    """Model ``postprocess``: label maps and frames to reports."""

    def __init__(self, pb_utils: Any, arguments: Arguments) -> None:
        cv2.setNumThreads(1)
        self._pb_utils = pb_utils
        self._profiles = environment.profiles_folder()
        engine = catalog.named(_engine_of_server())
        segment = Path(arguments["model_repository"]).parent / contract.SEGMENT.name
        self._served = ServedVersion(segment, engine, self._is_loaded)  # a report must be able to name its network
        warm_up(Path(arguments["model_repository"]))
        self._busy = BusyMarker()
        self._observer = Observer(pb_utils, contract.POSTPROCESS.name)
        self._observer.expect_reports(self._profiles)
        self._observer.set_network(self._served.info())

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer each request with REPORT."""
        with self._busy:
            return [_answered(self._pb_utils, self._observer, request, self._answer) for request in requests]

    def close(self) -> None:
        """Triton unloads the model."""
        self._observer.close()

    def _is_loaded(self, version: int) -> bool:
        return bool(self._pb_utils.is_model_ready(model_name=contract.SEGMENT.name, model_version=str(version)))

    def _answer(self, watched: WatchedRequest) -> list[Any]:
        request = watched.request
        labels = _values(self._pb_utils, request, contract.LABELS)
        confidence = _values(self._pb_utils, request, contract.CONFIDENCE)
        texts = _values(self._pb_utils, request, contract.FRAME).ravel()
        frames = [Frame.from_json(text.decode()) for text in texts]
        model = self._served.info()
        self._observer.set_network(model)
        reports = [
            stages.postprocess(*item, model, profiles=self._profiles)
            for item in zip(labels, confidence, frames, strict=True)
        ]
        self._observer.count_reports(watched, reports, frames[0].taken_ms if frames else None)
        answers = np.array([[report.to_json().encode()] for report in reports], dtype=np.object_)
        return _tensors(self._pb_utils, (contract.REPORT, answers))


def _engine_of_server() -> str:
    """The engine that reports name."""
    return os.environ.get(environment.ENGINE) or catalog.ONNXRUNTIME


def _engine(arguments: Arguments) -> str:
    """The engine that the model's configuration asks for, which must be the one that reports name.

    Raises:
        EngineError: it is not.
    """
    configured = str(json.loads(arguments["model_config"])["parameters"]["engine"]["string_value"])
    named = _engine_of_server()
    if configured != named:
        raise EngineError(
            f"Triton was started with the configuration of the engine {configured!r}, but {environment.ENGINE} says "
            f"{named!r}; start it with `endface serve --engine`, which sets both"
        )
    return configured


def _values(pb_utils: Any, request: Any, spec: contract.TensorSpec) -> NDArray[Any]:
    values: NDArray[Any] = pb_utils.get_input_tensor_by_name(request, spec.name).as_numpy()
    return values


def _tensors(pb_utils: Any, *outputs: tuple[contract.TensorSpec, NDArray[Any]]) -> list[Any]:
    return [pb_utils.Tensor(spec.name, values) for spec, values in outputs]


def _prepare(pictures: list[bytes], options: Options) -> list[tuple[NDArray[np.uint8], Frame]]:
    """Preprocess the pictures of one request; a malformed one among good ones becomes an ``invalid`` report.

    Raises:
        RequestError: no picture of the request is well-formed.
    """
    prepared, refusals = [], []
    for data in pictures:
        try:
            prepared.append(stages.preprocess(data, options))
        except (EmptyImageError, OversizedImageError, NoSuchFiberError) as exc:
            refusals.append(exc)
            prepared.append(stages.refuse(data, options, exc))
    if len(refusals) == len(pictures):
        raise refusals[0]
    return prepared


def _answered(pb_utils: Any, observer: Observer, request: Any, answer: Callable[[WatchedRequest], list[Any]]) -> Any:
    """One request's response: its tensors, or its own error."""
    try:
        with observer.watch(request) as watched:
            return pb_utils.InferenceResponse(answer(watched))
    except RequestError as exc:
        return _refused(pb_utils, f"{exc.code}: {exc}", exc.status)
    except Exception as exc:
        return _failed(pb_utils, exc)


def _failed(pb_utils: Any, error: Exception) -> Any:
    """The response to an error that is not the request's fault."""
    pb_utils.Logger.log_error("".join(traceback.format_exception(error)))
    return _refused(pb_utils, _INTERNAL, EndfaceError.status)


def _refused(pb_utils: Any, message: str, status: str) -> Any:
    error = pb_utils.TritonError(message, getattr(pb_utils.TritonError, status))
    return pb_utils.InferenceResponse(error=error)
