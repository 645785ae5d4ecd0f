"""The servers as the station sees them: reachable, catching up, or down, since when and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal

from endface_client import ClientError, InvalidRequest, ServerUnavailable

Condition = Literal["unknown", "ready", "down", "refusing", "no_record"]
"""Not asked yet; answers; does not; refuses the station's settings; record or queue cannot be written."""

_OF_A_PICTURE: Final = ("empty_image", "oversized_image")
"""Codes of refusals that are about the picture; all others are about what the station asks for."""


@dataclass(frozen=True)
class ServerState:
    """A condition, since when it lasts, and the sentence of its error."""

    condition: Condition = "unknown"
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    reason: str = ""

    def now(self, condition: Condition, reason: str = "") -> ServerState:
        """The state with another condition; it lasts since now where it is a new one."""
        if condition == self.condition:
            return replace(self, reason=reason)
        return ServerState(condition, datetime.now(UTC), reason)

    def after(self, error: Exception) -> ServerState:
        """The state once an error has come in place of a report."""
        reason = error.reason if isinstance(error, ClientError) else str(error)
        if not isinstance(error, ClientError):
            return self.now("no_record", reason)
        return self.now("refusing" if isinstance(error, InvalidRequest) else "down", reason)


def concerns_the_picture(error: ClientError) -> bool:
    """Whether it is sure that the same picture will be refused again, and others will not."""
    return isinstance(error, InvalidRequest) and error.code in _OF_A_PICTURE


def may_concern_the_picture(error: ClientError) -> bool:
    """Whether another picture may well be inspected meanwhile."""
    return not isinstance(error, InvalidRequest | ServerUnavailable)
