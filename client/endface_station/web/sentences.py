"""What the page says of a face, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from endface.report import Report
from endface_station.advice import Step, culprits, step_after
from endface_station.part import Attempt, Part
from endface_station.texts import Texts
from endface_station.web.shown import Shown


class Sentences:
    """Sentences in the operator's language.

    Args:
        texts: the words.
        rework_after: cleanings after which a face that still fails is sent to rework.
    """

    def __init__(self, texts: Texts, rework_after: int) -> None:
        self._texts = texts
        self._rework_after = rework_after

    def step(self, shown: Shown, report: Report) -> Step | None:
        """What to do with a face; None where it passes."""
        return None if report.verdict == "pass" else step_after(report, shown.cleanings, self._rework_after)

    def reason(self, attempt: Attempt | None) -> tuple[str, str]:
        """Why a face did not pass, in one sentence of ours and in the server's own."""
        if attempt is None or attempt.word == "pass":
            return "", ""
        report = attempt.report
        if report is None:
            return (self._texts("problem.error"), attempt.reason) if attempt.word == "error" else ("", attempt.reason)
        if report.error:
            key = f"problem.{report.error.code}"
            return self._texts(key if self._texts.has(key) else "problem.other"), attempt.reason
        return self._culprits(report), attempt.reason

    def _culprits(self, report: Report) -> str:
        found = culprits(report)
        if not found:
            return ""
        first, kind = found[0], self._texts(f"type.{found[0].type}")
        sentence = self._texts("face.defect", zone=first.zone, type=kind, size=f"{first.size_um:.1f}")
        others = len({each.id for each in found} - {first.id})
        return f"{sentence} {self._texts('face.more', count=others)}" if others else sentence

    def steps(self, shown: Shown, part: Part | None, next_fiber: int) -> Iterator[str]:
        """What to do next, the first thing first; ``next_fiber`` is 0 where the part takes no further picture now."""
        if part is None or (not part.serial and not shown.attempt and not shown.is_waiting):
            yield self._texts("advice.scan")
            return
        if part.word == "pass" and not shown.is_waiting and not shown.is_chosen:
            yield self._texts("advice.finish")
            return
        attempt = shown.attempt
        if attempt and attempt.word != "pass":
            step = (self.step(shown, attempt.report) if attempt.report else None) or "again"
            tries = {"tries": shown.cleanings} if step == "rework" and attempt.report else {}
            yield self._texts(f"advice.{step}", **tries)
            if not shown.is_chosen and next_fiber != shown.fiber:
                yield self._take(part, next_fiber)
        else:
            yield self._take(part, next_fiber) if next_fiber else self._texts("advice.full")
            if part.word and (bad := [str(fiber) for fiber, face in sorted(part.faces.items()) if face.word != "pass"]):
                yield self._texts("advice.open_faces", fibers=", ".join(bad))
        if not part.serial:
            yield self._texts("advice.scan")

    def _take(self, part: Part, fiber: int) -> str:
        return self._texts("advice.picture_single") if part.fibers == 1 else self._texts("advice.picture", fiber=fiber)

    def takt(self, takt: timedelta | None) -> str:
        """The time from part to part."""
        if takt is None:
            return self._texts("tally.none")
        seconds = round(takt.total_seconds())
        if seconds < 60:
            return self._texts("tally.seconds", seconds=seconds)
        return self._texts("tally.minutes", minutes=seconds // 60, seconds=f"{seconds % 60:02d}")
