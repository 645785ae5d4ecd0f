"""Waits for a condition, in place of a pause that is long enough on one machine and too short on another."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

WITHIN_S: Final = 120.0
"""After which nobody believes in it any more; a start that takes three seconds was seen to take fifteen."""

_POLL_S: Final = 0.02


def wait_until(condition: Callable[[], object], within_s: float = WITHIN_S, *, message: object = "") -> None:
    """Wait until a condition holds; fail after ``within_s`` with the message."""
    ends_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends_s, message or f"it did not come true within {within_s:g} s"
        time.sleep(_POLL_S)
