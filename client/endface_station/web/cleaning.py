"""What became of a face's marks since its earlier picture, in the page's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from endface.comparison import MarkState, Reinspection
from endface_station.advice import Step
from endface_station.texts import Texts

_SHOWN: Final[tuple[MarkState, ...]] = ("gone", "stayed", "new", "unseen")
_CLEANS: Final[tuple[Step, ...]] = ("clean", "clean_again")


@dataclass(frozen=True)
class Cleaning:
    """What became of the marks of a face, and what to do.

    Attributes:
        marks: how many are in each state, in words; a state without marks is left out.
        state: all of it in words where there is no mark, or the pictures could not be laid over one another.
        why: why they could not, as the report says it; empty where they could.
        step: what to do in a word or two; empty where the advice alone says it.
        tries: how often it was cleaned, and after how often it is sent to rework; empty for a face that passes.
    """

    marks: tuple[tuple[MarkState, str], ...]
    state: str
    why: str
    step: str
    tries: str

    @property
    def text(self) -> str:
        """All of it in a line."""
        words = ", ".join(text for _, text in self.marks) or self.state
        return f"{words}: {self.step}" if self.step else words

    @classmethod
    def of(cls, found: Reinspection, step: Step | None, texts: Texts) -> Cleaning:
        """What a comparison says.

        Args:
            found: the comparison.
            step: what to do with the face; None where it passes.
            texts: the words.
        """
        words: dict[MarkState, str] = {
            "gone": texts("again.gone", count=found.counts["gone"], total=found.previous_count),
            "stayed": texts("again.stayed", count=found.counts["stayed"]),
            "new": texts("again.new", count=found.counts["new"]),
            "unseen": texts("again.unseen", count=found.counts["unseen"]),
        }
        return cls(
            marks=tuple((state, words[state]) for state in _SHOWN if found.counts[state]),
            state=texts("again.no_mark") if found.registered else texts("again.not_registered"),
            why=found.reason,
            step=_word(step, texts),
            tries="" if step is None else texts("again.tries", tries=found.attempts, most=found.rework_after),
        )


def _word(step: Step | None, texts: Texts) -> str:
    """The step in a word or two; a scratch that must be polished is not cleaned again."""
    if step == "rework":
        return texts("again.rework")
    return texts("again.clean") if step in _CLEANS else ""
