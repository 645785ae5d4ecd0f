"""The queue of a station: pictures that wait for a report, each a file that outlives a kill and a power cut.

A picture is two files, ``NUMBER-ID.picture`` and ``NUMBER-ID.json``; the second one, written last and removed first,
says that it waits.  So a picture is in the queue from the moment that ``put`` returns until its report is in the
record, and a station that was killed goes on where it stopped.  ``in-progress.json`` names the part that was scanned
last, or whose picture came last: a serial number outlives the station, too.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from pathlib import Path
from typing import IO, Final, NamedTuple, Self

from endface.errors import EndfaceError
from endface.files import ASIDE, in_words, sync_folder, write_together, write_whole
from endface_station.arrival import Arrival

_REFUSED: Final = "refused"
_IN_PROGRESS: Final = "in-progress.json"
_NAME: Final = re.compile(r"(?P<number>\d{12})-[0-9a-f]+\.json")


class QueueError(EndfaceError):
    """The queue's folder cannot be used, or its disk is full."""

    code = "queue"


class InProgress(NamedTuple):
    """The part in progress: its serial number, empty for none, and how many fibers it has."""

    serial: str = ""
    fibers: int = 1


class PictureQueue:
    """Pictures that wait, the oldest first; threads may share it, one process at a time has it open.

    Args:
        folder: where they are; made if it is not there.

    Raises:
        QueueError: the folder cannot be used, or another station uses it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._held = _hold(folder / "in-use")
            try:
                self._waiting = self._found()
                self._in_progress: InProgress | None = _read_in_progress(folder / _IN_PROGRESS)
            except BaseException:
                self._held.close()
                raise
        except (OSError, ValueError) as exc:
            reason = in_words(exc) if isinstance(exc, OSError) else str(exc)
            raise QueueError(f"the queue {folder} cannot be used: {reason}") from exc
        self._next = max((number for number, _ in self._waiting), default=0) + 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def in_progress(self) -> InProgress:
        """The part in progress, as the disk has it."""
        return self._in_progress or InProgress()

    def begin(self, serial: str, fibers: int = 1) -> None:
        """Bring the part in progress to the disk; an empty serial number for none.

        Raises:
            QueueError: the disk is full or fails; the part before is in progress as it was.
        """
        with self._lock:
            part = InProgress(serial, fibers)
            if part == self._in_progress:
                return
            try:
                write_whole(self.folder / _IN_PROGRESS, _to_json(part))
            except OSError as exc:
                raise QueueError(f"{serial or 'the part'} cannot be kept in {self.folder}: {in_words(exc)}") from exc
            self._in_progress = part

    def put(self, arrival: Arrival, data: bytes) -> bool:
        """Bring a picture to the disk; its part is the one in progress.

        Returns:
            Whether it is new: one that waits already is not put twice.

        Raises:
            QueueError: the disk is full or fails; the picture was not taken.
        """
        with self._lock:
            if any(each.id == arrival.id for _, each in self._waiting):
                return False
            picture, values = self._paths(self._next, arrival)
            part = InProgress(arrival.serial, arrival.fibers)
            is_new_part = part != self._in_progress
            begun = {self.folder / _IN_PROGRESS: _to_json(part)} if is_new_part else {}
            try:
                write_together({picture: data, **begun, values: arrival.to_json()})
            except OSError as exc:
                self._in_progress = None  # it may be written already; whatever comes next writes its own
                raise QueueError(f"{arrival.name} cannot be put into {self.folder}: {in_words(exc)}") from exc
            self._in_progress = part
            self._waiting.append((self._next, arrival))
            self._next += 1
            return True

    def oldest(self, most: int) -> list[Arrival]:
        """The pictures that have waited longest, in the order in which they came."""
        with self._lock:
            return [arrival for _, arrival in self._waiting[:most]]

    def of_id(self, picture_id: str) -> Arrival | None:
        """The picture of an id, if it waits."""
        with self._lock:
            return next((arrival for _, arrival in self._waiting if arrival.id == picture_id), None)

    def of_part(self, part: str) -> list[Arrival]:
        """The pictures of a part that wait."""
        with self._lock:
            return [arrival for _, arrival in self._waiting if arrival.part == part]

    def data(self, arrival: Arrival) -> bytes:
        """The bytes of a picture that waits.

        Raises:
            QueueError: its file is gone or cannot be read.
        """
        picture, _ = self._paths(self._number(arrival), arrival)
        try:
            return picture.read_bytes()
        except OSError as exc:
            raise QueueError(f"{picture} cannot be read: {in_words(exc)}") from exc

    def remove(self, arrival: Arrival, *, refused: bool = False) -> None:
        """Take a picture out of the queue; one that was refused is kept in the folder ``refused``.

        Raises:
            QueueError: the disk does not let it go.
        """
        number = self._number(arrival)
        picture, values = self._paths(number, arrival)
        try:
            if refused and picture.exists():  # else it was moved when its values could not be removed
                kept = self.folder / _REFUSED
                kept.mkdir(exist_ok=True)
                picture.replace(kept / picture.name)
            values.unlink(missing_ok=True)
            picture.unlink(missing_ok=True)
            sync_folder(self.folder)
        except OSError as exc:
            raise QueueError(f"{picture} cannot be removed: {in_words(exc)}") from exc
        with self._lock:
            self._waiting = [each for each in self._waiting if each[0] != number]

    def _found(self) -> list[tuple[int, Arrival]]:
        """What an earlier station has left, half-written files removed."""
        found = []
        for path in sorted(self.folder.iterdir()):
            if path.name.startswith(ASIDE):
                path.unlink()
            elif named := _NAME.fullmatch(path.name):
                found.append((int(named["number"]), _read(path)))
            elif path.suffix == ".picture" and not path.with_suffix(".json").exists():
                path.unlink()  # its values were never written, or removed first: nobody was told that it waits
        return found

    def _number(self, arrival: Arrival) -> int:
        with self._lock:
            return next(number for number, each in self._waiting if each.id == arrival.id)

    def _paths(self, number: int, arrival: Arrival) -> tuple[Path, Path]:
        stem = self.folder / f"{number:012d}-{arrival.id}"
        return stem.with_suffix(".picture"), stem.with_suffix(".json")


def _read(path: Path) -> Arrival:
    try:
        return Arrival.from_json(path.read_bytes())
    except ValueError as exc:
        raise ValueError(f"{path.name} is damaged, move it and its picture elsewhere: {exc}") from exc


def _to_json(part: InProgress) -> bytes:
    return json.dumps(part._asdict()).encode()


def _read_in_progress(path: Path) -> InProgress:
    try:
        return InProgress(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return InProgress()
    except (ValueError, TypeError) as exc:
        raise ValueError(f"{path.name} is damaged, remove it and scan the part again: {exc}") from exc


def _hold(path: Path) -> IO[bytes]:
    """A file that no other process can hold; the system lets it go when this one ends, however it ends.

    Raises:
        ValueError: another process holds it.
    """
    file = path.open("ab")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        file.close()
        raise ValueError("another station uses it; give each a folder of its own (--data)") from exc
    return file
