"""The command ``endface``: inspect pictures, check a server, run one, or read a record."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from endface import __version__
from endface.files import in_words
from endface_client.cli.check_camera import check_camera_command
from endface_client.cli.demo import demo
from endface_client.cli.health import health
from endface_client.cli.inspect import inspect
from endface_client.cli.record import app as record_app
from endface_client.cli.serve import serve

_FAILED: Final = 2
"""Exit code of a command that could not do its work; 1 says that a part did not pass."""

_UNWRITABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EPIPE)
"""What the system says of an output that takes no more."""

_STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a command the way out of every ``with``: what is under way on a server is not cut off."""


class _Commands(TyperGroup):
    """Group of the commands: output that cannot be written ends in an exit code of its own, never in a verdict's."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except OSError as exc:
            if exc.filename is not None or exc.errno not in _UNWRITABLE:
                raise
            _give_up_stdout()
            if not isinstance(exc, BrokenPipeError):  # the reader of the output has ended, which needs no message
                typer.echo(f"endface: the standard output cannot be written: {in_words(exc)}", err=True)
            raise typer.Exit(_FAILED) from exc


app = typer.Typer(
    cls=_Commands,
    help="Inspect fiber-optic connector end faces against IEC 61300-3-35.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (serve, demo, inspect, health):
    app.command()(_command)
app.command("check-camera")(check_camera_command)
app.add_typer(record_app, name="record")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"endface {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Take the options of the command itself."""


def main() -> None:
    """Entry point of the command."""
    for name in ("stdout", "stderr"):
        # Where it was closed, another file would get its number, and what is printed below.
        stream = getattr(sys, name) or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end
        stream.reconfigure(errors="backslashreplace")  # a name that a terminal cannot show
        setattr(sys, name, stream)
    for number in _STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has it ignored
            signal.signal(number, _stop)
    run_to_exit_code(app)


def run_to_exit_code(command: Callable[[], None]) -> None:
    """Run a command; a crash exits with 2, for 1 says that a part did not pass."""
    try:
        command()
    except Exception:
        traceback.print_exc()
        typer.echo("endface: this is a defect of endface; please report it with the lines above", err=True)
        sys.exit(_FAILED)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    """End with the code that shells give to a signal.

    It is no KeyboardInterrupt: where that leaves an ``exec`` of a text, as a dataclass has one when its module is
    imported, Python 3.11 ends ``python -m`` by a signal whatever the exit code should be.
    """
    raise SystemExit(128 + number)


def _give_up_stdout() -> None:
    """Let the interpreter end without a second attempt to write what is left."""
    with contextlib.suppress(OSError):  # it is no file, as in a test
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
