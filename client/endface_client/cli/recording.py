"""``endface inspect --record``: every outcome of a run is written down before it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from endface.comparison import REWORK_AFTER
from endface_client._errors import ClientError
from endface_client.outcome import Outcome
from endface_client.record.entry import Mark
from endface_client.record.record import Record
from endface_client.record.repeats import Repeats, latest

Warn = Callable[[str], None]
"""Shows a warning."""

Recorded = Callable[[Outcome], Outcome]
"""Adds an outcome to the record, and gives it back with what became of the marks of a part that failed before."""


@contextmanager
def recording(
    folder: Path | None, server: str, warn: Warn, *, rework_after: int = REWORK_AFTER, **settings: Any
) -> Iterator[Recorded]:
    """A function that adds an outcome to the record, and warns of a picture that was shown for another part before.

    A part that failed in an earlier run is compared with its picture of then; pictures of one run are of one state.

    Args:
        folder: the record; None for none.
        server: the servers or the engine that inspects.
        warn: shows a warning.
        rework_after: cleanings after which a face that still fails is sent to rework.
        settings: of ``Record``.

    Raises:
        RecordError: the record cannot be used; its function raises it as well.
    """
    if folder is None:
        shown = Repeats()

        def watch(outcome: Outcome) -> Outcome:
            _warn_of_repeat(shown, warn, outcome)
            return outcome

        yield watch
        return
    with Record(folder, **settings) as record:
        repeats, warning = latest(folder)
        if warning:
            warn(warning)

        through = Mark.parse(record.head).number

        def compared(outcome: Outcome) -> Outcome:
            if not outcome.report:
                return outcome
            report = record.reinspected(
                outcome.data, outcome.report, fiber=outcome.fiber, rework_after=rework_after, through=through
            )
            return replace(outcome, result=report)

        def write(outcome: Outcome) -> Outcome:
            _warn_of_repeat(repeats, warn, outcome)
            outcome = _with_fibers(outcome, compared) if outcome.connector else compared(outcome)
            if isinstance(outcome.result, ClientError):
                record.add(None, outcome.result, name=outcome.path.name, serial=outcome.serial, server=server)
            for fiber in outcome.fibers or (outcome,):
                if fiber.report:
                    record.add(fiber.data, fiber.report, server=server, fiber=fiber.fiber, connector=outcome.connector)
            return outcome

        yield write


def _with_fibers(outcome: Outcome, compared: Recorded) -> Outcome:
    """A connector's outcome with its fibers compared, in its report as well."""
    fibers = tuple(compared(fiber) for fiber in outcome.fibers)
    reports = tuple(fiber.report for fiber in fibers if fiber.report)
    if outcome.connector is None or len(reports) != len(outcome.connector.fibers):
        return outcome
    return replace(outcome, result=replace(outcome.connector, fibers=reports), fibers=fibers)


def _warn_of_repeat(repeats: Repeats, warn: Warn, outcome: Outcome) -> None:
    shown = {each.report.image.sha256 for each in outcome.fibers or (outcome,) if each.report}
    for digest in shown:
        if warning := repeats.add(digest, outcome.serial, outcome.path.name):
            warn(warning)
