"""Overload: pictures come at twice the server's capacity, whether it answers or not, and then at half of it again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from benchmarks.common.origin import Json
from benchmarks.common.outcomes import ANSWERED, FAILED, REFUSED, WRONG
from benchmarks.common.pictures import Picture
from benchmarks.common.target import LoadTarget
from benchmarks.load import open_loop
from benchmarks.load.open_loop import Sent, Stretch

NORMAL: Final = 0.5
OVERLOAD: Final = 2.0
"""Rates as multiples of the capacity."""

AFTER_S: Final = 10
"""So many seconds after the overload are looked at one by one."""

THROUGHPUT: Final = 0.8
"""A second is normal with this share of its pictures answered: it holds some dozens, so it varies much."""

P99: Final = 1.5
"""And with a p99 of at most so many times the normal one: the p99 of a second is that of its slowest picture."""


def measure(target: LoadTarget, pictures: Sequence[Picture], capacity: float, seconds: float) -> Json:
    """Overload a server for a while.

    Args:
        target: the server.
        pictures: taken in turns.
        capacity: pictures a second that it can answer.
        seconds: how long the normal load and the overload last.

    Returns:
        ``figures``.
    """
    stretches = [
        Stretch(NORMAL * capacity, seconds),
        Stretch(OVERLOAD * capacity, seconds),
        Stretch(NORMAL * capacity, AFTER_S),
    ]
    return figures(open_loop.run(target.server, pictures, target.profile, stretches), capacity, seconds)


def figures(sent: Sequence[Sent], capacity: float, seconds: float) -> Json:
    """Figures of all pictures.

    Returns:
        ``rows`` of the normal load, the overload and each second after it, by when pictures were sent;
        ``unserved_share``, the share of the capacity that the overload did not get; ``p99_ms`` of what was answered in
        it; ``refusal_p99_ms``, 0 where nobody was refused; ``failed_share``; ``wrong_verdicts``; ``normal_again_s``,
        from the end of the overload until two seconds in a row are normal.  None where nothing was answered, or nothing
        was normal again within ``AFTER_S``.
    """
    end_s = 2 * seconds
    normal = _row("normal", sent, 0, seconds)
    overload = _row("overload", sent, seconds, end_s)
    after = [_row(f"second {number} after", sent, end_s + number - 1, end_s + number) for number in _SECONDS]
    served = sum(each.outcome == ANSWERED and seconds <= each.ended_s < end_s for each in sent) / seconds
    return {
        "phase": "overload",
        "capacity": capacity,
        "rows": [normal, overload, *after],
        "served_per_s": round(served, 2),
        "unserved_share": round(max(1 - served / capacity, 0.0), 4),
        "p99_ms": overload["p99_ms"],
        "refusal_p99_ms": overload["refusal_p99_ms"] or 0.0,
        "failed_share": round(overload["failed"] / max(overload["sent"], 1), 5),
        "wrong_verdicts": sum(each.outcome == WRONG for each in sent),
        "normal_again_s": normal_again_s(after, normal),
    }


def normal_again_s(after: Sequence[Json], normal: Json) -> float | None:
    """Seconds from the end of the overload until two in a row are normal; None where that did not happen."""
    for number, two in enumerate(pairwise(after)):
        if all(is_normal(second, normal) for second in two):
            return float(number)
    return None


def is_normal(second: Json, normal: Json) -> bool:
    """Whether the pictures that were sent in a second were answered as before the overload."""
    if second["p99_ms"] is None or normal["p99_ms"] is None:
        return False
    return bool(second["answered"] >= THROUGHPUT * second["sent"] and second["p99_ms"] <= P99 * normal["p99_ms"])


_SECONDS: Final = range(1, AFTER_S + 1)


def _row(name: str, sent: Sequence[Sent], begin_s: float, end_s: float) -> Json:
    """What came of the pictures that were sent between two times."""
    within = [each for each in sent if begin_s <= each.sent_s < end_s]
    answered, refused = ([each.ms for each in within if each.outcome == kind] for kind in (ANSWERED, REFUSED))
    return {
        "phase": name,
        "seconds": end_s - begin_s,
        "sent": len(within),
        "answered": len(answered),
        "refused": len(refused),
        "failed": sum(each.outcome == FAILED for each in within),
        "p50_ms": _percentile(answered, 50),
        "p99_ms": _percentile(answered, 99),
        "refusal_p99_ms": _percentile(refused, 99),
    }


def _percentile(times_ms: Sequence[float], share: float) -> float | None:
    return round(float(np.percentile(times_ms, share)), 1) if times_ms else None
