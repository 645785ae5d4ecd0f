"""Numbers of ``endface serve`` itself, on their way to Triton's metrics port: it writes a file, a stage reads it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from endface.files import write_whole

_FILE: Final = "serve.json"


@dataclass(frozen=True)
class ServeStatus:
    """What happened since ``endface serve`` began.

    Attributes:
        reloads: how often processes of a model were made anew.
        restarts: how often the server was started again, failed attempts included.
        log_lines_dropped: lines of the log that could not be written.
    """

    reloads: int = 0
    restarts: int = 0
    log_lines_dropped: int = 0

    @classmethod
    def read(cls, workspace: Path) -> Self | None:
        """The numbers in a server's private folder; None where there are none."""
        try:
            return cls(**json.loads((workspace / _FILE).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, workspace: Path) -> None:
        """Write the numbers there.

        Raises:
            OSError: they cannot be written.
        """
        write_whole(workspace / _FILE, json.dumps(asdict(self)).encode())
