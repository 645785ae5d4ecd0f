"""The results of ``preprocess`` that ``postprocess`` needs; they travel around the network as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from endface.json_reader import from_json_values
from endface.picture.picture import Rect
from endface.report import Calibration, Ellipse, Fiber, FoundFiber, ImageInfo, Point, Problem, Quality


@dataclass(frozen=True)
class Structure:
    """Large structure on the fiber that the fiber itself does not explain.

    Attributes:
        center_um: of the smallest circle around its edges, from the fiber's center.
        size_um: its own diameter; its edges reach farther.
        area_um2: area of its edges.
        points_um: points spread over its edges.
    """

    center_um: Point
    size_um: float
    area_um2: float
    points_um: tuple[Point, ...]


@dataclass(frozen=True)
class Frame:
    """Results of ``preprocess`` for ``postprocess``.

    Attributes:
        profile: name of the profile to judge by.
        image: the picture, its size 0 while it is not decoded.
        serial: echoed.
        meta: echoed.
        problem: why the picture cannot be judged; None where it can.
        calibration: camera scale, where a fiber was found.
        fiber: the fiber, where one was found.
        fibers: all fibers of a picture that shows several.
        fiber_number: the one that the request names; None where it names none.
        seen_px: the part of the picture inside the camera's black frame.
        seen_circle: the round field of view in it, where there is one.
        coverage: share of each zone that the camera saw.
        quality: blur and noise, where there is a square.
        timings_ms: time spent so far.
        taken_ms: when the server took its request up, by the machine's monotonic clock; None where it is not known.
        zones: names of the zones that the request confines the judgment to; empty for all of the profile's.
        screened: whether the picture is too coarse to pass, and is only screened for large defects.
        notes: what the verdict was told to overlook.
        profile_sha256: SHA-256 of the profile's text as ``preprocess`` read it; empty where it was not read.
        structures: what on the fiber a mark must explain.
    """

    profile: str
    image: ImageInfo
    serial: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    problem: Problem | None = None
    calibration: Calibration | None = None
    fiber: Fiber | None = None
    fibers: tuple[FoundFiber, ...] = ()
    fiber_number: int | None = None
    seen_px: Rect | None = None
    seen_circle: Ellipse | None = None
    coverage: Mapping[str, float] = field(default_factory=dict)
    quality: Quality | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    taken_ms: float | None = None
    zones: tuple[str, ...] = ()
    screened: bool = False
    notes: tuple[str, ...] = ()
    profile_sha256: str = ""
    structures: tuple[Structure, ...] = ()

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(vars(self), default=vars, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Frame:
        """Read what ``to_json`` wrote."""
        return from_json_values(cls, json.loads(text))
