"""A watched folder: each complete picture in it is taken once, in the order of the times at which they were written."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal, Protocol, Self

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from endface.errors import EndfaceError
from endface.files import in_words
from endface_client import ClientError
from endface_client.cli.jobs import SerialOf
from endface_station.arrival import RefusedInput, ScanFirst
from endface_station.intake.file import WatchedFile, is_named_like_a_picture
from endface_station.intake.ledger import TakenBefore
from endface_station.intake.whole import is_whole

Taken = Literal["move", "leave"]
"""What becomes of a file that was taken: it is moved to ``done``, or left where it is."""

DONE: Final = "done"
REFUSED: Final = "refused"

_SETTLED_S: Final = 2.0
"""A file whose size and time have stood still for so long is complete, where nobody says that it was closed."""

_GIVEN_UP_S: Final = 30.0
"""A file that is empty, or whose end is missing, has stood still for so long before it is taken as it is."""

_LOOKS_EVERY_S: Final = 1.0
"""How often the folder is listed: a share in the network tells nobody about its changes."""


class Accepts(Protocol):
    """What takes a picture: ``Station.accept``."""

    def __call__(  # noqa: PLR0913 - what is known of it, by keyword
        self,
        data: bytes,
        name: str,
        *,
        serial: str | None = None,
        fiber: str | None = None,
        goes_on: bool = False,
        picture_id: str = "",
        unchecked: bool = False,
    ) -> object:
        """Take a picture."""


@dataclass
class _Seen:
    """A file, since when it has stood still, and whether it was found complete."""

    file: WatchedFile
    since_s: float
    is_complete: bool = False


class WatchedFolder(FileSystemEventHandler):
    """Takes the pictures of a folder while it is entered.

    A file is complete once its writer has closed it or has moved it here; without a word about that, once it has stood
    still for two seconds.  One that is empty or cut short, or that cannot be read, has 30 seconds without a change.
    Then it is taken as it is: it has its place among the others, and none of them gets its fiber.  A file is taken
    under an id that is made of its name, size and time, so that a station that was killed between taking and moving it
    does not file it twice.

    Args:
        folder: what to watch; its subfolders are not looked into.
        accept: takes a picture.
        taken: what becomes of a file.
        serial_of: gives the serial number in a file's name; None for the part in progress.
        fiber_of: gives the fiber in a file's name; None for the next one.
        ledger: file that remembers what was taken, for files that are left; None to remember it while this runs.
        say: gets what is wrong with files that are no pictures, were refused or have to wait, or with a folder that
            cannot be read; an empty sentence once that is over.
        clock: a clock in seconds.
    """

    def __init__(  # noqa: PLR0913 - what it watches, and by keyword how
        self,
        folder: Path,
        accept: Accepts,
        *,
        taken: Taken = "move",
        serial_of: SerialOf | None = None,
        fiber_of: SerialOf | None = None,
        ledger: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._accept = accept
        self._taken = taken
        self._serial_of = serial_of
        self._fiber_of = fiber_of
        self._say = say
        self._clock = clock
        self._seen: dict[Path, _Seen] = {}
        self._closed: set[Path] = set()
        self._taken_before = TakenBefore(ledger)
        self._complaints: list[str] = []
        self._said = ""
        self._wake = threading.Event()
        self._ends = threading.Event()
        self._observer = Observer()
        self._thread = threading.Thread(target=self._run, name="watched-folder", daemon=True)

    def __enter__(self) -> Self:
        self._observer.schedule(self, str(self._folder))
        self._observer.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._wake.set()
        self._observer.stop()
        self._observer.join()
        self._thread.join()

    def on_closed(self, event: FileSystemEvent) -> None:
        """A writer has closed a file."""
        self._mark_closed(str(event.src_path))

    def on_moved(self, event: FileSystemEvent) -> None:
        """A file was renamed."""
        self._mark_closed(str(event.dest_path))

    def _mark_closed(self, path: str) -> None:
        if Path(path).parent == self._folder:
            self._closed.add(Path(path))
            self._wake.set()

    def _run(self) -> None:
        while not self._ends.is_set():
            self._wake.clear()
            self.look()
            self._wake.wait(_LOOKS_EVERY_S)

    def look(self) -> None:
        """Take what is complete, the oldest first; what comes after a file that is still written waits for it."""
        complaints: list[str] = []
        stuck = ""
        try:
            found = self._found()
            self._seen = {file.path: self._seen.get(file.path, _Seen(file, self._clock())) for file in found}
            new = [file for file in found if file.id not in self._taken_before]
            complete = list(takewhile(self._is_complete, new))
            for file in complete:
                complaint = self._take(file, goes_on=len(complete) > 1)
                if complaint is not None:
                    complaints.append(complaint)
        except OSError as exc:
            stuck = f"{self._folder}{'' if self._folder.is_dir() else ' is not there'}: {in_words(exc)}"
        except ScanFirst as exc:
            stuck = f"{file.path.name} waits in {self._folder}: {exc}; it is taken then"
        except EndfaceError as exc:
            stuck = f"{self._folder}: {exc}"
        self._tell(complaints, stuck)

    def _found(self) -> list[WatchedFile]:
        """The pictures in the folder, the oldest first."""
        found = []
        for path in filter(is_named_like_a_picture, self._folder.iterdir()):
            with contextlib.suppress(FileNotFoundError):  # it is gone since it was listed
                found.append(WatchedFile.of(path))
        return sorted(found)

    def _is_complete(self, file: WatchedFile) -> bool:
        seen = self._seen[file.path]
        if seen.file != file:
            seen = self._seen[file.path] = _Seen(file, self._clock())
        still_s = self._clock() - seen.since_s
        if not seen.is_complete and (file.path in self._closed or still_s >= _SETTLED_S):
            seen.is_complete = still_s >= _GIVEN_UP_S or is_whole(file.path)
        return seen.is_complete

    def _take(self, file: WatchedFile, *, goes_on: bool) -> str | None:
        """Put a picture into the queue, then let its file go.

        A picture that comes while the part in progress takes none is not kept for the next scan: nobody knows that it
        shows the next part.

        Returns:
            What is wrong with it; empty for a picture that was taken, None for a file that is gone.

        Raises:
            ScanFirst: no part is in progress; the file stays.
            EndfaceError: the station cannot take anything now; the file stays.
        """
        complaint, is_taken = "", True
        try:
            serial = self._serial_of(file.path) if self._serial_of else None
            fiber = self._fiber_of(file.path) if self._fiber_of else None
            data, complaint = file.read()
            self._accept(
                data, file.path.name, serial=serial, fiber=fiber, goes_on=goes_on, picture_id=file.id, unchecked=True
            )
        except FileNotFoundError:
            return None
        except (ClientError, RefusedInput) as exc:
            if isinstance(exc, ScanFirst) and not exc.serial:
                raise
            complaint, is_taken = f"{file.path.name} was not taken: {exc}", False
        self._closed.discard(file.path)
        self._taken_before.add(file.id)
        if self._taken == "move":
            target = REFUSED if complaint else DONE
            try:
                file.move(self._folder / target)
                self._taken_before.forget(file.id)
            except OSError as exc:
                outcome = "was taken and is inspected once" if is_taken else "was not taken"
                complaint = (
                    f"{file.path.name} {outcome}, and stays where it is: it cannot be moved into {target} "
                    f"({in_words(exc)}); let this user write into the folder, or give --leave"
                )
        return complaint

    def _tell(self, of_files: list[str], stuck: str) -> None:
        """Say what is wrong: with files until one is taken without a word, with the folder until that is over.

        Args:
            of_files: of each file that was taken or refused, what is wrong with it; empty for nothing.
            stuck: why no more can be taken; empty where it can.
        """
        if of_files:
            self._complaints = [each for each in of_files if each]
        sentence = ". ".join([*self._complaints, *([stuck] if stuck else [])])
        if any(of_files) or sentence != self._said:
            self._said = sentence
            self._say(sentence)
