"""``endface inspect --record``: every outcome of a run is written down before it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from endface_client._errors import ClientError
from endface_client._outcome import Outcome
from endface_client._record.record import Record
from endface_client._record.repeats import Repeats, latest

Warn = Callable[[str], None]
"""Shows a warning."""


@contextmanager
def recording(folder: Path | None, server: str, warn: Warn, **settings: Any) -> Iterator[Callable[[Outcome], None]]:
    """A function that adds an outcome to the record, and warns of a picture that was shown for another part before.

    Args:
        folder: the record; None for none.
        server: the servers or the engine that inspects.
        warn: shows a warning.
        settings: of ``Record``.

    Raises:
        RecordError: the record cannot be used; its function raises it as well.
    """
    if folder is None:
        yield partial(_warn_of_repeat, Repeats(), warn)
        return
    with Record(folder, **settings) as record:
        repeats, warning = latest(folder)
        if warning:
            warn(warning)

        def write(outcome: Outcome) -> None:
            _warn_of_repeat(repeats, warn, outcome)
            if isinstance(outcome.result, ClientError):
                record.add(None, outcome.result, name=outcome.path.name, serial=outcome.serial, server=server)
            for fiber in outcome.fibers or (outcome,):
                if fiber.report:
                    record.add(fiber.data, fiber.report, server=server, fiber=fiber.fiber, connector=outcome.connector)

        yield write


def _warn_of_repeat(repeats: Repeats, warn: Warn, outcome: Outcome) -> None:
    shown = {each.report.image.sha256 for each in outcome.fibers or (outcome,) if each.report}
    for digest in shown:
        if warning := repeats.add(digest, outcome.serial, outcome.path.name):
            warn(warning)
