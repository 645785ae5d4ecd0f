"""The words of the page: one file for each language, with the same keys and the same placeholders."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from endface.errors import ConfigurationError

ENGLISH: Final = Path(__file__).parent / "texts" / "en.toml"


class Texts:
    """Texts by key, such as ``texts("verdict.pass")``; values take the places of the names in braces.

    Args:
        words: the texts by key.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = dict(words)

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, filled in."""
        return self._words[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is a text of that key."""
        return key in self._words

    @classmethod
    def of(cls, path: Path | None = None) -> Texts:
        """The texts of a file, checked against the English ones; those themselves for None.

        Raises:
            ConfigurationError: the file cannot be read, or a text is missing, unknown, or has other placeholders.
        """
        english = _read(ENGLISH)
        if path is None:
            return cls(english)
        words = _read(path)
        if missing := sorted(english.keys() - words.keys()):
            raise ConfigurationError(f"{path} has no text for {', '.join(missing)}; copy it from {ENGLISH}")
        if unknown := sorted(words.keys() - english.keys()):
            raise ConfigurationError(f"{path} has texts that no page shows: {', '.join(unknown)}")
        for key, text in words.items():
            try:
                names = _names(text)
            except ValueError as exc:
                raise ConfigurationError(f"{path}: the braces of {key} do not fit together: {exc}") from exc
            if names != _names(english[key]):
                wanted = ", ".join(f"{{{name}}}" for name in sorted(_names(english[key]))) or "none"
                raise ConfigurationError(f"{path}: {key} has other names in braces than the English text: {wanted}")
        return cls(words)


def _read(path: Path) -> dict[str, str]:
    try:
        return dict(_flat(tomllib.loads(path.read_text(encoding="utf-8")), ""))
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise ConfigurationError(f"{path} is no TOML of texts: {exc}") from exc


def _flat(values: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        elif isinstance(value, str):
            yield before + key, value
        else:
            raise ValueError(f"{before}{key} is no text")


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
