"""``endface inspect --record``: every outcome of a run is written down before it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from endface_client._errors import ClientError, UnreadablePicture
from endface_client._outcome import Outcome
from endface_client._output.folder import same_picture
from endface_client._record.record import Record


@contextmanager
def recording(folder: Path | None, server: str, **settings: Any) -> Iterator[Callable[[Outcome], Outcome]]:
    """A function that adds an outcome to the record and returns it; without a folder it does nothing else.

    Args:
        folder: of the record.
        server: who inspects.
        settings: of ``Record``.

    Raises:
        RecordError: the record cannot be used; its function raises it as well.
    """
    if folder is None:
        yield lambda outcome: outcome
        return
    with Record(folder, **settings) as record:
        yield partial(_written, record, server)


def _written(record: Record, server: str, outcome: Outcome) -> Outcome:
    """Add an outcome; with an error instead of the report where the picture is no longer the one that was inspected."""
    if isinstance(outcome.result, ClientError):
        record.add(None, outcome.result, name=outcome.path.name, server=server)
        return outcome
    try:
        data = same_picture(outcome.path, outcome.result)
    except UnreadablePicture as exc:
        return _written(record, server, Outcome(outcome.path, exc))
    record.add(data, outcome.result, server=server)
    return outcome
