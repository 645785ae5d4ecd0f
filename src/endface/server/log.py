"""Triton's log: which of its lines are passed on, and why a server ended."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from endface.errors import RepositoryError, ServerMissingError, ServerStartError

_REFUSALS: Final = (
    re.compile(r"failed to load '(?P<model>[^']+)' version \d+: (?:[A-Z][a-z ]+: )?(?P<reason>.+)"),
    re.compile(r"Poll failed for model directory '(?P<model>[^']+)': (?P<reason>.+)"),
)
_TAKEN: Final = re.compile(r":(?P<port>\d+)'? already in use")
_LIBRARY: Final = re.compile(r"error while loading shared libraries: (?P<library>\S+): (?P<reason>.+)")

_ERRORS: Final = ("E", "error:", "terminate called", "  what(): ")
"""How the lines begin that say why: Triton's own errors, and those of C++ when it aborts."""

_HARMLESS: Final = (
    "CudaDriverHelper has not been initialized",
    "unable to create stream for",
    "failed to allocate pinned system memory: no pinned memory pool",
)
"""What Triton complains of where there is no GPU, and no memory is kept for one."""

_FAREWELLS: Final = ("Signal (15) received.", "failed to stop server: Internal - Exit timeout expired")
"""What it says of every stop, and where a reload has left it processes that it waits for in vain."""

_TRITON: Final = re.compile(r"[EWIF]\d{4} [\d:.]+ +\d+ ")
"""Level, date, time and thread in front of a line of Triton's, or of gRPC in it."""

_NUMBERS: Final = re.compile(r"\d+")
_TRACES: Final = "no traces: "
_INSPECTION: Final = "{"
"""How a line of the inspection log begins."""

_WINDOW_S: Final = 10.0
_MOST_ALIKE: Final = 3
"""How often a line passes in a window; more are counted."""

_KINDS: Final = 1000
"""Kinds of lines that are counted in a window."""


class LogFilter:
    """Filter of log lines: it holds back those that say nothing, or nothing new.

    Args:
        has_gpu: whether the machine has a GPU; without one Triton writes some errors at every start.
        clock: gives seconds.
    """

    def __init__(self, *, has_gpu: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._has_gpu = has_gpu
        self._clock = clock
        self._is_stopping = False
        self._traces_fail = False
        self._began_s = clock()
        self._counts: dict[str, tuple[int, str]] = {}  # of a kind in this window, and its last line

    def stops(self) -> None:
        """Note that the server is asked to stop: what it says of that is held back from now on."""
        self._is_stopping = True

    def filter(self, line: str) -> list[str]:
        """The lines to pass on when a line comes.

        That traces are lost is passed on once.  Lines that differ only in numbers pass three times in ten seconds; a
        later line brings the number of the others with it.  Inspections are never held back.
        """
        passed = self._summaries()
        if line.startswith(_TRACES):
            self._traces_fail, is_known = True, self._traces_fail
            return passed if is_known else [*passed, line]
        if self._says_nothing(line):
            return passed
        if line.startswith(_INSPECTION):
            return [*passed, line]
        kind = _NUMBERS.sub("#", line)
        count = self._counts.get(kind, (0, ""))[0] + 1
        if count > 1 or len(self._counts) < _KINDS:
            self._counts[kind] = count, line
        return [*passed, line] if count <= _MOST_ALIKE else passed

    def _says_nothing(self, line: str) -> bool:
        harmless = (() if self._has_gpu else _HARMLESS) + (_FAREWELLS if self._is_stopping else ())
        return any(text in line for text in harmless)

    def _summaries(self) -> list[str]:
        """What was held back in a window that is over."""
        now_s = self._clock()
        if now_s - self._began_s < _WINDOW_S:
            return []
        counts, self._counts, self._began_s = self._counts, {}, now_s
        return [
            f"{line} ({count - _MOST_ALIKE} more like this)" for count, line in counts.values() if count > _MOST_ALIKE
        ]


def explain(
    lines: Sequence[str], ports: Mapping[str, int], status: int | None, check_port: Callable[[str, int], None]
) -> ServerStartError:
    """The error that says why the server ended.

    Args:
        lines: the end of its log.
        ports: the ports that it was to listen on, by the names of their options.
        status: its exit status.
        check_port: raises ``PortTakenError`` if the port of an option is taken now.

    Returns:
        A ``ServerMissingError`` where a library is missing, a ``PortTakenError``, a ``RepositoryError`` with the models
        that Triton refused and the first line of each reason, or else a ``ServerStartError`` with the last error in
        the log.
    """
    return (
        missing_library(lines)
        or _port_failure(lines, ports, check_port)
        or _model_failure(lines)
        or _other_failure(lines, status)
    )


def missing_library(lines: Sequence[str]) -> ServerMissingError | None:
    """The error where a program could not be started for want of a shared library."""
    found = next(filter(None, map(_LIBRARY.search, lines)), None)
    if found is None:
        return None
    library, reason = found["library"], found["reason"]
    cure = "install the package that has it"
    if library.startswith("libpython"):
        package = library.partition(".so")[0]  # as Debian and Ubuntu call it
        cure = f"`apt install {package}`, or use a Python that comes with its shared library"
    return ServerMissingError(f"Triton's Python backend needs the library {library} ({reason}); {cure}")


def stub_failure(lines: Sequence[str]) -> ServerStartError:
    """The error where a process of a stage ended while it was started, and Triton waits for it."""
    own = [line for line in lines if line.strip() and not _TRITON.match(line)] or list(lines)
    reason = f"its last message: {own[-1].strip()}" if own else "it wrote nothing"
    return missing_library(lines) or ServerStartError(f"a process of a stage ended while it was started; {reason}")


def _port_failure(
    lines: Sequence[str], ports: Mapping[str, int], check_port: Callable[[str, int], None]
) -> ServerStartError | None:
    """The error of a port that was taken between our check and Triton's start; Triton may call a free one taken."""
    taken = {int(found["port"]) for found in map(_TAKEN.search, lines) if found}
    if not taken:
        return None
    try:
        for option, port in ports.items():
            if port in taken:
                check_port(option, port)
    except ServerStartError as exc:
        return exc
    named = ", ".join(map(str, sorted(taken)))
    return ServerStartError(
        f"Triton could not listen on port {named}, which is free; it may have too few file descriptors (`ulimit -n`)"
    )


def _model_failure(lines: Sequence[str]) -> RepositoryError | None:
    refused: dict[str, str] = {}
    for line in lines:
        for found in filter(None, (pattern.search(line) for pattern in _REFUSALS)):
            first_line = found["reason"].split("\\n")[0]  # Triton writes a traceback into one line of its log
            refused.setdefault(found["model"], first_line.rstrip('"'))
    if not refused:
        return None
    return RepositoryError("; ".join(f"Triton cannot load {model!r}: {reason}" for model, reason in refused.items()))


def _other_failure(lines: Sequence[str], status: int | None) -> ServerStartError:
    errors = [line for line in lines if line.startswith(_ERRORS)] or [line for line in lines if line.strip()]
    reason = f"its last message: {errors[-1].strip()}" if errors else "its log is empty"
    return ServerStartError(f"Triton ended by itself with exit status {status}; {reason}")
