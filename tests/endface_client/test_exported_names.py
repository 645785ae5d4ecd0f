"""What ``import endface_client`` shows."""

from __future__ import annotations

import inspect

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
