"""A run's outcomes for a terminal: a row a picture, and a line that sums up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from endface.report import Report
from endface_client._outcome import WORDS, Outcome, Word, count

_STYLES: Final[dict[Word, str]] = {
    "pass": "bold green",
    "fail": "bold red",
    "invalid": "bold yellow",
    "error": "bold magenta",
}


def table(outcomes: Sequence[Outcome]) -> Table:
    """One row a picture: verdict, defects, the largest of them, and the first reason."""
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    rows.add_column("picture", overflow="fold")
    rows.add_column("verdict", no_wrap=True)
    rows.add_column("defects", justify="right")
    rows.add_column("largest um", justify="right", no_wrap=True)
    rows.add_column("reason", overflow="fold", ratio=1)
    for outcome in outcomes:
        rows.add_row(Text(outcome.path.name), _verdict(outcome), *_defects(outcome), Text(_reason(outcome)))
    return rows


def summary(outcomes: Sequence[Outcome]) -> Text:
    """How many pictures ended how, such as "12 pictures: 10 pass, 2 fail; 1 borderline"."""
    line = Text(f"{len(outcomes)} picture{'' if len(outcomes) == 1 else 's'}: ")
    counts = count(outcomes)
    parts = [Text(f"{counts[word]} {_spoken(word)}", _STYLES[word]) for word in WORDS if counts[word]]
    line.append_text(Text(", ").join(parts))
    borderline = sum(isinstance(outcome.result, Report) and outcome.result.borderline for outcome in outcomes)
    return line.append(f"; {borderline} borderline") if borderline else line


def _spoken(word: Word) -> str:
    return "not inspected" if word == "error" else word


def _verdict(outcome: Outcome) -> Text:
    text = Text(_spoken(outcome.word), _STYLES[outcome.word])
    if isinstance(outcome.result, Report) and outcome.result.borderline:
        text.append(" borderline", "cyan")
    return text


def _defects(outcome: Outcome) -> tuple[str, str]:
    """Number and largest size of the defects; nothing where none could be measured."""
    if not isinstance(outcome.result, Report) or outcome.result.verdict == "invalid":
        return "", ""
    sizes = [defect.size_um for defect in outcome.result.defects]
    return str(len(sizes)), f"{max(sizes):.1f}" if sizes else ""


def _reason(outcome: Outcome) -> str:
    if not outcome.reasons:
        return ""
    first, *others = outcome.reasons
    return f"{first} (+{len(others)} more)" if others else first
