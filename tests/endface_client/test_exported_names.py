"""What ``import endface_client`` shows, and what packages import of each other."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import endface_client


def test_exactly_the_public_names_are_exported() -> None:
    """``__all__`` is sorted as ruff sorts it and complete: nothing leaks, nothing is forgotten."""
    public = {
        name for name, value in vars(endface_client).items() if not name.startswith("_") and not inspect.ismodule(value)
    }

    assert public == set(endface_client.__all__)


def test_the_public_names_are_documented() -> None:
    """Each has a docstring of its own."""
    assert all(vars(endface_client)[name].__doc__ for name in endface_client.__all__)


@pytest.mark.parametrize(
    "folder",
    [
        "src/endface",
        "client/endface_client",
        "client/endface_station",
        "client/endface_commands",
        "build/endface_build",
        "benchmarks",
    ],
)
def test_no_package_imports_a_private_name_of_another(project: Path, folder: str) -> None:
    """What several packages use has a name without an underscore."""
    package = Path(folder).name
    private = {
        f"{path.relative_to(project)}: {name}"
        for path in (project / folder).rglob("*.py")
        for name in imported(ast.parse(path.read_text(encoding="utf-8")))
        if name.startswith(("endface", "benchmarks")) and name.partition(".")[0] != package
        if any(word.startswith("_") and not word.startswith("__") for word in name.split("."))
    }
    assert private == set()


def imported(tree: ast.Module) -> Iterator[str]:
    """The names that a module imports, with their modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)
