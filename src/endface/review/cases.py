"""The folder of review cases: bounded, and written so that a reader sees whole cases only."""

from __future__ import annotations

import json
import logging
import re
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from endface.errors import ReviewError
from endface.files import ASIDE, in_words, sha256, sync_folder, whole_file, write_together
from endface.report import Report
from endface.review.case import (
    CANDIDATE_FILE,
    CASE_FILE,
    REPORT_FILE,
    REVIEWS,
    Case,
    entry_bytes,
    picture_name,
    read_case,
    read_entry,
)
from endface.review.folder_count import FolderCount
from endface.review.opinions import Review
from endface.review.reasons import KINDS, Reason, reasons_to_keep

LIMIT_COUNT: Final = 2_000
LIMIT_BYTES: Final = 2_000_000_000
"""Cases, and bytes of all of them, that a folder holds unless told otherwise."""

_NAME: Final = re.compile(r"[0-9a-f]{16}(-[0-9]{1,3})?")
_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Entry:
    """What decides which case goes first."""

    kind: str
    kept_at: str
    bytes: int


class Cases:
    """Review cases in a folder, which several processes may use; safe for threads.

    A folder that is full loses the oldest case without a review of the kind that has the most of them.  A case with a
    review is never removed, even if that leaves more than the limits.

    Args:
        folder: made when the first case is kept.
        limit_count: most cases.
        limit_bytes: most bytes of all cases.
        clock: a clock in seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit_count: int = LIMIT_COUNT,
        limit_bytes: int = LIMIT_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder: Final = folder
        self._open_count = FolderCount(folder, lambda: sum(not self._reviewed(name) for name in self.names()), clock)
        self._limit_count, self._limit_bytes = limit_count, limit_bytes
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.names())

    def __iter__(self) -> Iterator[Case]:
        """The cases that can be read, the newest first; a damaged one is logged."""
        for name in self.names():
            try:
                yield self.read(name)
            except ReviewError as exc:
                _LOGGER.warning("left out: %s", exc)

    def keep(
        self, report: Report, picture: bytes, *, candidate: Report | None = None, asked: bool = False
    ) -> Case | None:
        """Keep a picture, if a rule says so; one that is kept already gets the new reasons.

        Args:
            report: what was answered.
            picture: the encoded picture as it came.
            candidate: what another network says of it.
            asked: whether a person wants it, whatever the rules say.

        Returns:
            The case; None where there is no reason.

        Raises:
            ReviewError: the disk does not take it.
        """
        reasons = reasons_to_keep(report, candidate, asked=asked)
        if not reasons:
            return None
        fiber = f"-{report.fiber_number}" if report.fiber_number else ""
        folder = self.folder / f"{sha256(picture)[:16]}{fiber}"
        try:
            with self._lock:
                if (folder / CASE_FILE).exists():
                    _add(folder, reasons, candidate)
                    self._entries.pop(folder.name, None)
                else:
                    _write(folder, report, picture, candidate, reasons)
                self._prune(folder.name)
        except OSError as exc:
            raise ReviewError(
                f"The picture cannot be kept for review in {self.folder}: {in_words(exc)}. Make room, or choose "
                "another folder."
            ) from exc
        finally:
            self._open_count.forget()
        return read_case(folder)

    def names(self) -> list[str]:
        """The names of all cases, the newest first."""
        with self._lock:
            entries = self._scan()
        return sorted(entries, key=lambda name: (entries[name].kept_at, name), reverse=True)

    @property
    def open_count(self) -> int:
        """How many cases have no review; a review by another process is counted within ten seconds."""
        return self._open_count()

    def read(self, name: str) -> Case:
        """A case by its name.

        Raises:
            ReviewError: there is none, or it is damaged.
        """
        if not _NAME.fullmatch(name):
            raise ReviewError(f"There is no case {name!r}.")
        return read_case(self.folder / name)

    def add_review(self, name: str, review: Review) -> None:
        """Add a review to those of a case.

        Raises:
            ReviewError: there is no such case, or the disk does not take it.
        """
        folder = self.read(name).folder / REVIEWS
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        data = json.dumps(review.to_json(), ensure_ascii=False, allow_nan=False).encode()
        try:
            with whole_file(folder / f"{stamp}-{secrets.token_hex(4)}.json") as file:
                file.write(data)
        except OSError as exc:
            raise ReviewError(f"The review of {name} cannot be written: {in_words(exc)}. Give it again.") from exc
        finally:
            self._open_count.forget()

    def _scan(self) -> dict[str, _Entry]:
        """What is there, reading only what is new."""
        try:
            there = {path.name for path in self.folder.iterdir() if _NAME.fullmatch(path.name)}
        except FileNotFoundError:
            there = set()
        known = {name: entry for name, entry in self._entries.items() if name in there}
        for name in there - known.keys():
            try:
                values = read_entry(self.folder / name)
                size = sum(path.stat().st_size for path in (self.folder / name).iterdir() if path.is_file())
                known[name] = _Entry(values["reasons"][0]["kind"], values["kept_at"], size)
            except (ReviewError, OSError) as exc:
                _LOGGER.warning("left out: %s", exc)
        self._entries = known
        return known

    def _prune(self, newest: str) -> None:
        """Remove cases until the limits hold, or only reviewed ones and the newest are left."""
        entries = self._scan()
        count, total = len(entries), sum(entry.bytes for entry in entries.values())
        while count > self._limit_count or total > self._limit_bytes:
            free = {name: each for name, each in entries.items() if name != newest and not self._reviewed(name)}
            if not free:
                return
            numbers = Counter(entry.kind for entry in free.values())
            most = max(KINDS, key=lambda kind: numbers[kind])
            oldest = min((name for name in free if free[name].kind == most), key=lambda name: free[name].kept_at)
            removed = entries.pop(oldest)
            if self._remove(self.folder / oldest):
                count, total = count - 1, total - removed.bytes

    def _reviewed(self, name: str) -> bool:
        return any((self.folder / name / REVIEWS).glob("[0-9]*.json"))

    def _remove(self, folder: Path) -> bool:
        """Take a case away; one that was reviewed at the last moment stays."""
        aside = self.folder / f"{ASIDE}{secrets.token_hex(8)}"
        try:
            folder.rename(aside)
        except FileNotFoundError:  # another process removed it
            return True
        if any((aside / REVIEWS).glob("[0-9]*.json")):
            aside.rename(folder)
            return False
        shutil.rmtree(aside, ignore_errors=True)
        return True


def now() -> str:
    """This moment, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _write(folder: Path, report: Report, picture: bytes, candidate: Report | None, reasons: tuple[Reason, ...]) -> None:
    """Write a new case aside, then rename it into its place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.parent / f"{ASIDE}{secrets.token_hex(8)}"
    name = picture_name(picture)
    contents = {
        aside / name: picture,
        aside / REPORT_FILE: report.to_json().encode(),
        aside / CASE_FILE: entry_bytes(now(), name, reasons, report),
    }
    if candidate is not None:
        contents[aside / CANDIDATE_FILE] = candidate.to_json().encode()
    try:
        (aside / REVIEWS).mkdir(parents=True)
        write_together(contents)
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        if (folder / CASE_FILE).exists():  # another process kept the same picture meanwhile
            return
        raise
    sync_folder(folder.parent)


def _add(folder: Path, reasons: tuple[Reason, ...], candidate: Report | None) -> None:
    """Give a case the reasons of kinds that it does not have; a candidate that differs takes an earlier one's place."""
    values = read_entry(folder)
    known = [Reason(each["kind"], each["text"]) for each in values["reasons"]]
    if candidate is not None and any(reason.kind == "disagreement" for reason in reasons):
        known = [reason for reason in known if reason.kind != "disagreement"]
    kinds = {reason.kind for reason in known}
    new = [reason for reason in reasons if reason.kind not in kinds]
    if not new:
        return
    contents = {} if candidate is None else {folder / CANDIDATE_FILE: candidate.to_json().encode()}
    merged = tuple(sorted([*known, *new], key=lambda reason: KINDS.index(reason.kind)))
    contents[folder / CASE_FILE] = entry_bytes(values["kept_at"], values["picture"], merged, read_case(folder).report)
    write_together(contents)
