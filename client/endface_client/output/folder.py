"""The folder of a run: the report and the overlay of each picture, and one page for all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from endface.files import ASIDE, in_words, write_together, write_whole
from endface.report import Report
from endface_client._errors import ClientError
from endface_client.outcome import Outcome
from endface_client.output.overlay import gray_levels, overlay_png
from endface_client.output.ownership import CONNECTOR, OVERLAY, PAGE, REPORT, files_of_runs, marked
from endface_client.output.page import Card, FaceRow, page, photo_uri

_LONGEST_STEM_BYTES: Final = 200  # file systems take 255, endings and a number included


class OutputError(ClientError):
    """The results of a run cannot be written."""

    code = "output"


class RunFolder:
    """Writes the results of a run; the folder is made if it is missing.

    Only files of earlier runs are ever replaced.  The page holds every picture, about 80 kB each: runs of many
    thousands belong into several folders.

    Args:
        directory: the folder.
        pictures: what will be inspected: pictures, or connectors by their picture or folder.

    Raises:
        OutputError: the folder is that of the pictures, cannot be written, or holds a file of somebody else under a
            name that the run needs.
    """

    def __init__(self, directory: Path, pictures: Sequence[Path]) -> None:
        self._directory = directory
        self._cards: list[Card] = []
        self._rows: list[FaceRow] = []
        self._stems = dict(zip(pictures, _distinct([path.stem for path in pictures]), strict=True))
        folders = (path if path.is_dir() else path.parent for path in pictures)
        if any(folder.resolve() == directory.resolve() for folder in folders):
            raise OutputError(f"--out {directory} is the folder of the pictures; name another one")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory, prefix=ASIDE):
                pass
            old = set(files_of_runs(directory))
        except OSError as exc:
            raise OutputError(f"--out {directory} cannot be written: {in_words(exc)}") from exc
        names = [PAGE, *(stem + ending for stem in self._stems.values() for ending in (REPORT, OVERLAY))]
        foreign = [name for name in names if os.path.lexists(directory / name) and directory / name not in old]
        if foreign:
            raise OutputError(f"{directory / foreign[0]} was not written by endface; name another folder for --out")

    @property
    def page(self) -> Path:
        """Where the page stands once it is written."""
        return self._directory / PAGE

    def begin(self) -> int:
        """Remove what earlier runs have left: no old verdict stands beside a new one.

        Returns:
            The number of files that were removed.

        Raises:
            OutputError: a file cannot be removed.
        """
        old = list(files_of_runs(self._directory))
        for path in old:
            try:
                path.unlink(missing_ok=True)
            except OSError as exc:
                raise OutputError(f"{path} of an earlier run cannot be removed: {in_words(exc)}") from exc
        return len(old)

    def add(self, outcome: Outcome) -> Outcome:
        """Write the files of one picture, or of a connector and its fibers, and keep it for the page.

        Returns:
            The outcome; an OutputError instead of the report if it cannot be written or drawn.
        """
        stem = self._stems.get(outcome.path, "")
        if outcome.connector is None:
            return self._add(outcome, stem)
        first = len(self._cards) + 1
        fibers = tuple(self._add(fiber, f"{stem}.fiber-{fiber.fiber}") for fiber in outcome.fibers)
        self._rows.append(FaceRow(outcome.path.name, outcome.connector, range(first, len(self._cards) + 1)))
        error = next((fiber.result for fiber in fibers if isinstance(fiber.result, ClientError)), None)
        path = self._directory / f"{stem}{CONNECTOR}"
        try:
            self._check_free(path)
            write_whole(path, (outcome.connector.to_json() + "\n").encode())
        except OSError as exc:
            error = OutputError(f"{outcome.path} was inspected ({outcome.word}), but {path}: {in_words(exc)}")
            error.__cause__ = exc
        except OutputError as exc:
            error = exc
        return outcome if error is None else replace(outcome, result=error, fibers=())

    def _add(self, outcome: Outcome, stem: str) -> Outcome:
        """Write the files of one picture or fiber."""
        photo = ""
        if outcome.report is not None:
            try:
                photo = self._write(outcome, outcome.report, stem)
            except Exception as exc:  # an error of the drawing or the disk concerns this picture alone
                reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else f"{type(exc).__name__}: {exc}"
                error = OutputError(
                    f"{outcome.path} was inspected ({outcome.word}), but its results cannot be written: {reason}"
                )
                error.__cause__ = exc
                outcome = replace(outcome, result=error)
        self._cards.append(Card(replace(outcome, data=b""), photo, stem if outcome.report else ""))
        return outcome

    def write_page(self, server: str, warnings: Sequence[str] = ()) -> None:
        """Write the page over everything that was added.

        Args:
            server: who inspected.
            warnings: sentences about the whole run.

        Raises:
            OutputError: it cannot be written.
        """
        finished = datetime.now().astimezone()
        text = page(self._cards, self._rows, server=server, finished=finished, warnings=warnings)
        try:
            write_whole(self.page, text.encode("utf-8", "replace"))
        except OSError as exc:
            raise OutputError(f"{self.page} cannot be written: {in_words(exc)}") from exc

    def _check_free(self, path: Path) -> None:
        """Check that no file of somebody else has the name; what runs have left was removed before.

        Raises:
            OutputError: there is one.
        """
        if os.path.lexists(path):
            raise OutputError(f"{path} was not written by endface; name another folder for --out")

    def _write(self, outcome: Outcome, report: Report, stem: str) -> str:
        """Write report and overlay; return the picture for the page."""
        gray = gray_levels(outcome.data)
        contents = {
            self._directory / f"{stem}{OVERLAY}": marked(overlay_png(gray, report)),
            self._directory / f"{stem}{REPORT}": (report.to_json() + "\n").encode(),
        }
        if outcome.fiber is not None:  # their number was not known when the run began
            for path in contents:
                self._check_free(path)
        photo = photo_uri(gray)
        write_together(contents)
        return photo


def _distinct(stems: Sequence[str]) -> list[str]:
    """The stems, numbered where one is taken; names that differ in case only are one on some disks."""
    taken: set[str] = set()
    distinct = []
    for whole in stems:
        encoded = os.fsencode(whole)
        stem = whole if len(encoded) <= _LONGEST_STEM_BYTES else encoded[:_LONGEST_STEM_BYTES].decode(errors="ignore")
        number, free = 1, stem
        while free.casefold() in taken:
            number += 1
            free = f"{stem}-{number}"
        taken.add(free.casefold())
        distinct.append(free)
    return distinct
