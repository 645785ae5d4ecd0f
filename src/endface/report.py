"""The report of one inspection, and its JSON.

Frozen values that mirror the JSON of schema ``endface.report/1`` one to one: a field's name here is the key there.
Pixels are the camera's own (x right, y down, pixel centers at whole numbers), micrometers are measured from the
fiber's center.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import orjson

from endface.comparison import Reinspection
from endface.json_reader import from_json_values

SCHEMA_VERSION: Final = "endface.report/1"

VerdictName = Literal["pass", "fail", "invalid"]
DefectType = Literal["scratch", "pit", "contamination", "chip"]
LimitKind = Literal["scratch", "defect"]
ScaleSource = Literal["cladding", "request"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Problem:
    """Why a picture could not be judged: a stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True)
class ImageInfo:
    """The picture as it came in; width and height are 0 where it could not be decoded."""

    name: str
    sha256: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Calibration:
    """Camera scale in x and y, and where it comes from."""

    um_per_px: Point
    source: ScaleSource


@dataclass(frozen=True)
class Ellipse:
    """Axis-aligned ellipse in camera pixels."""

    center_px: Point
    radii_px: Point


@dataclass(frozen=True)
class Fiber:
    """The fiber as found; ``core`` only where one is visible."""

    cladding: Ellipse
    core: Ellipse | None = None


@dataclass(frozen=True)
class FoundFiber:
    """One of several fibers in a picture.

    Attributes:
        number: which one, from 1 in reading order: row by row from above, each from left to right.
        center_px: of its cladding.
        radii_px: of its cladding.
        cut_off: whether the picture's border cuts through its cladding.
    """

    number: int
    center_px: Point
    radii_px: Point
    cut_off: bool


@dataclass(frozen=True)
class Scope:
    """The zones that the verdict is about, from inside out, and those of the profile that it says nothing about."""

    judged: tuple[str, ...]
    not_judged: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Which zones the verdict is about, in words; empty where it is about all of the profile's."""
        return f"zone{'s' if len(self.judged) > 1 else ''} {', '.join(self.judged)} only" if self.not_judged else ""


@dataclass(frozen=True)
class Criteria:
    """The profile that was applied, and how far its numbers can be trusted.

    ``status`` is ``own`` for every profile that is not a released one; ``sha256`` is that of the profile's text, empty
    in reports from before 0.2.0.
    """

    profile: str
    standard: str
    edition: str
    status: str
    source: str
    sha256: str = ""


@dataclass(frozen=True)
class LimitResult:
    """One row of the profile against what was found.

    The row is about scratches by their width, or about other defects by their size, from ``lower_um`` to ``upper_um``.

    Attributes:
        kind: what it counts.
        text: the row in words.
        allowed: how many it allows; None for "no limit".
        found: how many there are.
        margin_um: how far all sizes together could shift before this row's verdict flips: positive where it passes,
            negative where it fails, None where no shift changes it.
        verdict: whether the row allows what was found.
        lower_um: the smallest size; None only in a report of a server before 0.2, which says the bounds in ``text``.
        upper_um: the largest size; None for no upper bound.
        lower_closed: whether ``lower_um`` itself belongs to the row.
        upper_closed: whether ``upper_um`` itself belongs to the row.
    """

    kind: LimitKind
    text: str
    allowed: int | None
    found: int
    margin_um: float | None
    verdict: Literal["pass", "fail"]
    lower_um: float | None = None
    upper_um: float | None = None
    lower_closed: bool = False
    upper_closed: bool = False


@dataclass(frozen=True)
class ZoneResult:
    """One zone: bounds are diameters, ``coverage`` is the share that the camera saw."""

    name: str
    inner_um: float
    outer_um: float
    coverage: float
    verdict: VerdictName
    limits: tuple[LimitResult, ...] = ()


@dataclass(frozen=True)
class DefectPart:
    """One piece of a line that is joined from beads or dashes.

    ``zone``, ``zones``, ``center_um`` and both sizes mean what they mean in a ``Defect``.
    """

    center_um: Point
    size_um: float
    size_sigma_um: float
    zone: str
    zones: tuple[str, ...]


@dataclass(frozen=True)
class Defect:
    """One measured defect.

    ``zone`` is the innermost zone that it touches, ``zones`` all of them from inside out; outside every zone both
    are empty.  ``polygon_px`` is a list of rings of camera pixels.

    Attributes:
        size_sigma_um: one standard deviation of ``size_um``; 0 in a report of a server before 0.3.
        width_sigma_um: one standard deviation of ``width_um``; likewise.
        type_alternatives: other types that an expert could read; empty where ``type`` is beyond doubt.
        parts: the pieces of a joined line, along it; empty for a defect of one piece.
    """

    id: int
    type: DefectType
    zone: str
    zones: tuple[str, ...]
    confidence: float
    bbox_px: tuple[int, int, int, int]
    polygon_px: tuple[tuple[Point, ...], ...]
    center_um: Point
    size_um: float
    width_um: float
    length_um: float
    area_um2: float
    orientation_deg: float
    size_sigma_um: float = 0.0
    width_sigma_um: float = 0.0
    type_alternatives: tuple[DefectType, ...] = ()
    parts: tuple[DefectPart, ...] = ()


