"""A run of the command ``endface-build``."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Answer(NamedTuple):
    """What a command did: exit status, and what it wrote to either stream, each in one line."""

    status: int
    out: str
    err: str


Run = Callable[..., Answer]
"""Runs a command line, or words of one."""
