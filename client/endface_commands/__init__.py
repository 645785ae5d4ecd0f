"""The commands ``endface`` and ``endface-build``, as a shell starts them.

Their packages take a second to import.  A command that is interrupted meanwhile has begun nothing, and ends at once
with the code that shells give to Ctrl-C; Python's own way is a traceback out of whatever module it is reading.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

_INTERRUPTED = 128 + signal.SIGINT


def endface() -> None:
    """Run ``endface``."""
    _end_at_once_when_interrupted()
    from endface_client.__main__ import app, main
    from endface_station.review.command import register

    register(app)
    main()


def endface_build() -> None:
    """Run ``endface-build``."""
    _end_at_once_when_interrupted()
    from endface_build.__main__ import main

    main()


def _end_at_once_when_interrupted() -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # one who started it may have it ignored
        signal.signal(signal.SIGINT, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    """End without running anything: an exception may be caught by the module that is being imported."""
    os._exit(_INTERRUPTED)
