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
from endface_client._outcome import Outcome
from endface_client._output.overlay import gray_levels, overlay_png
from endface_client._output.ownership import OVERLAY, PAGE, REPORT, files_of_runs, marked
from endface_client._output.page import Card, page, photo_uri

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
        pictures: what will be inspected.

    Raises:
        OutputError: the folder is that of the pictures, cannot be written, or holds a file of somebody else under a
            name that the run needs.
    """

    def __init__(self, directory: Path, pictures: Sequence[Path]) -> None:
        self._directory = directory
        self._cards: list[Card] = []
        self._stems = dict(zip(pictures, _distinct([path.stem for path in pictures]), strict=True))
        if any(path.parent.resolve() == directory.resolve() for path in pictures):
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
        """Write the files of one picture, and keep it for the page.

        Returns:
            The outcome; an OutputError instead of the report if it cannot be written or drawn.
        """
        photo = ""
        if outcome.report is not None:
            try:
                photo = self._write(outcome, outcome.report)
            except Exception as exc:  # an error of the drawing or the disk concerns this picture alone
                reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else f"{type(exc).__name__}: {exc}"
                error = OutputError(
                    f"{outcome.path} was inspected ({outcome.word}), but its results cannot be written: {reason}"
                )
                error.__cause__ = exc
                outcome = replace(outcome, result=error)
        stem = self._stems.get(outcome.path, "") if outcome.report else ""
        self._cards.append(Card(replace(outcome, data=b""), photo, stem))
        return outcome

    def write_page(self, server: str, warnings: Sequence[str] = ()) -> None:
        """Write the page over everything that was added.

        Args:
            server: who inspected.
            warnings: sentences about the whole run.

        Raises:
            OutputError: it cannot be written.
        """
        text = page(self._cards, server=server, finished=datetime.now().astimezone(), warnings=warnings)
        try:
            write_whole(self.page, text.encode("utf-8", "replace"))
        except OSError as exc:
            raise OutputError(f"{self.page} cannot be written: {in_words(exc)}") from exc

    def _write(self, outcome: Outcome, report: Report) -> str:
        """Write report and overlay; return the picture for the page."""
        gray = gray_levels(outcome.data)
        stem = self._stems[outcome.path]
        contents = {
            self._directory / f"{stem}{OVERLAY}": marked(overlay_png(gray, report)),
            self._directory / f"{stem}{REPORT}": (report.to_json() + "\n").encode(),
        }
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
