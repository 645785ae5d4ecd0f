"""Outcomes of a picture's request."""

from __future__ import annotations

from typing import Final

ANSWERED: Final = "answered"
REFUSED: Final = "refused"
FAILED: Final = "failed"
WRONG: Final = "wrong"
OUTCOMES: Final = (ANSWERED, REFUSED, FAILED, WRONG)
"""With the right verdict, by a full queue, by another error, with a wrong verdict: Locust's request types, too."""

RETRY_S: Final = 0.5
"""A station that got no verdict asks again after so long: at once, it would only keep the server busy refusing."""
