"""Errors of measurements that cannot be made; a measurement that disappoints is a result, not an error."""

from __future__ import annotations

from typing import Final

from endface.errors import EndfaceError


class BenchmarkError(EndfaceError):
    """Nothing could be measured, or what was measured means nothing."""

    code = "benchmark"


_LAST_WORDS: Final = 1500


def last_words(output: str) -> str:
    """The end of what a program wrote, short enough for an error message."""
    return output.strip()[-_LAST_WORDS:]
