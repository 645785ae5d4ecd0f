"""Ledger of a line: the outcome of every part, in total, second by second, and from a fault on."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Final

import numpy as np

from benchmarks.common.origin import Json
from benchmarks.studies.line.series import joined
from benchmarks.studies.line.stations import CROSSED, LOST, RIGHT, Row

_EXAMPLES: Final = 20
"""So many of the parts that went wrong are kept in words."""


class Ledger:
    """All rows of a shift of ``parts`` parts that began at ``since_s``, by ``time.monotonic``."""

    def __init__(self, parts: int, since_s: float) -> None:
        self.parts = parts
        self._since_s = since_s
        self._rows: list[Row] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Row) -> None:
        """Enter a row."""
        self._rows.append(row)

    def figures(self) -> Json:
        """Totals.

        Returns:
            ``lost`` counts parts without a report, those without any row among them; ``twice`` those with more than
            one; ``repeated`` those that the client had to send again.
        """
        outcomes = Counter(row.outcome for row in self._rows)
        rows_of = Counter(row.number for row in self._rows)
        spent_ms = [(row.ended_s - row.began_s) * 1000 for row in self._rows]
        p50, p99 = np.percentile(spent_ms, (50, 99)).round(1).tolist() if spent_ms else (None, None)
        seconds = max((row.ended_s for row in self._rows), default=self._since_s) - self._since_s
        return {
            "parts": self.parts,
            "seconds": round(seconds, 1),
            "images_per_s": round(outcomes[RIGHT] / seconds, 2) if seconds else 0.0,
            "right": outcomes[RIGHT],
            "lost": outcomes[LOST] + self.parts - len(rows_of),
            "crossed": outcomes[CROSSED],
            "twice": sum(count > 1 for count in rows_of.values()),
            "repeated": sum(row.attempts > 1 for row in self._rows),
            "most_attempts": max((row.attempts for row in self._rows), default=0),
            "p50_ms": p50,
            "p99_ms": p99,
            "slowest_ms": round(max(spent_ms, default=0.0), 1),
            "examples": [f"{row.number}: {row.what}" for row in self._rows if row.outcome != RIGHT][:_EXAMPLES],
        }

    def since(self, since_s: float) -> Json:
        """What the line noticed from a moment on: parts lost and sent again, the slowest, the longest silence."""
        rows = [row for row in self._rows if row.ended_s >= since_s]
        ends_s = sorted(row.ended_s for row in rows if row.outcome != LOST)
        silences_s = [after - before for before, after in pairwise([since_s, *ends_s])]
        return {
            "calls": len(rows),
            "repeated": sum(row.attempts > 1 for row in rows),
            "lost": sum(row.outcome == LOST for row in rows),
            "wrong_verdicts": sum(row.outcome == CROSSED for row in rows),
            "slowest_ms": round(max((row.ended_s - row.began_s for row in rows), default=0) * 1000),
            "silence_ms": round(max(silences_s, default=0) * 1000),
        }

    def series(self) -> dict[str, str]:
        """Reports second by second."""
        seconds = Counter(int(row.ended_s - self._since_s) for row in self._rows)
        return {"reports": joined(seconds[second] for second in range(max(seconds, default=-1) + 1))}
