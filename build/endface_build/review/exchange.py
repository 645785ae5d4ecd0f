"""Review cases out to a labelling tool, with outlines drawn beforehand, and corrected outlines back as reviews."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, get_args

import cv2

from endface.contract import Label
from endface.errors import ConfigurationError, PictureError, RequestError, ReviewError
from endface.files import write_whole
from endface.picture.decode import decode
from endface.review.case import Case
from endface.review.cases import Cases, now
from endface.review.marks import Mark, read_marks, same_marks
from endface.review.opinions import Review, settled
from endface_build.data.class_codes import AS_THEY_ARE, OURS, read_classes
from endface_build.drawing.canvas import UNDECIDED
from endface_build.review import coco, cvat, label_studio
from endface_build.review.sheet import Returned, Sheet, are_the_same, without_holes

Format = Literal["coco", "label-studio", "cvat"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

IMAGES: Final = "images"

_CASE: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(-[0-9]{1,3})?(?=\.png|$)")
"""A case's name at the end of what a tool calls its picture."""


class _Tool(Protocol):
    def write(self, folder: Path, sheets: Sequence[Sheet]) -> Path: ...

    def read(self, path: Path, codes: Mapping[str, int]) -> list[Returned]: ...


_TOOLS: Final[dict[Format, _Tool]] = {"coco": coco, "label-studio": label_studio, "cvat": cvat}


@dataclass(frozen=True)
class Imported:
    """What became of the pictures of a tool.

    Attributes:
        reviewed: reviews that were added.
        untouched: pictures that came back as they went, which may mean that nobody looked at them.
        unknown: names of pictures that no case has.
    """

    reviewed: int
    untouched: int
    unknown: tuple[str, ...]


def export_cases(
    cases: Iterable[Case], out: Path, file_format: Format, progress: Callable[[int], None] | None = None
) -> tuple[Path, list[str]]:
    """Write pictures and outlines for a tool.

    Args:
        cases: what is to be looked at.
        out: a folder, made if missing; pictures go into its ``images/`` as PNG, in the gray levels that were judged.
        file_format: the tool's.
        progress: called after each picture with the number done.

    Returns:
        The file for the tool, and the names of cases whose picture cannot be decoded.

    Raises:
        ConfigurationError: no case is left, or the folder cannot be written.
    """
    sheets, left_out = [], []
    try:
        for number, case in enumerate(cases, start=1):
            try:
                gray = decode(case.picture()).gray
            except (PictureError, RequestError):
                left_out.append(case.name)
                continue
            sheet = Sheet(case.name, (gray.shape[1], gray.shape[0]), drawn_beforehand(case))
            write_whole(out / IMAGES / sheet.file, cv2.imencode(".png", gray)[1].tobytes())
            sheets.append(sheet)
            if progress is not None:
                progress(number)
        if not sheets:
            raise ConfigurationError("There is no case to export: all are reviewed, or none has a picture; see --all.")
        return _TOOLS[file_format].write(out, sheets), left_out
    except OSError as exc:
        raise ConfigurationError(f"{out} cannot be written: {exc.strerror}. Choose another folder.") from exc


def import_labels(  # noqa: PLR0913 - the last three are by keyword
    cases: Cases,
    path: Path,
    file_format: Format,
    *,
    reviewer: str,
    classes: Path | None = None,
    take_untouched: bool = False,
) -> Imported:
    """Add what a tool says as reviews; all of it, or nothing if a part is wrong.

    Args:
        cases: the cases that were exported.
        path: the tool's file, or the folder that it lies in.
        file_format: the tool's.
        reviewer: whose reviews they are, where the tool does not say.
        classes: TOML file that says which of the tool's classes is which of ours; None where they have our names.
        take_untouched: whether pictures that came back as they went are reviews too.

    Raises:
        ConfigurationError: the file is not the tool's, or holds what is no mark.
        ReviewError: a mark lies beside its picture, or the disk does not take a review.
    """
    codes = {name: code for name, code in AS_THEY_ARE.items() if name in OURS and _is_mark(code)}
    if classes is not None:
        codes |= read_classes(classes)
        if others := sorted(name for name, code in codes.items() if not _is_mark(code)):
            raise ConfigurationError(
                f"{classes} makes {others[0]!r} no mark; a review is about marks: take these regions out in the tool."
            )
    names = set(cases.names())
    reviews: list[tuple[str, Review]] = []
    untouched, unknown = 0, []
    for returned in _TOOLS[file_format].read(path, codes):
        found = _CASE.search(returned.name)
        if found is None or found[0] not in names:
            unknown.append(returned.name)
            continue
        case = cases.read(found[0])
        if not (returned.was_done or take_untouched) and are_the_same(returned.marks, drawn_beforehand(case)):
            untouched += 1
            continue
        reviews.append((case.name, _review(case, returned, reviewer)))
    for name, review in reviews:
        cases.add_review(name, review)
    return Imported(len(reviews), untouched, tuple(unknown))


def drawn_beforehand(case: Case) -> tuple[Mark, ...]:
    """The marks that a case goes out with: what its reviews agree on, or the report's; without holes."""
    review = settled(case.reviews)
    marks = case.marks if review is None or review.marks is None else review.marks
    return tuple(without_holes(mark) for mark in marks)


def _review(case: Case, returned: Returned, reviewer: str) -> Review:
    """A tool's answer as a review; where the tool knows no opinion, the report is right if its marks are."""
    if returned.size is not None and case.size is not None and returned.size != case.size:
        raise ReviewError(
            f"{returned.name} was drawn on {returned.size[0]} x {returned.size[1]} pixels, its picture has "
            f"{case.size[0]} x {case.size[1]}: label the exported picture."
        )
    marks = read_marks([mark.to_json() for mark in returned.marks], case.size)
    opinion = returned.opinion or ("right" if same_marks(marks, case.marks) else "wrong")
    who = f"{reviewer} {returned.reviewer}".strip() if returned.reviewer else reviewer
    return Review(who, now(), opinion, None if opinion == "not_judgeable" else marks)


def _is_mark(code: int) -> bool:
    return code not in (Label.BACKGROUND, UNDECIDED)
