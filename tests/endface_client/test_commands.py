"""The commands as a shell starts them: what Ctrl-C does before anything has begun."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

INTERRUPTED_WHILE_IMPORTING = """
import os, signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a shell; a job in the background has it ignored
sys.argv = {arguments}

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
from {package} import {function}

{function}()
print("it went on")
"""


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        (["endface", "inspect", "x.png"], "grpc"),
        (["endface", "serve"], "typer"),
        (["endface-build", "synth"], "numpy"),
    ],
)
def test_interrupt_while_packages_are_imported_is_quiet(arguments: list[str], module: str) -> None:
    """The exit code of shells, and no traceback of whatever was being imported."""
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    package, _, function = scripts[arguments[0]].partition(":")
    code = INTERRUPTED_WHILE_IMPORTING.format(arguments=arguments, module=module, package=package, function=function)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
