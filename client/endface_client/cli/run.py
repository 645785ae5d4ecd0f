"""A run over pictures: each outcome is written down, kept in a folder and shown, in the order of the pictures."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from endface.errors import EndfaceError
from endface_client._errors import ClientError, UnreadablePicture
from endface_client.cli.find_pictures import FoundPictures
from endface_client.cli.jobs import Inspect, SerialOf
from endface_client.cli.recording import Recorded, Warn
from endface_client.outcome import Outcome, Tally
from endface_client.output.folder import RunFolder
from endface_client.output.table import OutcomeTable, summary

Recording: TypeAlias = Callable[[Warn], AbstractContextManager[Recorded]]
"""Opens the record, given what shows a warning, and gives the function that adds an outcome."""

Inspecting: TypeAlias = Callable[[], AbstractContextManager[Inspect]]
"""Opens what inspects."""


class Jobs(Protocol):
    """What a run inspects: pictures, or connectors.

    Attributes:
        noun: what they are, for sentences.
        serial_of: gives the serial number of one by its path.
    """

    noun: str
    serial_of: SerialOf

    def outcomes(self, inspect: Inspect) -> Iterator[Outcome]:
        """An outcome for each, in order."""


NOT_INSPECTED: Final = 2
"""Exit code of a command that could not do what it was asked for."""

_PIPE_WIDTH: Final = 160  # where the output is no terminal: wide enough for a reason in one line
_MOST_NAMES: Final = 3  # of files that are left out
_MOST_WARNINGS: Final = 20  # a frozen camera gives one for each picture


class Run:
    """One call of ``endface inspect``.

    Args:
        inspector: the servers or the engine that inspects, as the page names it.
        inspecting: opens what inspects jobs.
        recording: writes each outcome down.
        out: folder for reports, overlays and a page; None for none.
        as_json: reports as lines on stdout, instead of a table.
    """

    def __init__(
        self,
        inspector: str,
        inspecting: Inspecting,
        recording: Recording,
        *,
        out: Path | None,
        as_json: bool,
    ) -> None:
        self._inspector = inspector
        self._inspecting = inspecting
        self._recording = recording
        self._out = out
        self._as_json = as_json
        self._noun = "picture"
        self._messages = Console(stderr=True)
        self._table = OutcomeTable()
        self._tally = Tally()
        self._warnings: list[str] = []
        self._last_error = ""

    def inspect(self, found: FoundPictures, jobs: Jobs) -> int:
        """Inspect pictures.  Where there is none, the record says so, and the folder of an earlier run stays as it is.

        Args:
            found: the pictures, and what cannot be inspected.
            jobs: the same pictures, or the connectors that they are of.

        Returns:
            The command's exit code.

        Raises:
            typer.Exit: the run could not be finished; a message says why.
        """
        self._noun = jobs.noun
        self._print_left_out(found.left_out)
        page: Path | None = None
        with self._errors_as_sentences(len(found.pictures)):
            if found.pictures:
                page = self._inspect(found, jobs)
            else:
                self._record_nothing(found, jobs.serial_of)
        if not self._as_json:
            self._print_table()
        if len(self._warnings) > _MOST_WARNINGS:
            self._print(f"warning: and {len(self._warnings) - _MOST_WARNINGS} more", style="yellow")
        if page:
            self._print(f"wrote {page}")
        return self._tally.exit_code

    def _inspect(self, found: FoundPictures, jobs: Jobs) -> Path | None:
        """Inspect, and give the path of the page."""
        folder = RunFolder(self._out, found.pictures) if self._out else None
        with self._inspecting() as inspect, self._recording(self._warn) as record:
            if folder and (removed := folder.begin()):
                self._print(f"removed the results of an earlier run from {self._out}: {removed} files")
            for outcome in chain(found.not_inspected, self._with_progress(len(found.pictures), jobs.outcomes(inspect))):
                recorded = record(outcome)
                self._show(folder.add(recorded) if folder else recorded)
        if folder:
            folder.write_page(self._inspector, self._warnings)
        return folder.page if folder else None

    def _record_nothing(self, found: FoundPictures, serial_of: SerialOf) -> None:
        """Write down that no picture was there, under the part's serial number if it is known."""
        with self._recording(self._warn) as record:
            for outcome in found.not_inspected:
                serial = ""
                with contextlib.suppress(UnreadablePicture):  # the name holds none
                    serial = serial_of(outcome.path)
                record(replace(outcome, serial=serial))
                self._show(outcome)

    @contextmanager
    def _errors_as_sentences(self, count: int) -> Iterator[None]:
        """Print what ended the run early, as a sentence."""
        try:
            yield
        except EndfaceError as exc:
            if self._tally.total and not self._as_json:
                self._print_table()
            self._print(f"endface: {exc}", style="red")
            raise typer.Exit(NOT_INSPECTED) from exc
        except SystemExit:  # a signal
            self._print(f"interrupted after {self._tally.total} of {count} {self._noun}s")
            raise

    def _with_progress(self, total: int, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        """The outcomes, with a progress bar where there is a terminal."""
        columns = (TextColumn("inspecting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        hidden = not self._messages.is_terminal
        with Progress(*columns, console=self._messages, transient=True, disable=hidden) as progress:
            task = progress.add_task("", total=total)
            for outcome in outcomes:
                yield outcome
                progress.advance(task)

    def _show(self, outcome: Outcome) -> None:
        """Count an outcome; put it into the table, or its report as a line on stdout and its error on stderr."""
        self._tally.add(outcome)
        if not self._as_json:
            self._table.add(outcome)
        elif not isinstance(outcome.result, ClientError):
            sys.stdout.buffer.write(outcome.result.to_json().encode() + b"\n")  # JSON is UTF-8, whatever a terminal is
            sys.stdout.flush()
        else:
            self._print(self._sentence(outcome), style="magenta")

    def _sentence(self, outcome: Outcome) -> str:
        """The error of a picture; "as above" where it is the same as the last one."""
        error = str(outcome.result)
        if isinstance(outcome.result, UnreadablePicture):  # it names the path
            return error
        reason = outcome.result.reason if isinstance(outcome.result, ClientError) else error
        repeated, self._last_error = reason == self._last_error, reason
        return f"{outcome.path}: {'as above' if repeated else error}"

    def _warn(self, warning: str) -> None:
        self._warnings.append(warning)
        if len(self._warnings) <= _MOST_WARNINGS:
            self._print(f"warning: {warning}", style="yellow")

    def _print_left_out(self, left_out: list[Path]) -> None:
        """Print which files were not taken for pictures."""
        if left_out:
            names = ", ".join(path.name for path in left_out[:_MOST_NAMES])
            more = f" and {len(left_out) - _MOST_NAMES} more" if len(left_out) > _MOST_NAMES else ""
            self._print(f"left out, since they are no pictures: {names}{more}")

    def _print(self, text: str, style: str | None = None) -> None:
        self._messages.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def _print_table(self) -> None:
        console = Console()
        if not console.is_terminal:
            console = Console(width=_PIPE_WIDTH)
        console.print(self._table.rows)
        console.print(summary(self._tally, self._noun))
