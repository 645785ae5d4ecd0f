"""The ``endface-build`` command."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn


def main() -> None:
    """Run the command; an error of ours becomes one sentence on stderr and exit status 2."""
    try:
        from rich.console import Console
        from rich.markup import escape

        from endface.errors import EndfaceError
        from endface_build.commands.app import app

        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, _stop)
        try:
            app()
        except EndfaceError as exc:
            Console(stderr=True).print(f"[red]{exc.code}[/red]: {escape(str(exc))}", highlight=False)
            sys.exit(2)
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] in ("endface", "endface_build"):
            raise
        print(  # noqa: T201 - rich may be what is missing
            f"endface-build needs the package {exc.name}: install the extra `build` in the checkout of endface, with "
            "`pip install '.[build]'` (docs/training.md says what it weighs).",
            file=sys.stderr,
        )
        sys.exit(2)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    """End with the code that shells give to a signal; what is under way cleans up after itself."""
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
