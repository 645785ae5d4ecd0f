"""``endface inspect --connector``: the connectors that a command line means, and one verdict for each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from endface.connector import Question, inspect_fibers
from endface.report import Report
from endface_client._errors import ClientError, ProtocolError
from endface_client._transport.wire import Job
from endface_client.cli.find_pictures import FoundPictures, find_pictures
from endface_client.cli.jobs import Inspect, SerialOf, read_picture
from endface_client.outcome import Outcome
from endface_client.record.entry import plain


@dataclass
class FoundConnectors(FoundPictures):
    """Connectors by their paths: a file is a picture of all fibers, a folder holds one picture of each.

    ``pictures`` are the connectors' own paths; ``of_each`` are the pictures of each, in the order of the numbers in
    their names.
    """

    of_each: dict[Path, list[Path]] = field(default_factory=dict)


def find_connectors(paths: Iterable[Path], outputs: Iterable[Path | None] = ()) -> FoundConnectors:
    """The connectors at some paths; one with a picture that is left out is not inspected."""
    found, outputs = FoundConnectors(), tuple(outputs)
    for path in dict.fromkeys(paths):
        inside = find_pictures([path], outputs=outputs)
        found.left_out += inside.left_out
        if inside.not_inspected:
            found.not_inspected.append(replace(inside.not_inspected[0], path=path))
            continue
        named = path if path.name not in ("", "..") else path.resolve()
        found.pictures.append(named)
        found.of_each[named] = sorted(inside.pictures, key=_by_number)
    return found


class ConnectorJobs:
    """Connectors of a run, inspected one after the other, the fibers of each at the same time.

    Args:
        found: the connectors.
        serial_of: gives a connector's serial number, from the name of its picture or of its folder.
        fiber_count: how many fibers each has; None for any number.
    """

    noun = "connector"

    def __init__(self, found: FoundConnectors, serial_of: SerialOf, fiber_count: int | None) -> None:
        self._found = found
        self.serial_of = serial_of
        self._fiber_count = fiber_count

    def outcomes(self, inspect: Inspect) -> Iterator[Outcome]:
        """An outcome for each connector, with those of its fibers; an error where one of them was not inspected."""
        for path in self._found.pictures:
            serial = ""
            try:
                serial = self.serial_of(path)
                yield self._outcome(path, serial, inspect)
            except ClientError as exc:
                yield Outcome(path, exc, serial)

    def _outcome(self, path: Path, serial: str, inspect: Inspect) -> Outcome:
        pictures = self._found.of_each[path]
        sources = [(picture, read_picture(picture)) for picture in pictures]
        jobs = [Job(data, serial=serial, name=plain(picture.name)) for picture, data in sources]
        connector = inspect_fibers(len(jobs), partial(_asked, inspect, jobs), self._fiber_count)
        of_each = sources if len(sources) > 1 else sources * len(connector.fibers)
        fibers = tuple(
            Outcome(picture, report, serial, data, fiber=number)
            for number, ((picture, data), report) in enumerate(zip(of_each, connector.fibers, strict=True), 1)
        )
        return Outcome(path, connector, serial, fibers=fibers)


def _asked(inspect: Inspect, jobs: list[Job], questions: Sequence[Question]) -> list[Report]:
    """The reports of some requests about a connector.

    Raises:
        ClientError: of the first that has none.
    """
    results = list(inspect([replace(jobs[each.picture], fiber=each.fiber) for each in questions]))
    reports = []
    for result in results:
        if isinstance(result, ClientError):
            raise result
        reports.append(result)
    if len(reports) != len(questions):
        raise ProtocolError("not every fiber was answered for; inspect the connector again")
    return reports


def _by_number(path: Path) -> list[tuple[bool, int, str]]:
    """Sorts fiber-2.png before fiber-10.png."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", path.name)]
