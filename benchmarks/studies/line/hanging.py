"""A model repository whose stages can be made to hang in the middle of a picture, each in one of its processes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from endface.environment import default_repository

_HOOK: Final = """

import pathlib, time

_Model = TritonPythonModel


class _Hanging:
    def __init__(self, request):
        self._request = request

    def __getattr__(self, name):
        try:
            pathlib.Path({cause!r}).unlink()
        except FileNotFoundError:
            return getattr(self._request, name)
        time.sleep(86_400)


class TritonPythonModel(_Model):
    def execute(self, requests):
        return super().execute([_Hanging(request) for request in requests])
"""
"""Appended to a stage's model.py: whichever process takes the file away first never reads its request to the end."""


def hanging_repository(folder: Path, stages: tuple[str, ...]) -> Path:
    """Copy the default repository.

    Args:
        folder: where to; a file in it that is named like a stage makes one of that stage's processes hang.
        stages: models that can hang.
    """
    copied = folder / "models"
    shutil.copytree(default_repository(), copied, ignore=shutil.ignore_patterns("__pycache__"))
    for stage in stages:
        for path in (copied / stage).glob("*/model.py"):  # each version has its own
            with path.open("a", encoding="utf-8") as model:
                model.write(_HOOK.format(cause=str(folder / stage)))
    return copied
