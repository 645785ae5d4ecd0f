"""Trends of memory and open files in a soak: robust lines through the gauge's figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from benchmarks.common.origin import Json
from benchmarks.studies.line.series import slope
from benchmarks.studies.line.stations import KINDS

_WARM_S: Final = 30.0
"""What a repair replaced has ended by then (10 s)."""

_WARM_PICTURES: Final = 2000
"""After so many a process has grown to what it needs: clients did until a thousand."""

_LONG_PICTURES: Final = 3000
"""A stretch with fewer says nothing: shared memory grows by whole mebibytes."""

_SERVER: Final = ("server_mib", "shared_mib", "server_files")
_WHOLE_SHIFT: Final = tuple(f"{who}_{what}" for who in ("supervisor", *KINDS) for what in ("mib", "files"))

MOST_KIB: Final = 0.5
"""Memory that a picture may seem to leave behind, by the line: less than a hundredth of its file."""

MOST_FILES: Final = 3.0
"""Open files by which the line may rise in the stretch: connections come and go."""


@dataclass(frozen=True)
class Stretch:
    """A time in which the same processes worked, in seconds from the beginning of the shift."""

    began_s: float
    ended_s: float


@dataclass(frozen=True)
class Trend:
    """A robust line through one of the gauge's columns.

    Attributes:
        column: Which.
        began_s: Where the line begins, in seconds from the beginning of the shift.
        ended_s: Where it ends.
        median: Of the figures on the way.
        per_hour: Its slope.
        rise: From its beginning to its end.
        limit: The most that it may rise.
    """

    column: str
    began_s: float
    ended_s: float
    median: float
    per_hour: float
    rise: float
    limit: float

    @property
    def is_steady(self) -> bool:
        """Whether it rises no more than it may; it may always fall."""
        return self.rise <= self.limit

    def to_json(self) -> Json:
        """As a record keeps it."""
        return asdict(self) | {"is_steady": self.is_steady}


def lives(repairs: Sequence[tuple[float, float]], shift_s: float) -> list[Stretch]:
    """The times between repairs.

    Args:
        repairs: from the fault to the end of its repair, in seconds from the beginning of the shift, in order.
        shift_s: how long the shift was.
    """
    edges = [0.0, *(moment for repair in repairs for moment in repair), shift_s]
    return [Stretch(*pair) for pair in zip(edges[::2], edges[1::2], strict=True)]


def trends(
    samples: Mapping[str, Sequence[float]], stretches: Sequence[Stretch], images_per_s: float
) -> Iterator[Trend]:
    """Lines through the server's figures in each of its long lives, and through the others' in the whole shift.

    Args:
        samples: the gauge's, by column.
        stretches: the server's lives.
        images_per_s: pictures that were inspected in a second of the shift; not 0.
    """
    warm_s, long_s = max(_WARM_S, _WARM_PICTURES / images_per_s), _LONG_PICTURES / images_per_s
    whole = Stretch(0.0, stretches[-1].ended_s)
    wanted = [(column, life) for life in stretches for column in _SERVER] + [(each, whole) for each in _WHOLE_SHIFT]
    for column, stretch in wanted:
        began_s, ended_s = stretch.began_s + warm_s, stretch.ended_s
        points = [
            (at_s, value)
            for at_s, value in zip(samples["at_s"], samples[column], strict=True)
            if began_s <= at_s <= ended_s
        ]
        if ended_s - began_s >= long_s and len(points) > 1:
            yield _trend(column, points, images_per_s)


def _trend(column: str, points: Sequence[tuple[float, float]], images_per_s: float) -> Trend:
    times_s, values = zip(*points, strict=True)
    per_s, length_s = slope(times_s, values), times_s[-1] - times_s[0]
    limit = MOST_KIB / 1024 * images_per_s * length_s if column.endswith("mib") else MOST_FILES
    return Trend(
        column,
        times_s[0],
        times_s[-1],
        round(float(np.median(values)), 1),
        round(per_s * 3600, 2),
        round(per_s * length_s, 2),
        round(limit, 2),
    )
