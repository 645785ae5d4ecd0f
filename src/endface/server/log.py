"""What Triton's log says when it gives up: the few lines that a person needs, as one of our errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from endface.errors import PortTakenError, RepositoryError, ServerStartError

_REFUSALS: Final = (
    re.compile(r"failed to load '(?P<model>[^']+)' version \d+: (?:[A-Z][a-z ]+: )?(?P<reason>.+)"),
    re.compile(r"Poll failed for model directory '(?P<model>[^']+)': (?P<reason>.+)"),
)
_TAKEN: Final = re.compile(r":(?P<port>\d+)'? already in use")

_ERRORS: Final = ("E", "error:", "terminate called", "  what(): ")
"""How the lines begin that say why: Triton's own errors, and those of C++ when it aborts."""

_HARMLESS: Final = ("CudaDriverHelper has not been initialized", "unable to create stream for")

_TRACES: Final = "no traces: "


def is_about_traces(line: str) -> bool:
    """Whether a line says that traces are lost, which every process of a stage does."""
    return line.startswith(_TRACES)


class Sieve:
    """Holds back what says nothing, or nothing new.

    Args:
        has_gpu: whether the machine has a GPU; without one Triton writes some errors at every start.
    """

    def __init__(self, *, has_gpu: bool) -> None:
        self._has_gpu = has_gpu
        self._traces_fail = False

    def passes(self, line: str) -> bool:
        """Whether a line is worth saying; that traces are lost is so once."""
        if is_about_traces(line):
            self._traces_fail, said = True, self._traces_fail
            return not said
        return self._has_gpu or not any(text in line for text in _HARMLESS)


def explain(lines: Sequence[str], ports: Mapping[str, int], status: int | None) -> ServerStartError:
    """Say why the server ended.

    Args:
        lines: the end of its log.
        ports: the ports that it was to listen on, by the names of their options.
        status: its exit status.

    Returns:
        A ``PortTakenError``, a ``RepositoryError`` with the models that Triton refused and the first line of each
        reason, or else a ``ServerStartError`` with the last error in the log.
    """
    return _port_failure(lines, ports) or _model_failure(lines) or _other_failure(lines, status)


def port_taken(option: str, port: int) -> str:
    """The sentence for a taken port."""
    return f"port {port} is taken by another process; choose another one with {option}"


def _port_failure(lines: Sequence[str], ports: Mapping[str, int]) -> PortTakenError | None:
    """Somebody took a port between our look and Triton's start."""
    taken = {int(found["port"]) for found in map(_TAKEN.search, lines) if found}
    sentences = [port_taken(option, port) for option, port in ports.items() if port in taken]
    return PortTakenError("; ".join(sentences)) if sentences else None


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
    reason = f"the last that it said: {errors[-1].strip()}" if errors else "its log is empty"
    return ServerStartError(f"Triton ended by itself with exit status {status}; {reason}")
