"""What a measurement raises when it cannot be made; a measurement that disappoints is a result, not an error."""

from __future__ import annotations

from endface.errors import EndfaceError


class BenchmarkError(EndfaceError):
    """Nothing could be measured, or what was measured means nothing."""

    code = "benchmark"
