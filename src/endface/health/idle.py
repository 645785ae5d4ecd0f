"""When a process counts as idle: what all that look for a server that does nothing have in common."""

from __future__ import annotations

from typing import Final

WORKING: Final = 0.1
"""Processors that whoever has something to do wants at least; an idle server wants 0.001, one stuck behind full queues
0.06, and one that loads a model a whole one."""

LONGEST_LOOK_S: Final = 1.0
"""No pause between two looks counts longer: then it was we who were not running."""
