"""Comparison of a face with an earlier inspection of it, as a report carries it.

The values mirror the JSON one to one, as those of ``endface.report`` do.  Standard library only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal, get_args

MarkState = Literal["gone", "stayed", "new", "unseen"]
Advice = Literal["none", "clean", "rework"]

_STATES: Final[tuple[MarkState, ...]] = get_args(MarkState)

REWORK_AFTER: Final = 3
"""Cleanings after which a face that still fails is sent to rework, where nobody says another number: our choice."""


@dataclass(frozen=True)
class ComparedMark:
    """One mark of either inspection, and what became of it.

    A mark that was split stands in one row for each piece, marks that became one in one row for each of them.

    Attributes:
        id: of the defect in this report; None where it has none there.
        previous_id: of the defect in the earlier report; None where it has none there.
        state: ``gone`` was dirt, and removable; ``stayed`` is there still, perhaps smaller; ``new`` was not there;
            ``unseen`` lies where the other picture does not show the face.
    """

    id: int | None
    previous_id: int | None
    state: MarkState


@dataclass(frozen=True)
class Reinspection:
    """What became of the marks of a face since its earlier inspection.

    Attributes:
        previous_sha256: of the earlier picture.
        previous_time: when its inspection was recorded, ISO 8601 in UTC; empty where that is not known.
        registered: whether the two pictures could be laid over one another; if not, no marks are compared.
        reason: why they could not, in a sentence; empty where they could.
        turn_deg: by how much the face has turned from the earlier picture to this one, from x to y.
        shift_um: where the earlier fiber center lies now, from this one's.
        evidence: how sure the registration is: at least 1 where there is one; it may be more where several turns fit.
        marks: the rows of all marks of both inspections, those of the earlier one first.
        attempts: how often the face was inspected again since it last passed, this time included.
        rework_after: from how many attempts on a face that fails is sent to rework.
        advice: what to do: nothing, clean it, or rework.
    """

    previous_sha256: str
    previous_time: str
    registered: bool
    reason: str
    turn_deg: float | None
    shift_um: tuple[float, float] | None
    evidence: float
    marks: tuple[ComparedMark, ...]
    attempts: int
    rework_after: int
    advice: Advice

    @property
    def states(self) -> dict[int, MarkState]:
        """What each mark of this report is: its state by its id."""
        return {mark.id: mark.state for mark in self.marks if mark.id is not None}

    @property
    def counts(self) -> Counter[MarkState]:
        """Marks in each state: those that are gone or have stayed as the earlier report counts them."""
        earlier = Counter({state: len(self.previous_ids(state)) for state in _STATES})
        return earlier + Counter(mark.state for mark in self.marks if mark.previous_id is None)

    @property
    def previous_count(self) -> int:
        """Marks of the earlier report."""
        return len({mark.previous_id for mark in self.marks if mark.previous_id is not None})

    def previous_ids(self, state: MarkState) -> frozenset[int]:
        """Ids of the earlier report's marks in a state; one with a piece that stayed is not gone."""
        return frozenset(
            mark.previous_id for mark in self.marks if mark.previous_id is not None and mark.state == state
        )

    @property
    def text(self) -> str:
        """All of it in one line, such as "2 of 3 marks gone (removable), 1 stayed; clean it again (try 1 of 3)"."""
        tries = f"try {self.attempts} of {self.rework_after}"
        todo = {"none": "", "clean": f"; clean it again ({tries})", "rework": f"; send it to rework ({tries})"}
        return (self._marks_text if self.registered else self.reason) + todo[self.advice]

    @property
    def _marks_text(self) -> str:
        words: dict[MarkState, str] = {
            "gone": f"of {self.previous_count} marks gone (removable)",
            "stayed": "stayed",
            "new": "new",
            "unseen": "not in both pictures",
        }
        counts = self.counts
        parts = [f"{counts[state]} {text}" for state, text in words.items() if counts[state]]
        return ", ".join(parts) or "no mark before, none now"
