"""The recipe survives JSON, and the command refuses what it does not know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from endface.errors import ConfigurationError
from endface_build.commands.training import read_recipe
from endface_build.training.recipe import Recipe


def test_recipe_survives_json() -> None:
    """A recipe written as JSON and read again is the same, and so is its hash."""
    recipe = Recipe(steps=5, widths=(4, 8))
    again = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))

    assert again == recipe
    assert again.sha256 == recipe.sha256 != Recipe().sha256


def test_unknown_option() -> None:
    """An unknown option is named."""
    with pytest.raises(ConfigurationError, match="colour"):
        Recipe.from_json({"colour": "blue"})


def test_recipe_file_changes_options(tmp_path: Path) -> None:
    """A recipe file changes the options it names and leaves the others."""
    path = tmp_path / "quick.json"
    path.write_text('{"steps": 3, "widths": [4, 8]}')

    assert read_recipe(path) == Recipe(steps=3, widths=(4, 8))
    assert read_recipe(None) == Recipe()


@pytest.mark.parametrize("content", ["", "steps = 3", "[1, 2]"])
def test_unreadable_recipe_file(content: str, tmp_path: Path) -> None:
    """A file that is no JSON object is refused with an example."""
    path = tmp_path / "recipe.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="JSON object with options"):
        read_recipe(path)
