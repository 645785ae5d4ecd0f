"""The commands ``endface record``: verify a record, write it as CSV, show a part, copy it, look for drift."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from endface.drift import REFERENCE, SIGNALS, WINDOW, Drift, Inspected, find_drift
from endface.files import in_words, whole_file
from endface_client.record.copy import copy
from endface_client.record.csv_export import write_csv
from endface_client.record.database import entries, reading
from endface_client.record.entry import Entry, Mark, RecordBroken, RecordError, read_key
from endface_client.record.pictures import FOLDER
from endface_client.record.verify import check

KEY_VARIABLE: Final = "ENDFACE_RECORD_KEY"

_BROKEN: Final = 1
_DRIFTS: Final = 1
_NOT_FOUND: Final = 1
_NOT_READABLE: Final = 2
_MOST_WARNINGS: Final = 20

app = typer.Typer(help="Verify, read and watch the record that `endface inspect --record` keeps.", no_args_is_help=True)

_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the record.")]


@app.command()
def verify(
    folder: _Folder,
    *,
    head: Annotated[
        str | None, typer.Option(metavar="NUMBER:SEAL", help="An entry that was seen before and must still be there.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(envvar=KEY_VARIABLE, metavar="FILE", help="The key that the record is sealed with.")
    ] = None,
) -> None:
    """Check the record: exit 0 if it is what was written, 1 if it was changed, 2 if it cannot be read."""
    with _exit_codes():
        found = check(folder, key=read_key(key), head=Mark.parse(head) if head else None)
    typer.echo(f"intact: {found.inspections} inspections in entries {found.first} to {found.head.number}")
    if found.dropped.number:
        typer.echo(f"entries up to {found.dropped.number} were dropped by the size limit")
    for warning in found.warnings[:_MOST_WARNINGS]:
        typer.echo(f"warning: {warning}", err=True)
    if len(found.warnings) > _MOST_WARNINGS:
        typer.echo(f"warning: and {len(found.warnings) - _MOST_WARNINGS} more", err=True)
    if key is None:
        typer.echo("no key: only a head that was kept elsewhere shows that the record was not written anew or cut off")
    typer.echo(f"head {found.head}")


@app.command()
def export(
    folder: _Folder,
    *,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write this file; default: stdout.")] = None,
    serial: Annotated[str | None, typer.Option(help="Only the part with this serial number.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only from this day on, in UTC.")] = None,
) -> None:
    """Write the inspections as CSV, one row each, for a spreadsheet."""
    first_day = since.date().isoformat() if since else ""
    with _exit_codes(), reading(folder) as db:

        def chosen() -> Iterator[Entry]:
            return entries(db, serial=serial, since=first_day)

        if csv is None:
            write_csv(chosen, sys.stdout)
            return
        try:
            # Excel takes a file for UTF-8 only if it begins with the mark that utf-8-sig writes.
            with whole_file(csv) as file:
                text = io.TextIOWrapper(file, "utf-8-sig", errors="backslashreplace", newline="")
                written = write_csv(chosen, text)
                text.flush()
                text.detach()
        except OSError as exc:
            raise RecordError(f"{csv} cannot be written: {in_words(exc)}") from exc
    typer.echo(f"wrote {written} inspections to {csv}", err=True)


@app.command()
def show(
    folder: _Folder,
    part: Annotated[str, typer.Argument(metavar="PART", help="The part's serial number, or a picture's name.")],
) -> None:
    """Show the inspections of a part, and where its pictures are; exit 1 if there are none."""
    part = part.strip()  # a scanner ends its line with CR and LF
    with _exit_codes(), reading(folder) as db:
        for chosen in ({"serial": part}, {"name": part}):
            known = False
            for entry in entries(db, **chosen):
                known = True
                typer.echo("\n".join(_described(entry, folder)))
            if known:
                return
    typer.echo(f"{folder} holds no inspection of {part!r}, neither by serial number nor by picture", err=True)
    raise typer.Exit(_NOT_FOUND)


@app.command()
def drift(
    folder: _Folder,
    *,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day in UTC with which the reference begins.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the signals as JSON on stdout.")] = False,
) -> None:
    """Hold the last inspections against the first: exit 0 if nothing drifts, 1 if something does, 2 if unreadable."""
    with _exit_codes(), reading(folder) as db:
        chosen = entries(db, since=since.date().isoformat() if since else "")
        reports = ((entry.values["time"], entry.report) for entry in chosen)
        found = find_drift(Inspected(time, report) for time, report in reports if report)
    if as_json:
        typer.echo(json.dumps([vars(each) for each in found]))
    else:
        typer.echo("\n".join(_drift_table(found)))
    raise typer.Exit(_DRIFTS if any(each.is_drifting for each in found) else 0)


@app.command("copy")
def copy_record(
    folder: _Folder, target: Annotated[Path, typer.Argument(metavar="TO", help="Folder of the copy.")]
) -> None:
    """Copy the record as it is now, while programs go on writing to it."""
    with _exit_codes():
        copy(folder, target)
    typer.echo(f"copied {folder} to {target}")


def _described(entry: Entry, folder: Path) -> Iterator[str]:
    """The lines that describe an inspection."""
    report, error = entry.report, entry.error
    borderline = " borderline" if report and report.borderline else ""
    limits = f" by {report.criteria.profile}" if report else ""
    word = "not inspected" if error else entry.word
    yield f"{entry.time:%Y-%m-%d %H:%M:%S} UTC, entry {entry.mark.number}: {word}{borderline}{limits}"
    yield f"  serial {entry.values['serial'] or 'not given'}, name {entry.values['name']}"
    if connector := entry.values.get("connector"):
        yield f"  fiber {connector['fiber']} of {connector['fibers']} of a connector: {connector['verdict']}"
    elif report and "fiber" in report.meta:
        yield f"  fiber {report.meta['fiber']} of {report.meta.get('fibers', 'an unknown number')}"
    yield from (f"  {reason}" for reason in (report.reasons if report else ()))
    if report and report.reinspection:
        yield f"  since the inspection of {report.reinspection.previous_time[:19]} UTC: {report.reinspection.text}"
    if error:
        yield f"  {error.code}: {error.message}"
    if report and report.model:
        model = report.model
        yield f"  network {model.name} {model.version} on {model.engine}, SHA-256 {model.sha256}"
    if entry.values["server"]:
        yield f"  server {entry.values['server']}"
    if entry.picture_file:
        yield f"  picture {folder / FOLDER / entry.picture_file}"


def _drift_table(found: list[Drift]) -> Iterator[str]:
    """The lines that describe signals and whether they drift."""
    yield f"{'profile':<16}{'signal':<14}{'reference':>10}{'now':>10}{'score':>8}  "
    for each in found:
        head = f"{each.profile:<16}{each.signal:<14}"
        if each.reference is None or each.now is None:
            yield f"{head}{'':>28}  not yet: {each.values} values of {REFERENCE + WINDOW}"
            continue
        state = f"DRIFTS since {each.since[:19]} UTC: {SIGNALS[each.signal]}" if each.is_drifting else "steady"
        yield f"{head}{each.reference:>10.3f}{each.now:>10.3f}{each.score:>+8.1f}  {state}"


@contextmanager
def _exit_codes() -> Iterator[None]:
    """Print an error as a sentence, and exit with its code."""
    try:
        yield
    except RecordBroken as exc:
        typer.echo(f"broken: {exc}", err=True)
        raise typer.Exit(_BROKEN) from exc
    except RecordError as exc:
        typer.echo(f"endface record: {exc}", err=True)
        raise typer.Exit(_NOT_READABLE) from exc
    except OSError as exc:
        if exc.filename is None:  # the output
            raise
        typer.echo(f"endface record: {exc.filename} cannot be used: {in_words(exc)}", err=True)
        raise typer.Exit(_NOT_READABLE) from exc
