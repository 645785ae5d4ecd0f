"""A run over pictures: what comes of each is written down, kept in a folder and shown, in the order of the pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from pathlib import Path
from typing import Final, TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from endface.errors import EndfaceError
from endface.report import Report
from endface_client._cli.find_pictures import find_pictures
from endface_client._errors import ClientError, UnreadablePicture
from endface_client._outcome import Outcome, exit_code
from endface_client._output.folder import RunFolder
from endface_client._output.table import summary, table
from endface_client._transport.wire import Job

Results: TypeAlias = Iterator[Report | ClientError]
"""What comes of jobs, in their order."""

NOT_INSPECTED: Final = 2
"""Exit code of a command that could not do what it was asked for."""

_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells count
_PIPE_WIDTH: Final = 160  # where the output is no terminal: wide enough for a reason in one line


class Run:
    """One call of ``endface inspect``.

    Args:
        inspector: who inspects, as it stands on the page.
        inspecting: has jobs inspected, and closes what it took for it.
        recording: gives the function that writes each outcome down.
        out: folder for reports, overlays and a page; None for none.
        as_json: reports as lines on stdout, instead of a table.
    """

    def __init__(
        self,
        inspector: str,
        inspecting: Callable[[Iterable[Job]], AbstractContextManager[Results]],
        recording: AbstractContextManager[Callable[[Outcome], Outcome]],
        *,
        out: Path | None,
        as_json: bool,
    ) -> None:
        self._inspector = inspector
        self._inspecting = inspecting
        self._recording = recording
        self._out = out
        self._as_json = as_json
        self._messages = Console(stderr=True)
        self._outcomes: list[Outcome] = []

    def over(self, paths: Iterable[Path]) -> int:
        """Inspect the pictures under some paths.

        Returns:
            The command's exit code.

        Raises:
            typer.Exit: the run could not be finished; a message says why.
        """
        pictures, missing = find_pictures(paths)
        with self._endings(len(pictures)):
            folder = RunFolder(self._out) if self._out else None
            with self._recording as recorded, self._inspecting(map(Job, pictures)) as results:
                for outcome in map(recorded, chain(missing, self._shown_on_the_way(pictures, results))):
                    self._outcomes.append(folder.add(outcome) if folder else outcome)
                    if self._as_json:
                        self._print_json(self._outcomes[-1])
            if folder:
                folder.write_page(self._inspector)
        if not self._as_json:
            _print_table(self._outcomes)
        if folder:
            self._messages.print(f"wrote {folder.page}", markup=False, highlight=False, soft_wrap=True)
        return exit_code(self._outcomes)

    @contextmanager
    def _endings(self, count: int) -> Iterator[None]:
        """Say in a sentence what ended the run before its time."""
        try:
            yield
        except (EndfaceError, OSError) as exc:
            self._messages.print(f"endface: {exc}", style="red", markup=False, highlight=False)
            raise typer.Exit(NOT_INSPECTED) from exc
        except KeyboardInterrupt as exc:
            self._messages.print(f"interrupted after {len(self._outcomes)} of {count} pictures")
            raise typer.Exit(_INTERRUPTED) from exc

    def _shown_on_the_way(self, pictures: list[Path], results: Results) -> Iterator[Outcome]:
        """Outcomes as they come, in order, with a progress bar where there is a terminal."""
        columns = (TextColumn("inspecting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        hidden = not self._messages.is_terminal
        with Progress(*columns, console=self._messages, transient=True, disable=hidden) as progress:
            task = progress.add_task("", total=len(pictures))
            for path, result in zip(pictures, results, strict=True):
                yield Outcome(path, result)
                progress.advance(task)

    def _print_json(self, outcome: Outcome) -> None:
        """A report as a line on stdout, as soon as it is there; an error among the messages."""
        if isinstance(outcome.result, Report):
            sys.stdout.write(outcome.result.to_json() + "\n")
            sys.stdout.flush()
            return
        known = isinstance(outcome.result, UnreadablePicture)  # its sentence begins with the path
        sentence = str(outcome.result) if known else f"{outcome.path}: {outcome.result}"
        self._messages.print(sentence, style="magenta", markup=False, highlight=False, soft_wrap=True)


def _print_table(outcomes: list[Outcome]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)
    console.print(table(outcomes))
    console.print(summary(outcomes))
