"""The words of the page in one file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from endface.errors import ConfigurationError
from endface_station.texts import ENGLISH, Texts


def test_translation_takes_the_place_of_every_text(tmp_path: Path) -> None:
    """A copy with other words is shown as it is."""
    copy = tmp_path / "de.toml"
    copy.write_text(ENGLISH.read_text(encoding="utf-8").replace('fail = "FAIL"', 'fail = "DURCHGEFALLEN"'), "utf-8")

    assert Texts.of(copy)("verdict.fail") == "DURCHGEFALLEN"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('fail = "FAIL"', "", "has no text for verdict.fail"),
        ('fail = "FAIL"', 'fail = "FAIL"\nfial = "x"', "no page shows: verdict.fial"),
        ("{done} of {fibers} pass", "{done} pass", "part.done has other names in braces"),
        ("{done} of {fibers} pass", "{done of {fibers} pass", "the braces of part.done"),
        ('fail = "FAIL"', "fail = 7", "is no TOML of texts: verdict.fail is no text"),
        ('fail = "FAIL"', "fail =", "is no TOML of texts"),
    ],
)
def test_translation_that_lacks_something_is_refused_at_the_start(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    """Before an operator meets a hole in it."""
    text = ENGLISH.read_text(encoding="utf-8")
    assert old in text
    copy = tmp_path / "xx.toml"
    copy.write_text(text.replace(old, new), encoding="utf-8")

    with pytest.raises(ConfigurationError, match=re.escape(said)):
        Texts.of(copy)


def test_missing_file_is_a_sentence(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(ConfigurationError, match=r"none\.toml cannot be read"):
        Texts.of(tmp_path / "none.toml")


def test_every_text_is_shown_and_every_shown_text_is_there() -> None:
    """Templates and code name the keys; those that are put together are known by their section."""
    package = ENGLISH.parents[1]
    sources = [*package.glob("templates/*.j2"), *package.rglob("*.py")]
    shown = "".join(path.read_text(encoding="utf-8") for path in sources)
    named = set(re.findall(r"""(?:\bt|texts)\(\s*["']([a-z_.]+)["'][,)]""", shown))
    texts = ENGLISH.read_text(encoding="utf-8")
    keys, section = set(), ""
    for line in texts.splitlines():
        if line.startswith("["):
            section = line.strip("[]") + "."
        elif found := re.match(r"([a-z_]+) = ", line):
            keys.add(section + found[1])

    put_together = ("verdict.", "type.", "problem.", "advice.", "server.", "refused.")
    assert named <= keys
    assert {key for key in keys - named if not key.startswith(put_together)} == set()
