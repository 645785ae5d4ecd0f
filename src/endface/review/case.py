"""One case: a folder with a picture as it came, its report, why it was kept, and its reviews.

CASE/picture.png      the encoded picture, under the ending of its format
CASE/report.json      what was answered
CASE/candidate.json   what another network says of it, if one was asked
CASE/case.json        when and why it was kept
CASE/reviews/*.json   a file a review, in the order of their names; none is ever changed

The last folder only ever grows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from endface.errors import ReviewError
from endface.report import Report
from endface.review.marks import Mark, marks_of
from endface.review.opinions import Review, Standing, standing
from endface.review.reasons import Kind, Reason

SCHEMA_VERSION: Final = "endface.case/1"

CASE_FILE: Final = "case.json"
REPORT_FILE: Final = "report.json"
CANDIDATE_FILE: Final = "candidate.json"
REVIEWS: Final = "reviews"

_SIGNATURES: Final = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"BM": ".bmp",
    b"II*\x00": ".tif",
    b"MM\x00*": ".tif",
}


@dataclass(frozen=True)
class Case:
    """A case as it was when it was read.

    Attributes:
        folder: where it lies; its name is the case's.
        kept_at: when it was kept, ISO 8601 in UTC.
        reasons: why, the most telling first.
        report: what was answered.
        candidate: what another network says of the picture; None where none was asked.
        reviews: all of them, the oldest first.
        picture_file: name of the picture's file.
    """

    folder: Path
    kept_at: str
    reasons: tuple[Reason, ...]
    report: Report
    candidate: Report | None
    reviews: tuple[Review, ...]
    picture_file: str

    @property
    def name(self) -> str:
        """The case's name."""
        return self.folder.name

    @property
    def kind(self) -> Kind:
        """The first of its kinds."""
        return self.reasons[0].kind

    @property
    def standing(self) -> Standing:
        """How its reviews stand to each other."""
        return standing(self.reviews)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The marks of its report."""
        return marks_of(self.report)

    @property
    def part(self) -> str:
        """The part that it shows: the serial number, or the picture itself where none is known."""
        return self.report.serial or self.report.image.sha256

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the picture; None where it could not be decoded."""
        image = self.report.image
        return (image.width, image.height) if image.width and image.height else None

    def picture(self) -> bytes:
        """The encoded picture.

        Raises:
            ReviewError: it is gone.
        """
        return _bytes(self.folder / self.picture_file)


def read_case(folder: Path) -> Case:
    """Read a case.

    Raises:
        ReviewError: it is gone or damaged.
    """
    values = read_entry(folder)
    candidate = folder / CANDIDATE_FILE
    try:
        return Case(
            folder,
            values["kept_at"],
            tuple(Reason(each["kind"], each["text"]) for each in values["reasons"]),
            Report.from_json(_bytes(folder / REPORT_FILE)),
            Report.from_json(_bytes(candidate)) if candidate.exists() else None,
            read_reviews(folder),
            values["picture"],
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise _damaged(folder, exc) from exc


def read_entry(folder: Path) -> dict[str, Any]:
    """The values of a case's ``case.json``.

    Raises:
        ReviewError: it is gone or damaged.
    """
    try:
        values = json.loads(_bytes(folder / CASE_FILE))
        if values["schema_version"] != SCHEMA_VERSION or not values["reasons"]:
            raise ValueError(f"its schema is {values['schema_version']!r}")
        if Path(values["picture"]).name != values["picture"]:
            raise ValueError("its picture lies elsewhere")
    except (KeyError, TypeError, ValueError) as exc:
        raise _damaged(folder, exc) from exc
    return dict(values)


def entry_bytes(kept_at: str, picture: str, reasons: tuple[Reason, ...], report: Report) -> bytes:
    """The content of ``case.json``; what a list of cases shows of the report is repeated there."""
    values = {
        "schema_version": SCHEMA_VERSION,
        "kept_at": kept_at,
        "picture": picture,
        "reasons": [{"kind": reason.kind, "text": reason.text} for reason in reasons],
        "verdict": report.verdict,
        "serial": report.serial,
        "name": report.image.name,
        "size": [report.image.width, report.image.height],
    }
    return json.dumps(values, ensure_ascii=False, indent=1).encode()


def picture_name(picture: bytes) -> str:
    """Name of a case's picture, with the ending of its format; ``picture.bin`` for what is no picture."""
    endings = (ending for start, ending in _SIGNATURES.items() if picture.startswith(start))
    return f"picture{next(endings, '.bin')}"


def read_reviews(folder: Path) -> tuple[Review, ...]:
    """The reviews of a case, the oldest first.

    Raises:
        ReviewError: one of them is damaged.
    """
    try:
        return tuple(
            Review.from_json(json.loads(_bytes(path))) for path in sorted((folder / REVIEWS).glob("[0-9]*.json"))
        )
    except ValueError as exc:
        raise _damaged(folder, exc) from exc


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as exc:
        raise ReviewError(f"There is no {path.name} in the case {path.parent}: it was removed meanwhile.") from exc
    except OSError as exc:
        raise ReviewError(f"{path} cannot be read: {exc.strerror}. Check the disk.") from exc


def _damaged(folder: Path, exc: Exception) -> ReviewError:
    return ReviewError(f"The case {folder} is damaged ({exc}): move its folder away.")
