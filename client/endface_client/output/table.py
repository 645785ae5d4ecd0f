"""A run in a terminal: a row for each picture, and a line that sums up."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from endface_client._errors import ClientError
from endface_client.outcome import WORDS, Outcome, Tally, Word

_STYLES: Final[dict[Word, str]] = {
    "pass": "bold green",
    "fail": "bold red",
    "invalid": "bold yellow",
    "error": "bold magenta",
}


class OutcomeTable:
    """Rows of a run: verdict, number of defects, the largest of them, and the first reason; it keeps no report."""

    def __init__(self) -> None:
        self.rows = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
        self.rows.add_column("picture", overflow="fold")
        self.rows.add_column("verdict", no_wrap=True)
        self.rows.add_column("defects", justify="right")
        self.rows.add_column("largest um", justify="right", no_wrap=True)
        self.rows.add_column("reason", overflow="fold", ratio=1)
        self._last_error = ""

    def add(self, outcome: Outcome) -> None:
        """Add the row of one picture, or those of a connector and its fibers."""
        reason = _reason(outcome)
        error = outcome.result.reason if isinstance(outcome.result, ClientError) else ""
        shown = "as above" if error and error == self._last_error else reason
        self._last_error = error
        self.rows.add_row(Text(outcome.name), _verdict(outcome), *_defects(outcome), Text(shown))
        for fiber in outcome.fibers:
            self.add(fiber)


def summary(tally: Tally, noun: str = "picture") -> Text:
    """Counts of the verdicts, such as "12 pictures: 10 pass, 2 fail; 1 borderline"."""
    line = Text(f"{tally.total} {noun}{'' if tally.total == 1 else 's'}: ")
    parts = [Text(f"{tally.counts[word]} {_name(word)}", _STYLES[word]) for word in WORDS if tally.counts[word]]
    line.append_text(Text(", ").join(parts))
    return line.append(f"; {tally.borderline} borderline") if tally.borderline else line


def _name(word: Word) -> str:
    return "not inspected" if word == "error" else word


def _verdict(outcome: Outcome) -> Text:
    text = Text(_name(outcome.word), _STYLES[outcome.word])
    if outcome.is_borderline:
        text.append(" borderline", "cyan")
    if outcome.scope_text:
        text.append(f" {outcome.scope_text}", "cyan")
    return text


def _defects(outcome: Outcome) -> tuple[str, str]:
    """Number and largest size of the defects; nothing where none could be measured."""
    if outcome.report is None or outcome.report.verdict == "invalid":
        return "", ""
    sizes = [defect.size_um for defect in outcome.report.defects]
    return str(len(sizes)), f"{max(sizes):.1f}" if sizes else ""


def _reason(outcome: Outcome) -> str:
    """The first reason, of a face that passes the first note; then what became of the marks since it failed before."""
    said = outcome.reasons or (outcome.report.notes if outcome.report else ())
    first = f"{said[0]} (+{len(said) - 1} more)" if len(said) > 1 else "".join(said)
    again = outcome.report.reinspection if outcome.report else None
    since = f"since the last inspection {again.text}" if again else ""
    return "; ".join(filter(None, (first, since)))
