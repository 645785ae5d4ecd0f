"""Fault of a server, and the two lines that its repair leaves in the log, for persons and for programs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

_LINE: Final = re.compile(
    r"^endface-healing event=(?P<event>\S+) kind=(?P<kind>\S+) model=(?P<model>\S+) action=(?P<action>\S+) "
    r"(?:noticed|repaired)_ms=(?P<took_ms>\d+) down_ms=(?P<down_ms>\d+): (?P<what>.*)$"
)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a server.

    Attributes:
        kind: ended, stopped (the server by a signal), stub (gone or stopped), failing, or hung.
        what: it in words.
        since_s: when all was well for the last time, by ``time.monotonic``.
        model: the only model that is to blame; empty where it is not one alone.
        hanging: processes of it that will never end by themselves what they do.
    """

    kind: str
    what: str
    since_s: float
    model: str = ""
    hanging: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Event:
    """One line of the log: a fault was noticed, or the server serves again.

    Attributes:
        event: noticed or serving.
        kind: of the fault, see ``Fault``.
        model: the model to blame, or "-".
        action: reload (of a model's processes) or restart (of the server).
        took_ms: from when all was well to noticing, or from noticing to serving.
        down_ms: from when all was well for the last time until now: calls may have failed in this time.
        what: the fault in words.
    """

    event: str
    kind: str
    model: str
    action: str
    took_ms: int
    down_ms: int
    what: str

    @classmethod
    def noticed(cls, fault: Fault, action: str, noticed_s: float) -> Self:
        """A fault that was noticed."""
        took_ms = round((noticed_s - fault.since_s) * 1000)
        return cls("noticed", fault.kind, fault.model or "-", action, took_ms, took_ms, fault.what)

    @classmethod
    def serving(cls, fault: Fault, action: str, noticed_s: float, now_s: float) -> Self:
        """A fault whose repair is done: the server serves again."""
        took_ms, down_ms = round((now_s - noticed_s) * 1000), round((now_s - fault.since_s) * 1000)
        return cls("serving", fault.kind, fault.model or "-", action, took_ms, down_ms, fault.what)

    @classmethod
    def parse(cls, line: str) -> Self | None:
        """Read what ``line`` wrote; None for any other line."""
        found = _LINE.match(line.rstrip("\n"))
        if found is None:
            return None
        event, kind, model, action, took_ms, down_ms, what = found.groups()
        return cls(event, kind, model, action, int(took_ms), int(down_ms), what)

    def line(self) -> str:
        """The event as a line of the log."""
        took = "noticed_ms" if self.event == "noticed" else "repaired_ms"
        what = self.what.replace("\n", " ")
        return (
            f"endface-healing event={self.event} kind={self.kind} model={self.model} action={self.action} "
            f"{took}={self.took_ms} down_ms={self.down_ms}: {what}"
        )
