"""Environment variables through which a server tells the stages in its model processes what they cannot see."""

from __future__ import annotations

from typing import Final

PROFILE: Final = "ENDFACE_PROFILE"
"""Profile of requests that name none; unset or empty: each must name one."""

PROFILES: Final = "ENDFACE_PROFILES"
"""Folder with the user's own profiles; unset or empty: there are none."""

ENGINE: Final = "ENDFACE_ENGINE"
"""Name of the engine that runs ``segment``, for the reports; unset: ONNX Runtime."""
