"""What a run leaves in a folder: per picture the report and its overlay, and one page for all.

Each file is written beside its place and then moved there: whoever looks sees a whole file or none.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from endface.files import sha256, write_whole
from endface.report import Report
from endface_client._errors import ClientError, UnreadablePicture
from endface_client._outcome import Outcome
from endface_client._output.overlay import overlay_png
from endface_client._output.page import Card, page, photo_uri
from endface_client._transport import wire

PAGE: Final = "index.html"


class RunFolder:
    """Writes a run's files into a folder, which is made if it is not there.

    The page holds every picture, about 80 kB each: runs of many thousands belong into several folders.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._cards: list[Card] = []
        self._stems: set[str] = set()
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def page(self) -> Path:
        """Where the page stands once it is written."""
        return self._directory / PAGE

    def add(self, outcome: Outcome) -> Outcome:
        """Write one picture's files and keep it for the page.

        Returns:
            The outcome; with an error instead of the report where the picture is no longer the one that was inspected.
        """
        if isinstance(outcome.result, ClientError):
            self._cards.append(Card(outcome, photo=""))
            return outcome
        try:
            data = same_picture(outcome.path, outcome.result)
        except UnreadablePicture as exc:
            return self.add(Outcome(outcome.path, exc))
        stem = self._free_stem(outcome.path.stem)
        write_whole(self._directory / f"{stem}.json", (outcome.result.to_json() + "\n").encode())
        write_whole(self._directory / f"{stem}.overlay.png", overlay_png(data, outcome.result))
        self._cards.append(Card(outcome, photo_uri(data)))
        return outcome

    def write_page(self, server: str) -> None:
        """Write the page over everything that was added."""
        text = page(self._cards, server=server, finished=datetime.now().astimezone())
        write_whole(self.page, text.encode("utf-8", "replace"))

    def _free_stem(self, stem: str) -> str:
        """The stem, numbered where the run has it already; names that differ in case only are one on some disks."""
        number, free = 1, stem
        while free.casefold() in self._stems:
            number += 1
            free = f"{stem}-{number}"
        self._stems.add(free.casefold())
        return free


def same_picture(path: Path, report: Report) -> bytes:
    """The bytes that were inspected.

    Raises:
        UnreadablePicture: the file is gone, or another one has taken its place since.
    """
    data = wire.encode(path)
    if sha256(data) != report.image.sha256:
        raise UnreadablePicture(f"{path} changed while it was inspected; inspect it again")
    return data