@dataclass(frozen=True)
class Quality:
    """How sharp and how quiet a picture is, on the square that the network sees.

    Attributes:
        blur_um: standard deviation of its blur (optics, camera and compression together), on the cladding's edge.
        noise_levels: standard deviation of its noise in gray levels, on the flattest parts of the fiber.
    """

    blur_um: float
    noise_levels: float


@dataclass(frozen=True)
class ModelInfo:
    """The network that drew the label map."""

    name: str
    version: str
    engine: str
    sha256: str


@dataclass(frozen=True)
class Report:
    """Everything that one inspection found, and the verdict.

    ``borderline_reasons`` say why the verdict could be the other one, ``notes`` what it does not cover, or was told to
    overlook; ``quality`` is None where the picture has no square.  In reports of a server before 0.3 both ``quality``
    and ``scope`` are None.  ``fibers`` are those of a picture that shows several, else it is empty; ``fiber_number`` is
    the one that was asked for.  ``reinspection`` is written by who keeps the record: no server knows the part's earlier
    picture.
    """

    verdict: VerdictName
    image: ImageInfo
    criteria: Criteria
    software: str
    borderline: bool = False
    reasons: tuple[str, ...] = ()
    error: Problem | None = None
    serial: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    calibration: Calibration | None = None
    fiber: Fiber | None = None
    zones: tuple[ZoneResult, ...] = ()
    defects: tuple[Defect, ...] = ()
    model: ModelInfo | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    borderline_reasons: tuple[str, ...] = ()
    quality: Quality | None = None
    scope: Scope | None = None
    notes: tuple[str, ...] = ()
    fibers: tuple[FoundFiber, ...] = ()
    fiber_number: int | None = None
    reinspection: Reinspection | None = None

    def __post_init__(self) -> None:
        """A report without a fiber, with an error or with a failed zone is never a pass.

        Raises:
            ValueError: if it claims to be one.
        """
        if self.verdict not in get_args(VerdictName):
            raise ValueError(f"there is no verdict {self.verdict!r}")
        if (self.verdict == "invalid") != (self.error is not None):
            raise ValueError("a report is invalid exactly when it names an error")
        if self.verdict != "invalid" and (self.fiber is None or not self.zones):
            raise ValueError("a verdict needs a fiber and its zones")
        if self.verdict == "pass" and any(zone.verdict != "pass" for zone in self.zones):
            raise ValueError("a face passes only if each of its zones does")

    @property
    def scope_text(self) -> str:
        """Which zones the verdict is about, in words; empty where it is about all of the profile's."""
        return self.scope.text if self.scope else ""

    def to_json(self) -> str:
        """The report as one line of JSON in the schema's order of keys.

        Raises:
            ValueError: a number is not finite, which JSON cannot hold.
        """
        if not math.isfinite(math.fsum(self._numbers())):  # orjson writes null for what is not finite
            raise ValueError("a report holds a number that is not finite")
        ordered = {"schema_version": SCHEMA_VERSION} | {key: getattr(self, key) for key in _KEYS}
        return orjson.dumps(ordered, default=_members, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()

    def _numbers(self) -> Iterator[float]:
        """What was measured, but for the many points of outlines."""
        yield from self.timings_ms.values()
        for zone in self.zones:
            yield zone.coverage
        for defect in self.defects:
            yield from (defect.confidence, defect.size_um, defect.width_um, defect.length_um, defect.area_um2)
            yield from (defect.size_sigma_um, defect.width_sigma_um, defect.orientation_deg, *defect.center_um)

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """Read a report back.

        Raises:
            ValueError: not JSON, another schema, or a key is missing.  Unknown keys are a newer server's, and ignored.
        """
        try:
            values = orjson.loads(text)
        except orjson.JSONDecodeError as exc:
            raise ValueError(f"not JSON: {exc}") from exc
        if not isinstance(values, dict) or values.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"not a report of schema {SCHEMA_VERSION}")
        if missing := {*_KEYS} - {*_ADDED} - {*values}:
            raise ValueError(f"a report of schema {SCHEMA_VERSION} without {', '.join(sorted(missing))}")
        try:
            return from_json_values(cls, values)
        except TypeError as exc:
            raise ValueError(f"a report of schema {SCHEMA_VERSION} with a missing or wrong field: {exc}") from exc


_KEYS: Final = (
    "verdict", "scope", "borderline", "borderline_reasons", "reasons", "notes", "error", "image", "serial", "meta",
    "quality", "calibration", "fiber", "fiber_number", "fibers", "criteria", "zones", "defects", "model", "software",
    "timings_ms",
    "reinspection",
)  # fmt: skip
_ADDED: Final = ("borderline_reasons", "quality", "scope", "notes", "fiber_number", "fibers", "reinspection")
"""Keys that a server before 0.3 does not write."""

_BOUNDS: Final = ("lower_um", "upper_um", "lower_closed", "upper_closed")


def _members(part: Any) -> dict[str, Any]:
    """A part's keys and values where they stand; ``asdict`` would copy each point of each polygon before."""
    values: dict[str, Any] = vars(part)
    if isinstance(part, LimitResult) and part.lower_um is None:  # a report from before 0.2 is written as it was
        return {key: value for key, value in values.items() if key not in _BOUNDS}
    return values
